#include "base/filled_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

namespace skerry {
namespace {

using NumberBytes = std::array<char, sizeof(uint64_t)>;

Status WriteNumber(File& file, uint64_t number) {
  const auto bytes = std::bit_cast<NumberBytes>(number);
  return file.WriteAt(0, {bytes.data(), bytes.size()});
}

bool IsThere(Files& files, const std::string& path) {
  return files.Open(path, OpenMode::kRead).ok();
}

// First that nothing in it is good, then the file. Where that does not work a new file does as
// well.
void BeginAsSpare(Files& files, const std::string& path, const std::string& number_path,
                  SpareFiles& spares) {
  if (spares.empty()) return;
  const Result<std::unique_ptr<File>> number = files.Open(number_path, OpenMode::kCreate);
  if (number.ok() && WriteNumber(**number, 0).ok() && spares.MoveTo(path)) return;
  static_cast<void>(files.Remove(number_path).ok());
}

}  // namespace

Result<std::unique_ptr<FilledFile>> FilledFile::Open(Files& files, const std::string& path,
                                                     const std::string& number_path,
                                                     uint64_t size_bytes, SpareFiles& spares) {
  const bool large = size_bytes >= SpareFiles::kLeastBytes;
  if (large && !IsThere(files, path)) BeginAsSpare(files, path, number_path, spares);
  SKERRY_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files.Open(path, OpenMode::kReadWrite));
  SKERRY_ASSIGN_OR_RETURN(const uint64_t on_disk, file->Size());
  if (on_disk > size_bytes) SKERRY_RETURN_IF_ERROR(file->Truncate(size_bytes));
  std::unique_ptr<File> number;
  if (large && IsThere(files, number_path)) {
    SKERRY_ASSIGN_OR_RETURN(number, files.Open(number_path, OpenMode::kReadWrite));
  }
  return std::make_unique<FilledFile>(std::move(file), std::move(number));
}

Result<uint64_t> FilledFile::Filled() const {
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
  if (number_ == nullptr) return size;
  NumberBytes bytes{};
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, number_->ReadAt(0, bytes));
  return n == bytes.size() ? std::min(std::bit_cast<uint64_t>(bytes), size) : 0;
}

Status FilledFile::Note(uint64_t bytes) {
  return number_ == nullptr ? OkStatus() : WriteNumber(*number_, bytes);
}

Status FilledFile::Forget() { return number_ == nullptr ? file_->Truncate(0) : Note(0); }

}  // namespace skerry
