#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "learning/local_training.h"
#include "learning/random_data.h"

namespace skerry::learning {

// An mlp has one hidden layer of 6.
inline std::unique_ptr<Model> MakeSmall(const char* kind, int64_t num_features,
                                        int64_t num_classes) {
  v1::ModelSpec spec;
  spec.set_kind(kind);
  if (spec.kind() == "mlp") spec.add_hidden(6);
  return MakeModel(spec, num_features, num_classes).value();
}

inline Dataset RandomRows(int64_t rows, int64_t num_features, uint64_t classes) {
  return {rows, num_features, RandomFloats(rows * num_features, 1),
          RandomClasses(rows, classes, 2)};
}

inline Result<LocalTrainingResult> Train(const Model& model, const Dataset& data,
                                         const LocalTrainingOptions& options,
                                         std::vector<float>& parameters) {
  return TrainLocally(model, data, options, parameters, {}, nullptr);
}

}  // namespace skerry::learning
