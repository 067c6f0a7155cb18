#pragma once

#include <string>

#include "base/files.h"

namespace skerry {

// Bytes in memory as a file. Not to be written by two threads at once.
class BytesFile final : public File {
 public:
  explicit BytesFile(std::string bytes = {}) : bytes_(std::move(bytes)) {}

  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override;
  Status WriteAt(uint64_t offset, std::string_view bytes) override;
  Status Sync() override { return OkStatus(); }
  Result<uint64_t> Size() const override { return static_cast<uint64_t>(bytes_.size()); }
  Status Truncate(uint64_t size) override;
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// All of a file that is bytes in memory, to be looked at where it is: good until it is written to.
// Null: it is another.
inline const std::string* BytesOf(const File& file) {
  const auto* in_memory = dynamic_cast<const BytesFile*>(&file);
  return in_memory == nullptr ? nullptr : &in_memory->bytes();
}

}  // namespace skerry
