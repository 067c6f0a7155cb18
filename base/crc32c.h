#pragma once

#include <cstdint>
#include <string_view>

namespace skerry {

// The Castagnoli CRC-32 of `bytes`: notices what disks and memory do to data, as fast as memory is
// read. It is no defence against people; crypto/sha256.h is.
uint32_t Crc32c(std::string_view bytes);

}  // namespace skerry
