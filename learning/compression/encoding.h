#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace skerry::learning {

// How the elements of an F32 section stand in the bytes of a result. Each encoded section has a
// size that its encoding and its number of elements fix.
struct Encoding {
  enum class Kind : uint8_t {
    kPlain,  // 4 bytes for each element, exact
    kF16,    // 2 bytes, and a power of two for each block
    kBF16,   // 2 bytes
    kInt8,   // 1 byte, and a scale for each block
    kTopK,   // 8 bytes for each of the largest elements; the others are zeros
  };
  Kind kind = Kind::kPlain;
  int64_t block = 0;  // kF16, kInt8: so many elements share a scale
  int64_t kept = 0;   // kTopK: so many elements are sent

  friend bool operator==(const Encoding&, const Encoding&) = default;
};

// Elements that share a scale: 1 to so many.
constexpr int64_t kMaxScaleBlock = 65536;
// Indices of kTopK have 32 bits.
constexpr int64_t kMaxIndexed = int64_t{1} << 32;

// Whether `num_elements` elements can be encoded so. INVALID_ARGUMENT: a block that is not in 1 to
// kMaxScaleBlock, a kept count below 0, above `num_elements`, or 0 of some elements, more than
// kMaxIndexed elements for kTopK, or a number that the kind does not have.
Status CheckEncoding(const Encoding& encoding, int64_t num_elements);

// The bytes of a section. For what CheckEncoding lets pass.
int64_t EncodedBytes(const Encoding& encoding, int64_t num_elements);

// "F16 256", "TOP_K 1000"; "" for kPlain. Encodings that differ have texts that differ.
std::string EncodingText(const Encoding& encoding);

}  // namespace skerry::learning
