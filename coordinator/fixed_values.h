#pragma once

#include <cstdint>
#include <string>

#include "base/files.h"
#include "base/status.h"
#include "learning/program.h"

namespace skerry::coordinator {

// The fixed tensors of a model version as they lie in its file, each number in its tensor's dtype.
std::string FixedBytes(const learning::FixedTensors& fixed);
// Reads the values of `fixed.layout`, from `offset` in the file on. DATA_LOSS when it ends before.
Status ReadFixed(const File& file, uint64_t offset, learning::FixedTensors& fixed);

}  // namespace skerry::coordinator
