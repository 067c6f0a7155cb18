#pragma once

#include <cstdint>
#include <string_view>

namespace skerry {

// The Castagnoli CRC-32 of `bytes`: notices what disks and memory do to data, as fast as memory is
// read. It is no defence against people; crypto/sha256.h is.
uint32_t Crc32c(std::string_view bytes);

// The same without what only some processors can do, for tests and to compare with.
uint32_t Crc32cAnywhere(std::string_view bytes);

// What one piece of a text adds to the CRC of the whole: that is Crc32cOfZeros(its size) XOR the
// parts of all its pieces, in any order. `bytes_after`: of the text, behind the piece. Sizes are
// below 2^61.
uint32_t Crc32cPart(std::string_view piece, uint64_t bytes_after);
// The CRC of so many zero bytes.
uint32_t Crc32cOfZeros(uint64_t num_bytes);

}  // namespace skerry
