#pragma once

#include <cstdint>
#include <vector>

namespace skerry::learning {

// One image after the other, [channels, rows, columns] each; square windows.
struct ConvolutionShape {
  int64_t channels = 0;  // of the input
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t outputs = 0;  // channels of the output
  int64_t kernel = 0;
  int64_t stride = 1;
  bool same = false;  // zeros around the image, so that the output has ceil(size / stride) rows
};

// The arithmetic of a convolution: out[o, y, x] = bias[o] + sum over c, i, j of
// weight[o, c, i, j] * in[c, y stride + i - above, x stride + j - left]. Elements are computed in a
// fixed order, by fused multiply-add where there is one (lanes.h): no bit depends on addresses, the
// thread, or (but for the gradient of the weights) on the other images of a batch.
//
// Windows are read where they lie in the image: eight neighbours of an output row have their inputs
// side by side, at a distance that depends on (c, i, j) alone. Where `stride` is over 1 they do
// not, and the windows are copied first (im2col). Immutable.
class Convolution {
 public:
  // All numbers positive, and the window fits into the (padded) image.
  explicit Convolution(const ConvolutionShape& shape);

  int64_t out_rows() const { return out_rows_; }
  int64_t out_columns() const { return out_columns_; }
  int64_t num_weights() const { return shape_.outputs * num_taps(); }  // [outputs, c, i, j]
  // Floats of what the next three call a source: an image as the loops read it.
  int64_t source_size() const;
  // Floats that InputGradient scribbles on.
  int64_t scratch_size() const;

  // The source of an image. Whether it is the image itself; then `source` is not needed.
  bool ReadsImages() const { return shape_.stride == 1 && !has_padding(); }
  void MakeSource(const float* image, float* source) const;

  // out: [outputs, out_rows, out_columns]. Sums begin at 0, in the order of the weights; the bias
  // is added last.
  void Forward(const float* source, const float* weight, const float* bias, float* out) const;
  // From the derivatives by the outputs of `images` images to those by the weights. Sums are cut
  // into pieces of about 256 output places (one or more whole images), each of eight lanes, and
  // these are added in order.
  void WeightGradient(const float* sources, const float* out_derivatives, int64_t images,
                      float* gradient) const;
  // From the derivatives by an image's outputs to those by its pixels.
  void InputGradient(const float* out_derivatives, const float* weight, float* in_derivatives,
                     float* scratch) const;

 private:
  // Up to eight outputs next to each other: where their first window and they themselves begin.
  struct Segment {
    int64_t source;
    int64_t out;
    int64_t count;
  };

  bool has_padding() const {
    return padded_rows_ != shape_.rows || padded_columns_ != shape_.columns;
  }
  int64_t num_taps() const { return static_cast<int64_t>(taps_.size()); }
  int64_t places() const { return out_rows_ * out_columns_; }
  int64_t padded_size() const { return shape_.channels * padded_rows_ * padded_columns_; }
  void MakeSegments(int64_t row_length, int64_t rows, int64_t source_stride);
  void Pad(const float* image, float* padded) const;
  void Crop(const float* padded, float* image) const;
  void Unfold(const float* padded, float* columns) const;
  void ScatterSegments(const float* columns, float* padded) const;
  void ScatterPlaces(const float* columns, float* padded) const;
  template <int R>
  void ForwardOutputs(const float* source, const float* weight, const float* bias,
                      float* out) const;
  template <int R>
  void WeightGradientOutputs(const float* sources, const float* derivatives, int64_t images,
                             bool first, float* gradient) const;
  template <int R, int C>
  void WeightGradientTile(const float* sources, const float* derivatives, int64_t images,
                          int64_t tap, bool first, float* gradient) const;

  ConvolutionShape shape_;
  int64_t above_ = 0;  // rows and columns of zeros before the image
  int64_t left_ = 0;
  int64_t padded_rows_ = 0;
  int64_t padded_columns_ = 0;
  int64_t out_rows_ = 0;
  int64_t out_columns_ = 0;
  std::vector<int64_t> window_;    // of each weight: its place within a window of the padded image
  std::vector<int64_t> taps_;      // of each weight: the same within the source
  std::vector<int64_t> apart_;     // the weights in an order in which neighbours lie far apart
  std::vector<Segment> segments_;  // those of eight outputs first
  std::size_t full_segments_ = 0;
};

}  // namespace skerry::learning
