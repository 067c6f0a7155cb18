#include "coordinator/plain_floats.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "crypto/content_hash.h"
#include "learning/aggregator.h"

namespace skerry::coordinator {
namespace {

// A copy that stays in the nearest cache: the bytes of a message lie anywhere.
bool AreGoodFloats(std::string_view bytes) {
  std::array<float, 4096> block;
  while (!bytes.empty()) {
    const std::size_t n = std::min(bytes.size(), sizeof(block));
    std::memcpy(block.data(), bytes.data(), n);
    const learning::UpdateCheck check = learning::CheckF32({block.data(), n / sizeof(float)});
    if (!check.finite || check.max_abs > kMaxMagnitude) return false;
    bytes.remove_prefix(n);
  }
  return true;
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
