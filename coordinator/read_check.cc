#include "coordinator/read_check.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/crc32c.h"
#include "crypto/content_hash.h"

namespace skerry::coordinator {

using crypto::kChunkBytes;

ReadCheck::ReadCheck(std::span<const uint32_t> chunk_checksums, uint64_t size_bytes)
    : size_bytes_(size_bytes),
      chunk_checksums_(chunk_checksums.begin(), chunk_checksums.end()),
      checked_(chunk_checksums.size()),
      num_expected_(size_bytes),
      missing_(chunk_checksums.size()) {
  SKERRY_CHECK(chunk_checksums.size() == crypto::NumChunks(size_bytes));
  for (std::size_t i = 0; i < missing_.size(); ++i) {
    missing_[i] = chunk_checksums[i] ^ Crc32cOfZeros(SizeOf(i));
  }
}

uint64_t ReadCheck::SizeOf(std::size_t chunk) const {
  return std::min(kChunkBytes, size_bytes_ - chunk * kChunkBytes);
}

bool ReadCheck::CheckChunk(const File& file, std::size_t chunk) {
  std::string bytes(SizeOf(chunk), '\0');
  const Result<std::size_t> n = file.ReadAt(chunk * kChunkBytes, bytes);
  if (!n.ok() || *n != bytes.size() || Crc32c(bytes) != chunk_checksums_[chunk]) return false;
  if (!checked_[chunk]) num_expected_ -= bytes.size();
  checked_[chunk] = true;
  missing_[chunk] = 0;
  return true;
}

void ReadCheck::Note(uint64_t offset, std::string_view bytes) {
  SKERRY_CHECK(offset <= size_bytes_ && bytes.size() <= size_bytes_ - offset);
  while (!bytes.empty()) {
    const std::size_t chunk = offset / kChunkBytes;
    const uint64_t chunk_end = chunk * kChunkBytes + SizeOf(chunk);
    const std::string_view piece = bytes.substr(0, chunk_end - offset);
    offset += piece.size();
    bytes.remove_prefix(piece.size());
    if (checked_[chunk]) continue;
    num_noted_ += piece.size();
    missing_[chunk] ^= Crc32cPart(piece, chunk_end - offset);
  }
}

bool ReadCheck::IsWhole() const {
  return num_noted_ == num_expected_ &&
         std::all_of(missing_.begin(), missing_.end(),
                     [](const std::atomic<uint32_t>& missing) { return missing == 0; });
}

}  // namespace skerry::coordinator
