#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace skerry::coordinator {

// Compares a file with the checksums of its chunks while others read it, so that it is read once.
class ReadCheck {
 public:
  // `chunk_checksums`: the Crc32c of each chunk of crypto::kChunkBytes of `size_bytes`.
  ReadCheck(std::span<const uint32_t> chunk_checksums, uint64_t size_bytes);

  // So the file reads at `offset`. Each of its bytes is to be noted once, in pieces of any size and
  // order, none of them beyond its end. Thread-safe.
  void Note(uint64_t offset, std::string_view bytes);

  // Whether all of it has been noted, as it was when the checksums were made.
  bool IsWhole() const;

 private:
  const uint64_t size_bytes_;
  std::atomic<uint64_t> num_noted_ = 0;
  std::vector<std::atomic<uint32_t>> rests_;  // of each chunk: what is yet to come, 0 in the end
};

}  // namespace skerry::coordinator
