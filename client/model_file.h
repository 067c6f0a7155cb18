#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/mutex.h"
#include "base/status.h"
#include "learning/features.h"
#include "learning/layout.h"

namespace skerry::client {

// A model version in memory, ready to be applied to raw rows.
template <class T>
struct BasicLoadedModel {
  learning::InputTransform transform;
  std::vector<T> parameters;
};
using LoadedModel = BasicLoadedModel<float>;

// Reads a safetensors file that holds a model of these parameters, of T, over so many inputs; state
// of its strategy may follow. DATA_LOSS: not a good safetensors file. FAILED_PRECONDITION: a good
// one of another layout; names the first tensor that differs, with what is there and what was
// expected.
template <class T>
Result<BasicLoadedModel<T>> LoadModelOf(const File& file, const learning::Layout& parameters,
                                        std::size_t num_inputs);
inline Result<LoadedModel> LoadModel(const File& file, const learning::Layout& parameters,
                                     std::size_t num_inputs) {
  return LoadModelOf<float>(file, parameters, num_inputs);
}
// The strategy's vector of this name, from such a file. FAILED_PRECONDITION: there is none.
template <class T>
Result<std::vector<T>> LoadSentState(const File& file, const std::string& name, std::size_t size);

// Takes the parameters of a model file, which LoadModel has found good, from `parameters`, a piece
// at a time. DATA_LOSS: the file has changed since.
template <class T>
Status SubtractModel(const File& file, std::size_t num_inputs, std::span<T> parameters);

// For trainers of many sites in one process, which all begin with the same model: each is read
// once. Keeps the few newest. Thread-safe.
class ModelCache {
 public:
  // The model whose key this is: of its contents and all that LoadModel is told. Errors are not
  // kept.
  template <class T>
  Result<std::shared_ptr<const BasicLoadedModel<T>>> Load(const std::string& key, const File& file,
                                                          const learning::Layout& parameters,
                                                          std::size_t num_inputs);

 private:
  // Shared with the trainers that work with them.
  template <class T>
  using Models = std::deque<std::pair<std::string, std::shared_ptr<const BasicLoadedModel<T>>>>;
  template <class T>
  Models<T>& ModelsOf() SKERRY_REQUIRES(mutex_) {
    if constexpr (std::is_same_v<T, double>) {
      return f64_models_;
    } else {
      return models_;
    }
  }

  Mutex mutex_;
  Models<float> models_ SKERRY_GUARDED_BY(mutex_);
  Models<double> f64_models_ SKERRY_GUARDED_BY(mutex_);
};

}  // namespace skerry::client
