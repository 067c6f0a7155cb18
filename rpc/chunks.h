#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/mutex.h"
#include "base/status.h"
#include "crypto/content_hash.h"
#include "learning/layout.h"
#include "rpc/coordinator_api.h"

namespace skerry::rpc {

// A chunk of `data` at `offset`, with its digest.
v1::Chunk MakeChunk(uint64_t offset, std::string data);

// What is known of a file's chunks: their digests, so that none is hashed twice, and the last few
// that somebody still has, so that who asks for one of them soon after need not read it again.
// Offsets are multiples of kChunkBytes. Thread-safe.
class KnownChunks {
 public:
  KnownChunks() = default;
  explicit KnownChunks(std::vector<crypto::Digest> all);

  // nullopt: not known yet.
  std::optional<crypto::Digest> DigestAt(uint64_t offset) const;
  // Null: nobody has it any more.
  std::shared_ptr<const v1::Chunk> Find(uint64_t offset) const;
  void Note(const std::shared_ptr<const v1::Chunk>& chunk);
  void NoteDigest(uint64_t offset, const crypto::Digest& digest);

 private:
  static constexpr std::size_t kRecent = 16;

  mutable Mutex mutex_;
  std::vector<std::optional<crypto::Digest>> digests_ SKERRY_GUARDED_BY(mutex_);
  std::array<std::weak_ptr<const v1::Chunk>, kRecent> recent_ SKERRY_GUARDED_BY(mutex_);
};

// Whether a chunk, whose data have this digest, may follow `expected_offset` bytes of a whole of
// `total` bytes. OUT_OF_RANGE: it starts elsewhere. INVALID_ARGUMENT: it is empty, longer than a
// chunk may be, shorter though not the last, or reaches beyond the end. DATA_LOSS: it names another
// digest.
Status CheckChunk(const v1::Chunk& chunk, const crypto::Digest& digest, uint64_t expected_offset,
                  uint64_t total);
// The same, hashing the data.
Status CheckChunk(const v1::Chunk& chunk, uint64_t expected_offset, uint64_t total);

// Reads a file chunk by chunk from `offset`, a multiple of kChunkBytes or its end, on. What is in
// `known`, if it is there, is not hashed or read again; what is not is added. If the file has
// changed since, its receiver sees chunks that are not what they say.
std::unique_ptr<ChunkSource> ReadChunks(std::shared_ptr<const File> file, uint64_t offset,
                                        std::shared_ptr<KnownChunks> known = nullptr);

// The name of a layout on the wire: SHA-256 of its canonical text.
crypto::Digest LayoutHash(const learning::ResultLayout& layout);

// The part of a result's content hash that covers its header: every field but content_hash itself,
// the scalars in bytewise order of their names.
std::string CanonicalHeader(const v1::ResultHeader& header);

// The content hash of a result: its header and its bytes.
Result<crypto::Digest> ResultHash(const v1::ResultHeader& header, const File& bytes);

}  // namespace skerry::rpc
