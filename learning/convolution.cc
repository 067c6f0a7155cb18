#include "learning/convolution.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "learning/kernels.h"
#include "learning/lanes.h"

namespace skerry::learning {
namespace {

// Sums that live in registers: 4 outputs x 3 segments (or weights), as in kernels.cc.
constexpr int kTileOutputs = 4;
constexpr int kTileSegments = 3;

int64_t OutSize(int64_t size, const ConvolutionShape& shape) {
  if (shape.same) return (size + shape.stride - 1) / shape.stride;
  return (size - shape.kernel) / shape.stride + 1;
}

// Zeros beside the image, before and behind it together.
int64_t Padding(int64_t size, int64_t out, const ConvolutionShape& shape) {
  return std::max<int64_t>((out - 1) * shape.stride + shape.kernel - size, 0);
}

template <bool kTail>
inline Lanes Load(const float* from, int64_t count) {
  return kTail ? LoadFirst(from, count) : LoadLanes(from);
}

template <bool kTail>
inline void Store(Lanes lanes, float* to, int64_t count) {
  if (kTail) {
    StoreFirst(lanes, to, count);
  } else {
    StoreLanes(lanes, to);
  }
}

}  // namespace

Convolution::Convolution(const ConvolutionShape& shape) : shape_(shape) {
  out_rows_ = OutSize(shape.rows, shape);
  out_columns_ = OutSize(shape.columns, shape);
  const int64_t more_rows = shape.same ? Padding(shape.rows, out_rows_, shape) : 0;
  const int64_t more_columns = shape.same ? Padding(shape.columns, out_columns_, shape) : 0;
  above_ = more_rows / 2;
  left_ = more_columns / 2;
  padded_rows_ = shape.rows + more_rows;
  padded_columns_ = shape.columns + more_columns;
  SKERRY_CHECK(out_rows_ >= 1 && out_columns_ >= 1);
  for (int64_t c = 0; c < shape.channels; ++c) {
    for (int64_t i = 0; i < shape.kernel; ++i) {
      for (int64_t j = 0; j < shape.kernel; ++j) {
        window_.push_back((c * padded_rows_ + i) * padded_columns_ + j);
      }
    }
  }
  for (int64_t j = 0; j < shape.kernel; ++j) {
    for (int64_t at = j; at < static_cast<int64_t>(window_.size()); at += shape.kernel) {
      apart_.push_back(at);
    }
  }
  taps_ = window_;
  if (shape.stride == 1) {
    MakeSegments(out_columns_, out_rows_, padded_columns_);
  } else {
    for (std::size_t k = 0; k < taps_.size(); ++k) taps_[k] = static_cast<int64_t>(k) * places();
    MakeSegments(places(), 1, 0);
  }
}

void Convolution::MakeSegments(int64_t row_length, int64_t rows, int64_t source_stride) {
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < row_length; x += kLanes) {
      segments_.push_back(
          {y * source_stride + x, y * row_length + x, std::min(kLanes, row_length - x)});
    }
  }
  const auto tails = std::stable_partition(segments_.begin(), segments_.end(),
                                           [](const Segment& s) { return s.count == kLanes; });
  full_segments_ = static_cast<std::size_t>(tails - segments_.begin());
}

int64_t Convolution::source_size() const {
  return shape_.stride == 1 ? padded_size() : num_taps() * places();
}

int64_t Convolution::scratch_size() const {
  return num_taps() * places() + std::max(padded_size(), source_size());
}

void Convolution::MakeSource(const float* image, float* source) const {
  if (shape_.stride == 1) return Pad(image, source);
  if (!has_padding()) return Unfold(image, source);
  std::vector<float> padded(static_cast<std::size_t>(padded_size()));
  Pad(image, padded.data());
  Unfold(padded.data(), source);
}

void Convolution::Pad(const float* image, float* padded) const {
  std::fill_n(padded, padded_size(), 0.0F);
  const auto bytes = static_cast<std::size_t>(shape_.columns) * sizeof(float);
  for (int64_t c = 0; c < shape_.channels; ++c) {
    float* to = padded + (c * padded_rows_ + above_) * padded_columns_ + left_;
    for (int64_t y = 0; y < shape_.rows; ++y, to += padded_columns_, image += shape_.columns) {
      std::memcpy(to, image, bytes);
    }
  }
}

