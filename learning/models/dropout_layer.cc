#include <algorithm>

#include "base/check.h"
#include "base/random.h"
#include "learning/models/layers.h"

namespace skerry::learning {
namespace {

class DropoutLayer final : public Layer {
 public:
  DropoutLayer(int64_t width, double rate, int64_t index)
      : width_(width),
        index_(index),
        dropped_below_(static_cast<uint32_t>(rate * 0x1p32)),
        factor_(static_cast<float>(1.0 / (1.0 - rate))) {
    SKERRY_CHECK(rate >= 0 && rate < 1 && index >= 0 && index < 256);
  }

  int64_t inputs() const override { return width_; }
  int64_t outputs() const override { return width_; }
  std::unique_ptr<Scratch> NewScratch(int64_t max_rows) const override {
    auto memory = std::make_unique<Memory>();
    memory->factors.resize(static_cast<std::size_t>(max_rows * width_));
    return memory;
  }

  void Forward(const Pass& pass) const override {
    const int64_t count = pass.rows * width_;
    if (pass.training == nullptr) {
      std::copy_n(pass.in, count, pass.out);
      return;
    }
    float* factors = static_cast<Memory&>(*pass.scratch).factors.data();
    Draw(*pass.training, count, factors);
    std::transform(pass.in, pass.in + count, factors, pass.out, std::multiplies<>());
  }
  void Backward(const WayBack& back) const override {
    if (back.in_derivatives == nullptr) return;
    const float* factors = static_cast<const Memory&>(*back.scratch).factors.data();
    const float* derivatives = back.out_derivatives;
    std::transform(derivatives, derivatives + back.rows * width_, factors, back.in_derivatives,
                   std::multiplies<>());
  }

 private:
  struct Memory final : Scratch {
    std::vector<float> factors;  // of each value: 0, or 1 / (1 - rate)
  };

  void Draw(const StepKey& key, int64_t count, float* factors) const {
    const auto step = static_cast<uint64_t>(key.step) << 8 | static_cast<uint64_t>(index_);
    RandomStream stream(key.seed, Purpose::kDropout, static_cast<uint64_t>(key.round), key.site,
                        step);
    for (int64_t i = 0; i < count; ++i) {
      factors[i] = stream.NextWord() < dropped_below_ ? 0.0F : factor_;
    }
  }

  const int64_t width_;
  const int64_t index_;
  const uint32_t dropped_below_;
  const float factor_;
};

}  // namespace

std::unique_ptr<Layer> MakeDropoutLayer(int64_t width, double rate, int64_t index) {
  return std::make_unique<DropoutLayer>(width, rate, index);
}

}  // namespace skerry::learning
