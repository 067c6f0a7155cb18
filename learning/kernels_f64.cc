// The kernels over doubles. Models of doubles are small ones, whose numbers must be exact rather
// than fast: plain loops that the compiler may put into registers without reordering a sum.
#include <algorithm>

#include "base/check.h"
#include "base/exact_math.h"
#include "learning/kernels.h"

namespace skerry::learning {
namespace {

constexpr int64_t kSumLanes = 4;

double Dot(const double* a, const double* b, int64_t n) {
  double lanes[kSumLanes] = {};
  int64_t i = 0;
  for (; i + kSumLanes <= n; i += kSumLanes) {
    for (int64_t l = 0; l < kSumLanes; ++l) lanes[l] += a[i + l] * b[i + l];
  }
  for (int64_t l = 0; i + l < n; ++l) lanes[l] += a[i + l] * b[i + l];
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

void AddScaled(double factor, const double* from, int64_t n, double* __restrict to) {
  for (int64_t i = 0; i < n; ++i) to[i] += factor * from[i];
}

}  // namespace

void Affine(MatrixViewF64 x, MatrixViewF64 weight, const double* bias, double* out) {
  SKERRY_CHECK(x.columns == weight.columns);
  for (int64_t r = 0; r < x.rows; ++r) {
    for (int64_t o = 0; o < weight.rows; ++o) {
      *out++ = Dot(x.data + r * x.columns, weight.data + o * x.columns, x.columns) + bias[o];
    }
  }
}

void WeightGradient(MatrixViewF64 delta, MatrixViewF64 x, double* out) {
  SKERRY_CHECK(delta.rows == x.rows);
  std::fill_n(out, delta.columns * x.columns, 0.0);
  for (int64_t r = 0; r < delta.rows; ++r) {
    for (int64_t o = 0; o < delta.columns; ++o) {
      AddScaled(delta.data[r * delta.columns + o], x.data + r * x.columns, x.columns,
                out + o * x.columns);
    }
  }
}

void InputGradient(MatrixViewF64 delta, MatrixViewF64 weight, double* out) {
  SKERRY_CHECK(delta.columns == weight.rows);
  std::fill_n(out, delta.rows * weight.columns, 0.0);
  for (int64_t r = 0; r < delta.rows; ++r) {
    for (int64_t o = 0; o < weight.rows; ++o) {
      AddScaled(delta.data[r * delta.columns + o], weight.data + o * weight.columns, weight.columns,
                out + r * weight.columns);
    }
  }
}

void ColumnSums(MatrixViewF64 matrix, double* out) {
  std::fill_n(out, matrix.columns, 0.0);
  for (int64_t r = 0; r < matrix.rows; ++r) {
    AddScaled(1.0, matrix.data + r * matrix.columns, matrix.columns, out);
  }
}

void Relu(std::span<double> values) {
  for (double& x : values) x = x < 0.0 ? 0.0 : x;
}

void ReluBackward(std::span<const double> values, std::span<double> derivatives) {
  SKERRY_CHECK(values.size() == derivatives.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    derivatives[i] = values[i] <= 0.0 ? 0.0 : derivatives[i];
  }
}

void Tanh(std::span<double> values) {
  for (double& value : values) value = exact::Tanh(value);
}

void TanhBackward(std::span<const double> values, std::span<double> derivatives) {
  SKERRY_CHECK(values.size() == derivatives.size());
  for (std::size_t i = 0; i < values.size(); ++i) derivatives[i] *= 1.0 - values[i] * values[i];
}

void SgdStep(const SgdRatesF64& rates, std::span<const double> gradient, std::span<double> velocity,
             std::span<double> parameters) {
  SKERRY_CHECK(gradient.size() == parameters.size());
  SKERRY_CHECK(velocity.empty() || velocity.size() == parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    double step = gradient[i] + rates.weight_decay * parameters[i];
    if (!velocity.empty()) step = velocity[i] = rates.momentum * velocity[i] + step;
    parameters[i] -= rates.learning_rate * step;
  }
}

}  // namespace skerry::learning
