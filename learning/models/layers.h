#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "learning/convolution.h"
#include "learning/models/layer.h"

namespace skerry::learning {

// z = W a + b. Tensors NAME.weight [outputs, inputs] and NAME.bias [outputs], which begin uniform
// in
// +-1/sqrt(inputs), as PyTorch's do.
std::unique_ptr<Layer> MakeDenseLayer(const std::string& name, int64_t inputs, int64_t outputs);

// Tensors NAME.weight [outputs, channels, kernel, kernel] and NAME.bias [outputs], which begin
// uniform in +-1/sqrt(channels kernel^2).
std::unique_ptr<Layer> MakeConvolutionLayer(const std::string& name, const ConvolutionShape& shape);

// The largest value of each window; of equal ones the first takes the derivative. NaN stays NaN.
struct PoolShape {
  int64_t channels = 0;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t kernel = 0;
  int64_t stride = 0;
  int64_t out_rows() const { return (rows - kernel) / stride + 1; }
  int64_t out_columns() const { return (columns - kernel) / stride + 1; }
};
std::unique_ptr<Layer> MakeMaxPoolLayer(const PoolShape& shape);

// In training each value is 0 with probability `rate`, else divided by 1 - rate: drawn from the
// step's key and `index`, which tells the layers of a network apart (0 to 255).
std::unique_ptr<Layer> MakeDropoutLayer(int64_t width, double rate, int64_t index);

// Batch normalisation (Ioffe and Szegedy, 2015) of each channel over the batch and its places, with
// 1e-5 beside the variance. Tensors NAME.weight and NAME.bias (from 1 and 0), NAME.running_mean
// and NAME.running_variance (from 0 and 1): what evaluation uses. These two are no matter of
// gradients: each step moves them a tenth of the way to the batch's mean and unbiased variance.
std::unique_ptr<Layer> MakeBatchNormLayer(const std::string& name, int64_t channels,
                                          int64_t places);

}  // namespace skerry::learning
