#include "base/bytes_file.h"

#include <algorithm>

namespace skerry {

Result<std::size_t> BytesFile::ReadAt(uint64_t offset, std::span<char> out) const {
  if (offset >= bytes_.size()) return std::size_t{0};
  const std::size_t n = std::min<std::size_t>(out.size(), bytes_.size() - offset);
  std::copy_n(bytes_.data() + offset, n, out.data());
  return n;
}

Status BytesFile::WriteAt(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return OkStatus();
  if (bytes_.size() < offset + bytes.size()) bytes_.resize(offset + bytes.size());
  bytes_.replace(offset, bytes.size(), bytes);
  return OkStatus();
}

Status BytesFile::Truncate(uint64_t size) {
  bytes_.resize(size);
  return OkStatus();
}

}  // namespace skerry
