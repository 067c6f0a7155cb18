#include "client/fresh_file.h"

#include <algorithm>

namespace skerry::client {

Status FreshFile::CutOff() const {
  if (is_cut_) return OkStatus();
  if (written_ < old_bytes_) SKERRY_RETURN_IF_ERROR(file_->Truncate(written_));
  if (written_ < room_) SKERRY_RETURN_IF_ERROR(file_->Truncate(room_));
  is_cut_ = true;
  return OkStatus();
}

Result<std::size_t> FreshFile::ReadAt(uint64_t offset, std::span<char> out) const {
  MutexLock lock(mutex_);
  if (offset + out.size() > written_) SKERRY_RETURN_IF_ERROR(CutOff());
  return file_->ReadAt(offset, out);
}

Status FreshFile::WriteAt(uint64_t offset, std::string_view bytes) {
  MutexLock lock(mutex_);
  if (offset > written_) SKERRY_RETURN_IF_ERROR(CutOff());
  SKERRY_RETURN_IF_ERROR(file_->WriteAt(offset, bytes));
  written_ = std::max(written_, offset + bytes.size());
  return OkStatus();
}

Status FreshFile::Sync() {
  MutexLock lock(mutex_);
  SKERRY_RETURN_IF_ERROR(CutOff());
  return file_->Sync();
}

Result<uint64_t> FreshFile::Size() const {
  MutexLock lock(mutex_);
  SKERRY_RETURN_IF_ERROR(CutOff());
  return file_->Size();
}

// To make room for all that will be written is no reason to give the old bytes' room away.
Status FreshFile::Truncate(uint64_t size) {
  MutexLock lock(mutex_);
  if (!is_cut_ && size >= std::max(old_bytes_, written_)) {
    room_ = size;
    return OkStatus();
  }
  SKERRY_RETURN_IF_ERROR(CutOff());
  return file_->Truncate(size);
}

}  // namespace skerry::client
