#pragma once

#include <string>

#include "base/status.h"
#include "learning/onnx/export.h"
#include "learning/onnx/graph.h"

namespace skerry::learning {

// Adds the trees of a model of kind "trees" over `features`, FLOAT [rows, inputs], NaN where an
// input is missing; the name of their output before any link function, FLOAT [rows, 1]. Rows come
// to the leaves that NodeOf finds, and the leaves are added in double, as OutputOf does. An error:
// the model's spec describes no trees.
Result<std::string> AddTrees(const TrainedModel& trained, const std::string& features,
                             OnnxGraph& graph);

}  // namespace skerry::learning
