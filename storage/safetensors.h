#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/status.h"
#include "learning/layout.h"

namespace skerry::storage {

// The safetensors format (https://github.com/huggingface/safetensors):
//   file   := u64le n, header[n], data
//   header := JSON object: "__metadata__" (string to string, optional) and per tensor
//             name: {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, padded with
//             spaces
// Offsets count from the end of the header, cover the data without gap or overlap, in tensor order.

using Metadata = std::map<std::string, std::string>;

// The first bytes of a file that holds `layout`: length, header, padding to a multiple of 8. The
// same arguments give the same bytes.
std::string SafetensorsHeader(const learning::Layout& layout, const Metadata& metadata);

struct SafetensorsInfo {
  learning::Layout layout;  // in the order of the data
  Metadata metadata;
  uint64_t data_begin = 0;  // of the first tensor, from the start of the file
};

// Reads and checks a header strictly. DATA_LOSS says what is wrong: cut short, not JSON, a name
// twice, a gap, an overlap, a size that does not fit its shape, an unknown dtype, bytes left over.
Result<SafetensorsInfo> ReadSafetensors(const File& file);
Result<SafetensorsInfo> ParseSafetensors(std::string_view first_bytes, uint64_t file_size);

// Only where the first tensor begins, of a file whose layout is known. DATA_LOSS: the header is
// longer than the file, or than 16 MiB.
Result<uint64_t> SafetensorsDataBegin(const File& file);

}  // namespace skerry::storage
