#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "learning/model.h"

namespace skerry::learning {

enum class Activation : uint8_t { kRelu, kTanh };

// Layers of z = W a + b, with the activation between them; the last layer's z are the outputs.
// Without hidden layers this is linear, logistic or softmax regression.
struct DenseSpec {
  int64_t num_features = 0;
  std::vector<int64_t> hidden;  // units of each hidden layer
  Activation activation = Activation::kRelu;
  OutputKind output_kind = OutputKind::kValue;
  int64_t num_outputs = 1;
};

// Without hidden layers: tensors "weight" [outputs, inputs] and "bias" [outputs], which start at 0.
// With: "layers.0.weight", "layers.0.bias", ..., which start uniform in +-1/sqrt(inputs of the
// layer). INVALID_ARGUMENT when the parameters are more than 2^34. All sizes must be positive.
Result<std::unique_ptr<Model>> MakeDenseModel(const DenseSpec& spec);
Result<std::unique_ptr<ModelF64>> MakeDenseModelF64(const DenseSpec& spec);

}  // namespace skerry::learning
