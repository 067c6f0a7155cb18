#include "client/hashed_file.h"

#include <algorithm>
#include <string_view>

#include "crypto/chunk_digest.h"

namespace skerry::client {

using crypto::Digest;
using crypto::kChunkBytes;

Status HashedFile::WriteAt(uint64_t offset, std::string_view bytes) {
  Status written = file_->WriteAt(offset, bytes);
  MutexLock lock(mutex_);
  if (written.ok()) {
    Note(offset, bytes);
  } else {
    in_order_ = false;  // some of it may have been
  }
  return written;
}

Status HashedFile::Truncate(uint64_t size) {
  SKERRY_RETURN_IF_ERROR(file_->Truncate(size));
  MutexLock lock(mutex_);
  if (size == 0) {
    Forget();
  } else if (size < written_) {
    in_order_ = false;
  }
  return OkStatus();
}

void HashedFile::Forget() {
  in_order_ = true;
  written_ = 0;
  ahead_ = kNowhere;
  digests_.clear();
  begun_.clear();
}

void HashedFile::Note(uint64_t offset, std::string_view bytes) {
  if (offset > written_) {
    ahead_ = std::min(ahead_, offset);
    return;
  }
  in_order_ = in_order_ && offset == written_ && written_ + bytes.size() <= ahead_;
  if (!in_order_) return;
  written_ += bytes.size();
  Hash(bytes);
}

// Whole chunks from where they are.
void HashedFile::Hash(std::string_view bytes) {
  while (!bytes.empty()) {
    if (begun_.empty() && bytes.size() >= kChunkBytes) {
      digests_.push_back(crypto::ChunkDigest(bytes.substr(0, kChunkBytes)));
      bytes.remove_prefix(kChunkBytes);
      continue;
    }
    const std::size_t n = std::min<std::size_t>(kChunkBytes - begun_.size(), bytes.size());
    begun_.append(bytes.substr(0, n));
    bytes.remove_prefix(n);
    if (begun_.size() < kChunkBytes) continue;
    digests_.push_back(crypto::ChunkDigest(begun_));
    begun_.clear();
  }
}

Result<std::vector<Digest>> HashedFile::ChunkDigests() {
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
  MutexLock lock(mutex_);
  if (!in_order_ || size < written_) return crypto::ChunkDigestsOf(*file_);
  std::vector<Digest> all = digests_;
  std::string chunk;
  for (uint64_t offset = all.size() * kChunkBytes; offset < size; offset += kChunkBytes) {
    chunk.resize(std::min(kChunkBytes, size - offset));
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file_->ReadAt(offset, chunk));
    if (n != chunk.size()) return DataLoss("a result was cut while it was hashed");
    all.push_back(crypto::ChunkDigest(chunk));
  }
  return all;
}

}  // namespace skerry::client
