#include "coordinator/plain_floats.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "crypto/content_hash.h"

namespace skerry::coordinator {
namespace {

constexpr uint32_t kWithoutSign = 0x7fffffff;
constexpr auto kLargest = static_cast<float>(kMaxMagnitude);
static_assert(kLargest == kMaxMagnitude);

// The bits of floats without their signs are in the order of their values, and behind all of these
// come infinity and NaN: so the largest bits tell.
bool AreGoodFloats(std::string_view bytes) {
  uint32_t largest = 0;
  const char* const begin = bytes.data();
  for (std::size_t at = 0; at + sizeof(uint32_t) <= bytes.size(); at += sizeof(uint32_t)) {
    uint32_t bits = 0;  // the bytes of a message lie anywhere
    std::memcpy(&bits, begin + at, sizeof(bits));
    largest = std::max(largest, bits & kWithoutSign);
  }
  return largest <= std::bit_cast<uint32_t>(kLargest);
}

}  // namespace

std::vector<ByteRange> PlainFloatsIn(const learning::ResultLayout& layout) {
  std::vector<ByteRange> ranges;
  for (std::size_t s = 0; s < layout.sections().size(); ++s) {
    const learning::Section& section = layout.sections()[s];
    const bool plain = section.encoding.kind == learning::Encoding::Kind::kPlain;
    const bool floats = section.dtype() == learning::DType::kF32;
    if (section.rule != learning::Rule::kAggregate || !plain || !floats) continue;
    const auto begin = static_cast<uint64_t>(layout.offset_bytes(s));
    if (begin % sizeof(float) != 0) continue;
    ranges.push_back({begin, begin + static_cast<uint64_t>(section.layout.size_bytes())});
  }
  return ranges;
}

// The ranges begin at words of four bytes, and so do chunks: no float is in two of them.
bool FloatsAreGood(std::span<const ByteRange> floats, uint64_t offset, std::string_view data) {
  const uint64_t end = offset + data.size();
  return std::all_of(floats.begin(), floats.end(), [&](const ByteRange& range) {
    const uint64_t first = std::max(range.begin, offset);
    const uint64_t last = std::min(range.end, end);
    return first >= last || AreGoodFloats(data.substr(first - offset, last - first));
  });
}

bool AreGood(const GoodChunks& chunks, ByteRange range) {
  if (range.begin % sizeof(float) != 0) return false;
  for (uint64_t i = range.begin / crypto::kChunkBytes; i * crypto::kChunkBytes < range.end; ++i) {
    if (i >= chunks.size() || !chunks[i]) return false;
  }
  return true;
}

}  // namespace skerry::coordinator
