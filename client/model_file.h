#pragma once

#include <vector>

#include "base/files.h"
#include "base/status.h"
#include "learning/features.h"
#include "learning/layout.h"

namespace skerry::client {

// A model version in memory, ready to be applied to raw rows.
struct LoadedModel {
  learning::InputTransform transform;
  std::vector<float> parameters;
};

// Reads a safetensors file that holds a model of these parameters over so many inputs. DATA_LOSS:
// not a good safetensors file. FAILED_PRECONDITION: a good one of another layout; names the first
// tensor that differs, with what is there and what was expected.
Result<LoadedModel> LoadModel(const File& file, const learning::Layout& parameters,
                              std::size_t num_inputs);

}  // namespace skerry::client
