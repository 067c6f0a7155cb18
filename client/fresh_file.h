#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/files.h"
#include "base/mutex.h"

namespace skerry::client {

// A file with bytes of another as if it were empty. What is written from the front on, one piece
// behind the other, takes their place, also if something behind all of it was written before;
// whatever else would show them first makes an end of what is left of them. Once Size() has been
// asked for, or this object is gone, there are none, for those either who open the file by its
// name. As thread-safe as File is.
class FreshFile final : public File {
 public:
  // `old_bytes`: the size of `file`.
  FreshFile(std::shared_ptr<File> file, uint64_t old_bytes)
      : file_(std::move(file)), old_end_(old_bytes) {}
  ~FreshFile() override;

  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override;
  Status WriteAt(uint64_t offset, std::string_view bytes) override;
  Status Sync() override;
  void BeginSync(uint64_t offset, uint64_t size) override { file_->BeginSync(offset, size); }
  Result<uint64_t> Size() const override;
  Status Truncate(uint64_t size) override;

 private:
  Status EndOldBytes() const SKERRY_REQUIRES(mutex_);
  Status PutZeros(uint64_t from, uint64_t to) const SKERRY_REQUIRES(mutex_);

  const std::shared_ptr<File> file_;
  mutable Mutex mutex_;
  mutable bool is_plain_ SKERRY_GUARDED_BY(mutex_) = false;  // no old bytes are left
  uint64_t written_ SKERRY_GUARDED_BY(mutex_) = 0;           // from the front on
  uint64_t old_end_ SKERRY_GUARDED_BY(mutex_);       // from written_ to here the bytes are old
  bool has_tail_ SKERRY_GUARDED_BY(mutex_) = false;  // something behind them is not
  uint64_t room_ SKERRY_GUARDED_BY(mutex_) = 0;      // the size, if that is more
};

}  // namespace skerry::client
