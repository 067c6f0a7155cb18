#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace skerry::coordinator {

// Compares a file with the checksums of its chunks while others read it, so that it need not be
// read for that.
class ReadCheck {
 public:
  // `chunk_checksums`: the Crc32c of each chunk of crypto::kChunkBytes of `size_bytes`.
  ReadCheck(std::span<const uint32_t> chunk_checksums, uint64_t size_bytes);

  // Looks at one chunk at once: whether it can be read and is what it was. What is noted of it
  // later says nothing any more. Before anything is noted.
  bool CheckChunk(const File& file, std::size_t chunk);

  // So the file reads at `offset`. Each byte of the chunks that have not been looked at is to be
  // noted once, in pieces of any size and order. Thread-safe. `bytes` end where the file ends, or
  // before.
  void Note(uint64_t offset, std::string_view bytes);

  // Whether all these chunks have been noted, as they were when the checksums were made.
  bool IsWhole() const;

 private:
  uint64_t SizeOf(std::size_t chunk) const;

  const uint64_t size_bytes_;
  const std::vector<uint32_t> chunk_checksums_;
  std::vector<bool> checked_;                   // chunks that were looked at
  uint64_t num_expected_;                       // bytes of the others
  std::atomic<uint64_t> num_noted_ = 0;         // of these
  std::vector<std::atomic<uint32_t>> missing_;  // of each chunk's checksum; 0 in the end
};

}  // namespace skerry::coordinator
