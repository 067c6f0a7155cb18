#include <algorithm>

#include "base/exact_math.h"
#include "learning/models/layers.h"

namespace skerry::learning {
namespace {

class ConvolutionLayer final : public Layer {
 public:
  ConvolutionLayer(std::string name, const ConvolutionShape& shape)
      : name_(std::move(name)), shape_(shape), convolution_(shape) {}

  int64_t inputs() const override { return shape_.channels * shape_.rows * shape_.columns; }
  int64_t outputs() const override { return shape_.outputs * places(); }
  std::vector<InitialTensor> Tensors() const override {
    const int64_t taps = shape_.channels * shape_.kernel * shape_.kernel;
    const double bound = 1.0 / exact::Sqrt(static_cast<double>(taps));
    return {{{name_ + ".weight",
              DType::kF32,
              {shape_.outputs, shape_.channels, shape_.kernel, shape_.kernel}},
             bound},
            {{name_ + ".bias", DType::kF32, {shape_.outputs}}, bound}};
  }
  int64_t scratch_per_row() const override {
    return convolution_.ReadsImages() ? 0 : convolution_.source_size();
  }
  std::unique_ptr<Scratch> NewScratch(int64_t max_rows) const override {
    auto memory = std::make_unique<Memory>();
    const auto size = [](int64_t count) { return static_cast<std::size_t>(count); };
    memory->sources.resize(size(max_rows * scratch_per_row()));
    memory->scratch.resize(size(convolution_.scratch_size()));
    return memory;
  }

  void Forward(const Pass& pass) const override;
  void Backward(const WayBack& back) const override;

 private:
  struct Memory final : Scratch {
    std::vector<float> sources;  // of each row; empty where rows are read as they are
    std::vector<float> scratch;
  };

  int64_t places() const { return convolution_.out_rows() * convolution_.out_columns(); }
  void BiasGradient(const WayBack& back) const;

  const std::string name_;
  const ConvolutionShape shape_;
  const Convolution convolution_;
};

void ConvolutionLayer::Forward(const Pass& pass) const {
  auto& memory = static_cast<Memory&>(*pass.scratch);
  for (int64_t r = 0; r < pass.rows; ++r) {
    const float* source = pass.in + r * inputs();
    if (!convolution_.ReadsImages()) {
      float* copy = memory.sources.data() + r * convolution_.source_size();
      convolution_.MakeSource(source, copy);
      source = copy;
    }
    convolution_.Forward(source, pass.parameters, pass.parameters + convolution_.num_weights(),
                         pass.out + r * outputs());
  }
}

// In double: an output channel has many places.
void ConvolutionLayer::BiasGradient(const WayBack& back) const {
  float* gradient = back.gradient + convolution_.num_weights();
  for (int64_t o = 0; o < shape_.outputs; ++o) {
    double sum = 0;
    for (int64_t r = 0; r < back.rows; ++r) {
      const float* delta = back.out_derivatives + (r * shape_.outputs + o) * places();
      double lanes[4] = {0, 0, 0, 0};
      int64_t p = 0;
      for (; p + 4 <= places(); p += 4) {
        for (int64_t l = 0; l < 4; ++l) lanes[l] += static_cast<double>(delta[p + l]);
      }
      for (; p < places(); ++p) lanes[0] += static_cast<double>(delta[p]);
      sum += (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
    }
    gradient[o] = static_cast<float>(sum);
  }
}

void ConvolutionLayer::Backward(const WayBack& back) const {
  auto& memory = static_cast<Memory&>(*back.scratch);
  const float* sources = convolution_.ReadsImages() ? back.in : memory.sources.data();
  convolution_.WeightGradient(sources, back.out_derivatives, back.rows, back.gradient);
  BiasGradient(back);
  if (back.in_derivatives == nullptr) return;
  for (int64_t r = 0; r < back.rows; ++r) {
    convolution_.InputGradient(back.out_derivatives + r * outputs(), back.parameters,
                               back.in_derivatives + r * inputs(), memory.scratch.data());
  }
}

}  // namespace

std::unique_ptr<Layer> MakeConvolutionLayer(const std::string& name,
                                            const ConvolutionShape& shape) {
  return std::make_unique<ConvolutionLayer>(name, shape);
}

}  // namespace skerry::learning
