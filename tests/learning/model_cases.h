#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "learning/model.h"

namespace skerry::learning {

// A model by its keys in run.toml.
struct ModelCase {
  std::string name;
  std::string kind;
  std::vector<int64_t> hidden;
  std::string activation;
  std::string loss;
  int64_t num_classes = 0;
};

inline std::unique_ptr<Model> MakeCase(const ModelCase& c, int64_t num_features) {
  v1::ModelSpec spec;
  spec.set_kind(c.kind);
  for (const int64_t units : c.hidden) spec.add_hidden(units);
  spec.set_activation(c.activation);
  spec.set_loss(c.loss);
  return MakeModel(spec, num_features, c.num_classes).value();
}

// With a workspace of its own. `loss` receives the mean loss.
inline std::vector<float> GradientOf(const Model& model, std::span<const float> parameters,
                                     const Batch& batch, double* loss = nullptr) {
  std::vector<float> gradient(parameters.size());
  const auto workspace = model.NewWorkspace(batch.rows);
  const double value = model.Gradient(parameters, batch, gradient, *workspace);
  if (loss != nullptr) *loss = value;
  return gradient;
}

}  // namespace skerry::learning
