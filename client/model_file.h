#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/mutex.h"
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

// Takes the parameters of a model file, which LoadModel has found good, from `parameters`, a piece
// at a time. DATA_LOSS: the file has changed since.
Status SubtractModel(const File& file, std::size_t num_inputs, std::span<float> parameters);

// For trainers of many sites in one process, which all begin with the same model: each is read
// once. Keeps the few newest. Thread-safe.
class ModelCache {
 public:
  // The model whose key this is: of its contents and all that LoadModel is told. Errors are not
  // kept.
  Result<std::shared_ptr<const LoadedModel>> Load(const std::string& key, const File& file,
                                                  const learning::Layout& parameters,
                                                  std::size_t num_inputs);

 private:
  Mutex mutex_;
  // Shared with the trainers that work with them.
  std::deque<std::pair<std::string, std::shared_ptr<const LoadedModel>>> models_
      SKERRY_GUARDED_BY(mutex_);
};

}  // namespace skerry::client
