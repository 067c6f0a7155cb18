#pragma once

#include <string>

#include "learning/features.h"
#include "learning/onnx/graph.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

constexpr const char* kOnnxNumeric = "numeric";
constexpr const char* kOnnxCategory = "category.";  // and the column's name
constexpr const char* kOnnxMl = "ai.onnx.ml";

// What rows become on their way into the model.
struct OnnxFeatures {
  std::string values;  // FLOAT [rows, inputs]: filled and standardised
  // BOOL [rows, 1]: no prediction can be made of the row, since a cell is missing that the run has
  // no rule for, or holds a level that is not declared. "": that cannot be.
  std::string unusable;
};

// Adds the inputs "numeric" (DOUBLE, the numeric columns in their order, NaN where missing) and,
// for each categorical column, "category.COLUMN" (STRING [rows, 1], "" where missing), and what
// Skerry does to such rows before its models see them: levels as 0 and 1, indicators, `transform`.
OnnxFeatures AddPreprocessing(const v1::DataSpec& spec, const InputTransform& transform,
                              OnnxGraph& graph);

}  // namespace skerry::learning