void Convolution::Crop(const float* padded, float* image) const {
  const auto bytes = static_cast<std::size_t>(shape_.columns) * sizeof(float);
  for (int64_t c = 0; c < shape_.channels; ++c) {
    const float* from = padded + (c * padded_rows_ + above_) * padded_columns_ + left_;
    for (int64_t y = 0; y < shape_.rows; ++y, from += padded_columns_, image += shape_.columns) {
      std::memcpy(image, from, bytes);
    }
  }
}

void Convolution::Unfold(const float* padded, float* columns) const {
  for (const int64_t tap : window_) {
    for (int64_t y = 0; y < out_rows_; ++y) {
      const float* from = padded + tap + y * shape_.stride * padded_columns_;
      for (int64_t x = 0; x < out_columns_; ++x) *columns++ = from[x * shape_.stride];
    }
  }
}

namespace {

struct Products {
  const float* source;
  const float* weight;  // of the first of R outputs
  const int64_t* taps;
  int64_t num_taps;
  const float* bias;
  float* out;
  int64_t places;
};

// R outputs of C segments.
template <int R, int C, bool kTail, class Segment>
inline void ForwardTile(const Products& p, const Segment* segments) {
  Lanes sum[R][C];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) sum[r][c] = ZeroLanes();
  }
  const float* from[C];
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) from[c] = p.source + segments[c].source;
  for (int64_t k = 0; k < p.num_taps; ++k) {
    const int64_t tap = p.taps[k];
    Lanes values[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) values[c] = Load<kTail>(from[c] + tap, segments[c].count);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const Lanes factor = FillLanes(p.weight[r * p.num_taps + k]);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sum[r][c] = MulAdd(factor, values[c], sum[r][c]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    const Lanes bias = FillLanes(p.bias[r]);
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      Store<kTail>(Add(sum[r][c], bias), p.out + r * p.places + segments[c].out, segments[c].count);
    }
  }
}

}  // namespace

template <int R>
void Convolution::ForwardOutputs(const float* source, const float* weight, const float* bias,
                                 float* out) const {
  const Products p = {source, weight, taps_.data(), num_taps(), bias, out, places()};
  std::size_t s = 0;
  for (; s + kTileSegments <= full_segments_; s += kTileSegments) {
    ForwardTile<R, kTileSegments, false>(p, &segments_[s]);
  }
  if (full_segments_ - s == 2) ForwardTile<R, 2, false>(p, &segments_[s]);
  if (full_segments_ - s == 1) ForwardTile<R, 1, false>(p, &segments_[s]);
  for (s = full_segments_; s + 2 <= segments_.size(); s += 2) {
    ForwardTile<R, 2, true>(p, &segments_[s]);
  }
  if (s < segments_.size()) ForwardTile<R, 1, true>(p, &segments_[s]);
}

void Convolution::Forward(const float* source, const float* weight, const float* bias,
                          float* out) const {
  int64_t rest = shape_.outputs;
  const auto next = [&](int64_t outputs) {
    weight += outputs * num_taps();
    bias += outputs;
    out += outputs * places();
    rest -= outputs;
  };
  // Six are cut into three and three: two of them would wait for each other's sums.
  while (rest > 6 || rest == 4) {
    ForwardOutputs<kTileOutputs>(source, weight, bias, out);
    next(kTileOutputs);
  }
  if (rest >= 5 || rest == 3) {
    ForwardOutputs<3>(source, weight, bias, out);
    next(3);
  }
  if (rest == 3) ForwardOutputs<3>(source, weight, bias, out);
  if (rest == 2) ForwardOutputs<2>(source, weight, bias, out);
  if (rest == 1) ForwardOutputs<1>(source, weight, bias, out);
}

template <int R, int C>
void Convolution::WeightGradientTile(const float* sources, const float* derivatives, int64_t images,
                                     int64_t tap, bool first, float* gradient) const {
  Lanes sum[R][C];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) sum[r][c] = ZeroLanes();
  }
  const int64_t stride = places();
  const int64_t* taps = &taps_[static_cast<std::size_t>(tap)];
  const auto add = [&](auto is_tail, const Segment& segment, const float* source,
                       const float* delta) {
    constexpr bool kTail = decltype(is_tail)::value;
    Lanes values[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) values[c] = Load<kTail>(source + taps[c], segment.count);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const Lanes factor = Load<kTail>(delta + r * stride, segment.count);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sum[r][c] = MulAdd(factor, values[c], sum[r][c]);
    }
  };
  for (int64_t image = 0; image < images; ++image) {
    const float* source = sources + image * source_size();
    const float* delta = derivatives + image * shape_.outputs * stride;
    for (std::size_t s = 0; s < full_segments_; ++s) {
      add(std::false_type(), segments_[s], source + segments_[s].source, delta + segments_[s].out);
    }
    for (std::size_t s = full_segments_; s < segments_.size(); ++s) {
      add(std::true_type(), segments_[s], source + segments_[s].source, delta + segments_[s].out);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      float& to = gradient[r * num_taps() + tap + c];
      to = first ? SumOf(sum[r][c]) : to + SumOf(sum[r][c]);
    }
  }
}

