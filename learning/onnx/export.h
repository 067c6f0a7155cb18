#pragma once

#include <map>
#include <span>
#include <string>

#include "base/status.h"
#include "learning/features.h"
#include "learning/model.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// A model that has been trained, and what its rows go through first.
struct TrainedModel {
  const v1::RunSpec& spec;
  const Model& model;  // of the spec
  const InputTransform& transform;
  std::span<const float> parameters;  // as long as model.parameters()
};

// The model as the bytes of an ONNX file (https://onnx.ai, operator set 13 and "ai.onnx.ml" 2): raw
// rows in, predictions out. Inputs are those of AddPreprocessing. Outputs, by the kind of label:
//   a number, a risk (its logarithm), or the number of a cluster: "prediction" FLOAT [rows, 1];
//   classes:  "probabilities" FLOAT [rows, classes] and "class" STRING [rows].
// A row that Skerry itself would not take (a level that is not declared; a missing cell of a run
// that drops such rows) gives NaN and the class "". `metadata` is what the file says about itself.
// FAILED_PRECONDITION: there is no ONNX for this kind of model, or it is over 1.5 GB.
Result<std::string> ToOnnx(const TrainedModel& trained,
                           const std::map<std::string, std::string>& metadata);

}  // namespace skerry::learning
