#pragma once

#include <cstdint>

#include "skerry/v1/task.pb.h"
#include "storage/safetensors.h"

namespace skerry::coordinator {

// What a model file says about itself: nothing that differs between two executions with equal
// results.
storage::Metadata ModelMetadata(const v1::RunSpec& spec, int64_t round);

}  // namespace skerry::coordinator
