#include "coordinator/read_check.h"

#include <algorithm>

#include "base/check.h"
#include "base/crc32c.h"
#include "crypto/content_hash.h"

namespace skerry::coordinator {
namespace {

uint64_t EndOfChunk(std::size_t chunk, uint64_t size_bytes) {
  return std::min((chunk + 1) * crypto::kChunkBytes, size_bytes);
}

}  // namespace

ReadCheck::ReadCheck(std::span<const uint32_t> chunk_checksums, uint64_t size_bytes)
    : size_bytes_(size_bytes), rests_(chunk_checksums.size()) {
  SKERRY_CHECK(chunk_checksums.size() == crypto::NumChunks(size_bytes));
  for (std::size_t i = 0; i < rests_.size(); ++i) {
    const uint64_t size = EndOfChunk(i, size_bytes) - i * crypto::kChunkBytes;
    rests_[i] = chunk_checksums[i] ^ Crc32cOfZeros(size);
  }
}

void ReadCheck::Note(uint64_t offset, std::string_view bytes) {
  SKERRY_CHECK(offset <= size_bytes_ && bytes.size() <= size_bytes_ - offset);
  num_noted_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t chunk = offset / crypto::kChunkBytes;
    const uint64_t chunk_end = EndOfChunk(chunk, size_bytes_);
    const std::string_view piece = bytes.substr(0, chunk_end - offset);
    offset += piece.size();
    bytes.remove_prefix(piece.size());
    rests_[chunk] ^= Crc32cPart(piece, chunk_end - offset);
  }
}

bool ReadCheck::IsWhole() const {
  return num_noted_ == size_bytes_ &&
         std::all_of(rests_.begin(), rests_.end(),
                     [](const std::atomic<uint32_t>& rest) { return rest == 0; });
}

}  // namespace skerry::coordinator
