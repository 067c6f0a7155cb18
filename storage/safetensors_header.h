#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "learning/layout.h"
#include "storage/safetensors.h"

namespace skerry::storage {

// One tensor as the header of a safetensors file declares it.
struct TensorEntry {
  learning::TensorSpec spec;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct ParsedHeader {
  Metadata metadata;
  std::vector<TensorEntry> tensors;  // in the order of the text
};

// Reads the JSON text without recursion, in memory proportional to its length. DATA_LOSS says what
// is not as it must be: no JSON, a key twice, missing or unknown, a value of the wrong kind. That
// offsets and shapes agree is for the caller to check.
Result<ParsedHeader> ParseHeader(std::string_view json);

}  // namespace skerry::storage
