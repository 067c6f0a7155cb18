#pragma once

#include <cstdint>
#include <span>

// The inner loops of the dense models. Matrices are row-major, without gaps, of any address. Every
// element of a result is computed in one fixed order, stated below, whatever stands beside it: a
// row's result does not depend on its batch, nor any bit on alignment, cache sizes or the thread.
// Nothing is allocated. Arrays of one call must not overlap unless it says "in place".
namespace skerry::learning {

template <class T>
struct BasicMatrixView {
  const T* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
};
using MatrixView = BasicMatrixView<float>;
using MatrixViewF64 = BasicMatrixView<double>;

// out[r, o] = sum over i of x[r, i] * weight[o, i], plus bias[o]. Lane l adds i = l, l + 8, ... in
// this order by fused multiply-add; then the lanes are added as in SumOf (lanes.h), then the bias.
void Affine(MatrixView x, MatrixView weight, const float* bias, float* out);

// Sums over a long dimension are cut into pieces of this length: each is summed by itself, from 0,
// in order, by fused multiply-add, and the pieces are added in order. Keeps the rounding error of
// large batches small.
constexpr int64_t kSumPiece = 256;

// out[o, i] = sum over r of delta[r, o] * x[r, i].
void WeightGradient(MatrixView delta, MatrixView x, float* out);
// out[r, i] = sum over o of delta[r, o] * weight[o, i].
void InputGradient(MatrixView delta, MatrixView weight, float* out);
// out[c] = sum over r of matrix[r, c], in pieces likewise.
void ColumnSums(MatrixView matrix, float* out);

// In place. NaN stays NaN.
void Relu(std::span<float> values);
void Tanh(std::span<float> values);  // each by exact::Tanh
// In place, from derivatives by a function's values to those by its arguments; `values` are the
// function's values.
void ReluBackward(std::span<const float> values, std::span<float> derivatives);
void TanhBackward(std::span<const float> values, std::span<float> derivatives);

// One step of stochastic gradient descent, in place, each operation rounded to float:
// g' = g + weight_decay w; v = momentum v + g'; w = w - learning_rate v. With an empty `velocity`,
// v = g'.
struct SgdRates {
  float learning_rate = 0;
  float momentum = 0;
  float weight_decay = 0;
};
void SgdStep(const SgdRates& rates, std::span<const float> gradient, std::span<float> velocity,
             std::span<float> parameters);

// The same of doubles. Sums are added one after the other in the order of their index, each product
// rounded by itself; those of Affine in four lanes, l, l + 4, ..., then (0 + 2) + (1 + 3).
void Affine(MatrixViewF64 x, MatrixViewF64 weight, const double* bias, double* out);
void WeightGradient(MatrixViewF64 delta, MatrixViewF64 x, double* out);
void InputGradient(MatrixViewF64 delta, MatrixViewF64 weight, double* out);
void ColumnSums(MatrixViewF64 matrix, double* out);
void Relu(std::span<double> values);
void Tanh(std::span<double> values);
void ReluBackward(std::span<const double> values, std::span<double> derivatives);
void TanhBackward(std::span<const double> values, std::span<double> derivatives);
struct SgdRatesF64 {
  double learning_rate = 0;
  double momentum = 0;
  double weight_decay = 0;
};
void SgdStep(const SgdRatesF64& rates, std::span<const double> gradient, std::span<double> velocity,
             std::span<double> parameters);

}  // namespace skerry::learning
