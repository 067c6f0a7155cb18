#include "learning/models/activation.h"

#include <algorithm>
#include <span>

#include "base/exact_math.h"
#include "learning/kernels.h"
#include "learning/models/kinds.h"

namespace skerry::learning {
namespace {

class ElementwiseLayer : public Layer {
 public:
  explicit ElementwiseLayer(int64_t width) : width_(width) {}
  int64_t inputs() const final { return width_; }
  int64_t outputs() const final { return width_; }

 protected:
  std::size_t Count(int64_t rows) const { return static_cast<std::size_t>(rows * width_); }

 private:
  const int64_t width_;
};

// A function whose slope its value tells.
template <void (*kApply)(std::span<float>),
          void (*kBackward)(std::span<const float>, std::span<float>)>
class InPlaceLayer final : public ElementwiseLayer {
 public:
  using ElementwiseLayer::ElementwiseLayer;

  void Forward(const Pass& pass) const override {
    std::copy_n(pass.in, Count(pass.rows), pass.out);
    kApply({pass.out, Count(pass.rows)});
  }
  void Backward(const WayBack& back) const override {
    if (back.in_derivatives == nullptr) return;
    std::copy_n(back.out_derivatives, Count(back.rows), back.in_derivatives);
    kBackward({back.out, Count(back.rows)}, {back.in_derivatives, Count(back.rows)});
  }
};

using ReluLayer = InPlaceLayer<Relu, ReluBackward>;
using TanhLayer = InPlaceLayer<Tanh, TanhBackward>;

// tanh(sqrt(2/pi) (x + 0.044715 x^3)) and what it takes.
struct Gelu {
  static constexpr double kScale = 0.7978845608028654;  // sqrt(2/pi)
  static constexpr double kCube = 0.044715;
  double x;
  double tanh;

  explicit Gelu(float value)
      : x(static_cast<double>(value)), tanh(exact::Tanh(kScale * (x + kCube * x * x * x))) {}
  double Value() const { return 0.5 * x * (1.0 + tanh); }
  double Slope() const {
    const double inner = kScale * (1.0 + 3.0 * kCube * x * x);
    return 0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * inner;
  }
};

class GeluLayer final : public ElementwiseLayer {
 public:
  using ElementwiseLayer::ElementwiseLayer;

  void Forward(const Pass& pass) const override {
    std::transform(pass.in, pass.in + Count(pass.rows), pass.out,
                   [](float x) { return static_cast<float>(Gelu(x).Value()); });
  }
  void Backward(const WayBack& back) const override {
    if (back.in_derivatives == nullptr) return;
    std::transform(back.in, back.in + Count(back.rows), back.out_derivatives, back.in_derivatives,
                   [](float x, float derivative) {
                     return static_cast<float>(static_cast<double>(derivative) * Gelu(x).Slope());
                   });
  }
};

}  // namespace

std::vector<std::string> ActivationNames() { return {"relu", "tanh", "gelu"}; }

Result<std::unique_ptr<Layer>> MakeActivation(std::string_view key, const std::string& name,
                                              int64_t width) {
  if (name == "relu") return std::unique_ptr<Layer>(std::make_unique<ReluLayer>(width));
  if (name == "tanh") return std::unique_ptr<Layer>(std::make_unique<TanhLayer>(width));
  if (name == "gelu") return std::unique_ptr<Layer>(std::make_unique<GeluLayer>(width));
  return UnknownName(key, name, ActivationNames());
}

}  // namespace skerry::learning
