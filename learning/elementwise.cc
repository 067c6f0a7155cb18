// The kernels that work on each element by itself.
#include <cstddef>

#include "base/check.h"
#include "base/exact_math.h"
#include "learning/kernels.h"

namespace skerry::learning {

void Relu(std::span<float> values) {
  float* x = values.data();
  const std::size_t n = values.size();
  for (std::size_t i = 0; i < n; ++i) x[i] = x[i] < 0.0F ? 0.0F : x[i];
}

void ReluBackward(std::span<const float> values, std::span<float> derivatives) {
  SKERRY_CHECK(values.size() == derivatives.size());
  const float* y = values.data();
  float* d = derivatives.data();
  const std::size_t n = values.size();
  for (std::size_t i = 0; i < n; ++i) d[i] = y[i] <= 0.0F ? 0.0F : d[i];
}

void Tanh(std::span<float> values) {
  for (float& value : values) value = static_cast<float>(exact::Tanh(static_cast<double>(value)));
}

void TanhBackward(std::span<const float> values, std::span<float> derivatives) {
  SKERRY_CHECK(values.size() == derivatives.size());
  const float* y = values.data();
  float* d = derivatives.data();
  const std::size_t n = values.size();
  for (std::size_t i = 0; i < n; ++i) d[i] *= 1.0F - y[i] * y[i];
}

void SgdStep(const SgdRates& rates, std::span<const float> gradient, std::span<float> velocity,
             std::span<float> parameters) {
  SKERRY_CHECK(gradient.size() == parameters.size());
  SKERRY_CHECK(velocity.empty() || velocity.size() == parameters.size());
  const std::size_t n = parameters.size();
  const float* __restrict g = gradient.data();
  float* __restrict w = parameters.data();
  if (velocity.empty()) {
    for (std::size_t i = 0; i < n; ++i) {
      w[i] -= rates.learning_rate * (g[i] + rates.weight_decay * w[i]);
    }
    return;
  }
  float* __restrict v = velocity.data();
  for (std::size_t i = 0; i < n; ++i) {
    v[i] = rates.momentum * v[i] + (g[i] + rates.weight_decay * w[i]);
    w[i] -= rates.learning_rate * v[i];
  }
}

}  // namespace skerry::learning
