#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/mutex.h"
#include "crypto/content_hash.h"

namespace skerry::client {

// A file that is hashed while it is written, so that it need not be read for that: of a writer who
// goes from front to back and writes nothing twice, as those of large results do. Thread-safe as
// far as File is.
class HashedFile final : public File {
 public:
  explicit HashedFile(std::shared_ptr<File> file) : file_(std::move(file)) {}

  // The digest of each chunk of what is in the file now. Reads it if it was written otherwise.
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
  void HashPair(std::string_view first, std::string_view second) SKERRY_REQUIRES(mutex_);

  const std::shared_ptr<File> file_;
  Mutex mutex_;
  bool in_order_ SKERRY_GUARDED_BY(mutex_) = true;
  uint64_t written_ SKERRY_GUARDED_BY(mutex_) = 0;  // from the front, in order
  std::vector<crypto::Digest> digests_ SKERRY_GUARDED_BY(mutex_);
  // What has been written since: up to a chunk that waits for a second one, and what is there of
  // that.
  std::string first_ SKERRY_GUARDED_BY(mutex_);
  std::string second_ SKERRY_GUARDED_BY(mutex_);
};

}  // namespace skerry::client
