#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "learning/layout.h"

namespace skerry::coordinator {

// The largest magnitude that an element of an update may have.
constexpr double kMaxMagnitude = 1e6;

// Bytes of a result.
struct ByteRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// Where a result has plain floats, which can be looked at in any pieces: while they arrive. Not
// those behind an encoded section of an odd length, whose words lie across chunks.
std::vector<ByteRange> PlainFloatsIn(const learning::ResultLayout& layout);

// Whether those among `data`, which begins at `offset`, are finite and at most kMaxMagnitude.
bool FloatsAreGood(std::span<const ByteRange> floats, uint64_t offset, std::string_view data);

// Which chunks of a result FloatsAreGood has been true of; those behind the end are not known.
using GoodChunks = std::vector<bool>;
// Whether all chunks that the range touches are. False of a range that is not one of PlainFloatsIn.
bool AreGood(const GoodChunks& chunks, ByteRange range);

}  // namespace skerry::coordinator
