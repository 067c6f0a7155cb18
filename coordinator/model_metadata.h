#pragma once

#include <cstdint>

#include "skerry/v1/task.pb.h"
#include "storage/safetensors.h"

namespace skerry::coordinator {

// What the model files of a run say about themselves: nothing that differs between two executions
// with equal results.
class ModelMetadata {
 public:
  explicit ModelMetadata(const v1::RunSpec& spec);
  storage::Metadata Of(int64_t round) const;

 private:
  storage::Metadata of_run_;
};

}  // namespace skerry::coordinator
