#include "client/hashed_file.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "crypto/sha256.h"

namespace skerry::client {

using crypto::Digest;
using crypto::kChunkBytes;

namespace {

// Fills a chunk that has begun; what is left of `bytes`.
std::string_view Fill(std::string& chunk, std::string_view bytes) {
  const std::size_t n = std::min<std::size_t>(kChunkBytes - chunk.size(), bytes.size());
  chunk.append(bytes.substr(0, n));
  return bytes.substr(n);
}

}  // namespace

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
  first_.clear();
  second_.clear();
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

// By two, from where they are if they come whole.
void HashedFile::Hash(std::string_view bytes) {
  while (!bytes.empty()) {
    if (first_.empty() && bytes.size() >= 2 * kChunkBytes) {
      HashPair(bytes.substr(0, kChunkBytes), bytes.substr(kChunkBytes, kChunkBytes));
      bytes.remove_prefix(2 * kChunkBytes);
    } else if (first_.size() < kChunkBytes) {
      bytes = Fill(first_, bytes);
    } else if (second_.empty() && bytes.size() >= kChunkBytes) {
      HashPair(first_, bytes.substr(0, kChunkBytes));
      bytes.remove_prefix(kChunkBytes);
    } else {
      bytes = Fill(second_, bytes);
      if (second_.size() == kChunkBytes) HashPair(first_, second_);
    }
  }
}

void HashedFile::HashPair(std::string_view first, std::string_view second) {
  const std::array<std::string_view, 2> chunks = {first, second};
  std::array<Digest, 2> digests;
  crypto::Sha256Each(chunks, digests);
  digests_.insert(digests_.end(), digests.begin(), digests.end());
  first_.clear();
  second_.clear();
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
    all.push_back(crypto::Sha256(chunk));
  }
  return all;
}

}  // namespace skerry::client