template <int R>
void Convolution::WeightGradientOutputs(const float* sources, const float* derivatives,
                                        int64_t images, bool first, float* gradient) const {
  int64_t tap = 0;
  for (; tap + 3 <= num_taps(); tap += 3) {
    WeightGradientTile<R, 3>(sources, derivatives, images, tap, first, gradient);
  }
  if (num_taps() - tap == 2) {
    WeightGradientTile<R, 2>(sources, derivatives, images, tap, first, gradient);
  }
  if (num_taps() - tap == 1) {
    WeightGradientTile<R, 1>(sources, derivatives, images, tap, first, gradient);
  }
}

void Convolution::WeightGradient(const float* sources, const float* out_derivatives, int64_t images,
                                 float* gradient) const {
  if (images == 0) std::fill_n(gradient, num_weights(), 0.0F);
  const int64_t piece = std::max<int64_t>(kSumPiece / places(), 1);
  for (int64_t image = 0; image < images; image += piece) {
    const int64_t count = std::min(piece, images - image);
    const float* source = sources + image * source_size();
    const float* delta = out_derivatives + image * shape_.outputs * places();
    int64_t o = 0;
    const auto run = [&](auto outputs) {
      constexpr int kOutputs = decltype(outputs)::value;
      WeightGradientOutputs<kOutputs>(source, delta + o * places(), count, image == 0,
                                      gradient + o * num_taps());
      o += kOutputs;
    };
    while (shape_.outputs - o >= kTileOutputs) run(std::integral_constant<int, kTileOutputs>());
    if (shape_.outputs - o == 3) run(std::integral_constant<int, 3>());
    if (shape_.outputs - o == 2) run(std::integral_constant<int, 2>());
    if (shape_.outputs - o == 1) run(std::integral_constant<int, 1>());
  }
}

void Convolution::InputGradient(const float* out_derivatives, const float* weight,
                                float* in_derivatives, float* scratch) const {
  // The derivatives by each window's pixels, [c, i, j] by output place, are added where they lie.
  float* columns = scratch;
  learning::WeightGradient({weight, shape_.outputs, num_taps()},
                           {out_derivatives, shape_.outputs, places()}, columns);
  float* padded = has_padding() ? scratch + num_taps() * places() : in_derivatives;
  std::fill_n(padded, padded_size(), 0.0F);
  if (shape_.stride == 1) {
    ScatterSegments(columns, padded);
  } else {
    ScatterPlaces(columns, padded);
  }
  if (has_padding()) Crop(padded, in_derivatives);
}

void Convolution::ScatterSegments(const float* columns, float* padded) const {
  for (const int64_t k : apart_) {
    float* to = padded + taps_[static_cast<std::size_t>(k)];
    const float* from = columns + k * places();
    for (std::size_t s = 0; s < full_segments_; ++s) {
      float* at = to + segments_[s].source;
      StoreLanes(Add(LoadLanes(at), LoadLanes(from + segments_[s].out)), at);
    }
    for (std::size_t s = full_segments_; s < segments_.size(); ++s) {
      const int64_t count = segments_[s].count;
      float* at = to + segments_[s].source;
      StoreFirst(Add(LoadFirst(at, count), LoadFirst(from + segments_[s].out, count)), at, count);
    }
  }
}

void Convolution::ScatterPlaces(const float* columns, float* padded) const {
  for (const int64_t tap : window_) {
    for (int64_t y = 0; y < out_rows_; ++y) {
      float* to = padded + tap + y * shape_.stride * padded_columns_;
      for (int64_t x = 0; x < out_columns_; ++x) to[x * shape_.stride] += *columns++;
    }
  }
}

}  // namespace skerry::learning
