#pragma once

#include <string>

#include "base/status.h"
#include "learning/onnx/export.h"
#include "learning/onnx/graph.h"

namespace skerry::learning {

// Adds the layers of a model over `features`, FLOAT [rows, inputs]; the name of its outputs before
// any link function, FLOAT [rows, outputs]. FAILED_PRECONDITION: no ONNX for this kind of model.
Result<std::string> AddLayers(const TrainedModel& trained, const std::string& features,
                              OnnxGraph& graph);

}  // namespace skerry::learning
