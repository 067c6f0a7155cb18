#include "rpc/chunks.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/chunk_digest.h"
#include "crypto/sha256.h"

namespace skerry::rpc {
namespace {

class FileChunks final : public ChunkSource {
 public:
  FileChunks(std::shared_ptr<const File> file, uint64_t offset, std::shared_ptr<KnownChunks> known)
      : file_(std::move(file)), offset_(offset), known_(std::move(known)) {}

  Result<std::optional<v1::Chunk>> Next() override {
    v1::Chunk chunk;
    SKERRY_ASSIGN_OR_RETURN(const bool there, Read(chunk));
    if (!there) return std::optional<v1::Chunk>();
    return std::optional<v1::Chunk>(std::move(chunk));
  }

  Result<std::shared_ptr<const v1::Chunk>> Share(const ChunkMemory& memory) override {
    if (known_ != nullptr) {
      if (auto found = known_->Find(offset_); found != nullptr) {
        offset_ += found->data().size();
        return found;
      }
    }
    std::shared_ptr<v1::Chunk> chunk = memory();
    SKERRY_ASSIGN_OR_RETURN(const bool there, Read(*chunk));
    if (!there) return std::shared_ptr<const v1::Chunk>();
    if (known_ != nullptr) known_->Note(chunk);
    return std::shared_ptr<const v1::Chunk>(std::move(chunk));
  }

 private:
  Result<bool> Read(v1::Chunk& chunk) {
    // A buffer no larger than what is left: most results are small.
    SKERRY_ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
    const uint64_t left = size > offset_ ? size - offset_ : 0;
    std::string& data = *chunk.mutable_data();
    data.resize(std::min(crypto::kChunkBytes, left));
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file_->ReadAt(offset_, data));
    if (n == 0) return false;
    data.resize(n);
    chunk.set_offset(offset_);
    const crypto::Digest digest = DigestOf(data);
    chunk.set_digest(digest.bytes.data(), digest.bytes.size());
    offset_ += n;
    return true;
  }

  crypto::Digest DigestOf(std::string_view data) {
    if (known_ == nullptr) return crypto::ChunkDigest(data);
    if (const auto digest = known_->DigestAt(offset_)) return *digest;
    const crypto::Digest digest = crypto::ChunkDigest(data);
    known_->NoteDigest(offset_, digest);
    return digest;
  }

  std::shared_ptr<const File> file_;
  uint64_t offset_;
  const std::shared_ptr<KnownChunks> known_;
};

template <class Integer>
void AppendInteger(std::string& text, Integer value) {
  const auto bits = static_cast<uint64_t>(value);
  for (int byte = 0; byte < 8; ++byte) text += static_cast<char>(bits >> (8 * byte));
}

void AppendBytes(std::string& text, std::string_view bytes) {
  AppendInteger(text, bytes.size());
  text += bytes;
}

}  // namespace

v1::Chunk MakeChunk(uint64_t offset, std::string data) {
  v1::Chunk chunk;
  chunk.set_offset(offset);
  const crypto::Digest digest = crypto::ChunkDigest(data);
  chunk.set_digest(digest.bytes.data(), digest.bytes.size());
  chunk.set_data(std::move(data));
  return chunk;
}

Status CheckChunk(const v1::Chunk& chunk, uint64_t expected_offset, uint64_t total) {
  return CheckChunk(chunk, crypto::ChunkDigest(chunk.data()), expected_offset, total);
}

Status CheckChunk(const v1::Chunk& chunk, const crypto::Digest& digest, uint64_t expected_offset,
                  uint64_t total) {
  const uint64_t size = chunk.data().size();
  if (chunk.offset() != expected_offset) {
    return OutOfRange("a chunk starts at byte " + std::to_string(chunk.offset()) + "; byte " +
                      std::to_string(expected_offset) + " comes next");
  }
  if (size == 0 || size > crypto::kChunkBytes || size > total - expected_offset) {
    return InvalidArgument("a chunk of " + std::to_string(size) + " bytes at byte " +
                           std::to_string(expected_offset) + " does not fit a whole of " +
                           std::to_string(total));
  }
  if (size < crypto::kChunkBytes && expected_offset + size != total) {
    return InvalidArgument("the chunk at byte " + std::to_string(expected_offset) + " has only " +
                           std::to_string(size) + " bytes and is not the last");
  }
  if (digest.view() != chunk.digest()) {
    return DataLoss("the chunk at byte " + std::to_string(expected_offset) +
                    " does not have the digest that it names");
  }
  return OkStatus();
}

KnownChunks::KnownChunks(std::vector<crypto::Digest> all) : digests_(all.begin(), all.end()) {}

std::shared_ptr<const v1::Chunk> KnownChunks::Find(uint64_t offset) const {
  std::shared_ptr<const v1::Chunk> found;  // let go of without the lock
  {
    MutexLock lock(mutex_);
    found = recent_[offset / crypto::kChunkBytes % kRecent].lock();
  }
  return found != nullptr && found->offset() == offset ? found : nullptr;
}

void KnownChunks::Note(const std::shared_ptr<const v1::Chunk>& chunk) {
  MutexLock lock(mutex_);
  recent_[chunk->offset() / crypto::kChunkBytes % kRecent] = chunk;
}

std::optional<crypto::Digest> KnownChunks::DigestAt(uint64_t offset) const {
  const uint64_t i = offset / crypto::kChunkBytes;
  MutexLock lock(mutex_);
  return i < digests_.size() ? digests_[i] : std::nullopt;
}

void KnownChunks::NoteDigest(uint64_t offset, const crypto::Digest& digest) {
  const uint64_t i = offset / crypto::kChunkBytes;
  MutexLock lock(mutex_);
  if (i >= digests_.size()) digests_.resize(i + 1);
  digests_[i] = digest;
}

std::unique_ptr<ChunkSource> ReadChunks(std::shared_ptr<const File> file, uint64_t offset,
                                        std::shared_ptr<KnownChunks> known) {
  if (offset % crypto::kChunkBytes != 0) known = nullptr;  // these are other pieces
  return std::make_unique<FileChunks>(std::move(file), offset, std::move(known));
}

crypto::Digest LayoutHash(const learning::ResultLayout& layout) {
  return crypto::Sha256(layout.CanonicalText());
}

std::string CanonicalHeader(const v1::ResultHeader& header) {
  constexpr std::size_t kUsualSize = 256;
  std::string text;
  text.reserve(kUsualSize);
  text = "skerry result 1";
  AppendInteger(text, header.task_id());
  AppendBytes(text, header.layout_hash());
  AppendInteger(text, header.size_bytes());
  AppendInteger(text, header.num_examples());
  std::vector<std::pair<std::string_view, double>> scalars(header.scalars().begin(),
                                                           header.scalars().end());
  std::sort(scalars.begin(), scalars.end());  // each name is there once
  AppendInteger(text, scalars.size());
  for (const auto& [name, value] : scalars) {
    AppendBytes(text, name);
    AppendInteger(text, std::bit_cast<uint64_t>(value));
  }
  return text;
}

Result<crypto::Digest> ResultHash(const v1::ResultHeader& header, const File& bytes) {
  return crypto::ContentHashOf(CanonicalHeader(header), bytes);
}

}  // namespace skerry::rpc
