#pragma once

#include <string>

#include "base/status.h"
#include "learning/onnx/export.h"
#include "learning/onnx/graph.h"

namespace skerry::learning {

// Adds the centers of a model of kind "k_means" over `features`, FLOAT [rows, inputs]; the name of
// the number of each row's cluster, FLOAT [rows, 1]: that of the nearest center, of equally near
// ones the first; -1: there is no center. Distances are in double, as in the model itself. An
// error: the model's spec describes no clusters.
Result<std::string> AddClusters(const TrainedModel& trained, const std::string& features,
                                OnnxGraph& graph);

}  // namespace skerry::learning
