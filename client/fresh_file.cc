#include "client/fresh_file.h"

#include <algorithm>
#include <string>

namespace skerry::client {

FreshFile::~FreshFile() {
  MutexLock lock(mutex_);
  static_cast<void>(EndOldBytes().ok());
}

Status FreshFile::PutZeros(uint64_t from, uint64_t to) const {
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  const std::string zeros(std::min(kPiece, to - from), '\0');
  for (uint64_t at = from; at < to; at += zeros.size()) {
    SKERRY_RETURN_IF_ERROR(
        file_->WriteAt(at, std::string_view(zeros).substr(0, std::min(kPiece, to - at))));
  }
  return OkStatus();
}

Status FreshFile::EndOldBytes() const {
  if (is_plain_) return OkStatus();
  if (written_ < old_end_) {
    SKERRY_RETURN_IF_ERROR(has_tail_ ? PutZeros(written_, old_end_) : file_->Truncate(written_));
  }
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
  if (size < room_) SKERRY_RETURN_IF_ERROR(file_->Truncate(room_));
  is_plain_ = true;
  return OkStatus();
}

Result<std::size_t> FreshFile::ReadAt(uint64_t offset, std::span<char> out) const {
  MutexLock lock(mutex_);
  if (offset + out.size() > written_) SKERRY_RETURN_IF_ERROR(EndOldBytes());
  return file_->ReadAt(offset, out);
}

Status FreshFile::WriteAt(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return OkStatus();
  MutexLock lock(mutex_);
  if (!is_plain_ && offset > written_) {
    if (has_tail_ && offset < old_end_) {
      SKERRY_RETURN_IF_ERROR(EndOldBytes());
    } else if (offset < old_end_) {
      SKERRY_RETURN_IF_ERROR(file_->Truncate(offset));
      old_end_ = offset;
    }
    has_tail_ = true;
  }
  SKERRY_RETURN_IF_ERROR(file_->WriteAt(offset, bytes));
  if (offset <= written_) written_ = std::max(written_, offset + bytes.size());
  return OkStatus();
}

Status FreshFile::Sync() {
  MutexLock lock(mutex_);
  SKERRY_RETURN_IF_ERROR(EndOldBytes());
  return file_->Sync();
}

Result<uint64_t> FreshFile::Size() const {
  MutexLock lock(mutex_);
  SKERRY_RETURN_IF_ERROR(EndOldBytes());
  return file_->Size();
}

// To make room for all that will be written is no reason to give the old bytes' room away.
Status FreshFile::Truncate(uint64_t size) {
  MutexLock lock(mutex_);
  if (!is_plain_ && !has_tail_ && size >= std::max(old_end_, written_)) {
    room_ = size;
    return OkStatus();
  }
  SKERRY_RETURN_IF_ERROR(EndOldBytes());
  return file_->Truncate(size);
}

}  // namespace skerry::client
