#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/mutex.h"
#include "crypto/content_hash.h"

namespace skerry::client {

// A file that is hashed while it is written, so that little of it need be read for that: what is
// written from the front on, one piece behind the other. Trainers write an update so, and before or
// after it what they counted. Thread-safe as far as File is, but for Truncate.
class HashedFile final : public File {
 public:
  explicit HashedFile(std::shared_ptr<File> file) : file_(std::move(file)) {}

  // The digest of each chunk of what is in the file now.
  Result<std::vector<crypto::Digest>> ChunkDigests();

  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    return file_->ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, std::string_view bytes) override;
  Status Sync() override { return file_->Sync(); }
  void BeginSync(uint64_t offset, uint64_t size) override { file_->BeginSync(offset, size); }
  Result<uint64_t> Size() const override { return file_->Size(); }
  // Makes room, or starts over.
  Status Truncate(uint64_t size) override;

 private:
  void Note(uint64_t offset, std::string_view bytes) SKERRY_REQUIRES(mutex_);
  void Hash(std::string_view bytes) SKERRY_REQUIRES(mutex_);
  void Forget() SKERRY_REQUIRES(mutex_);

  static constexpr uint64_t kNowhere = std::numeric_limits<uint64_t>::max();

  const std::shared_ptr<File> file_;
  Mutex mutex_;
  bool in_order_ SKERRY_GUARDED_BY(mutex_) = true;
  uint64_t written_ SKERRY_GUARDED_BY(mutex_) = 0;       // from the front on
  uint64_t ahead_ SKERRY_GUARDED_BY(mutex_) = kNowhere;  // the first byte written beyond that
  std::vector<crypto::Digest> digests_ SKERRY_GUARDED_BY(mutex_);  // of its first chunks
  std::string begun_ SKERRY_GUARDED_BY(mutex_);  // what has been written of the next one
};

}  // namespace skerry::client
