#include "base/spare_files.h"

#include <utility>

namespace skerry {

bool SpareFiles::Keep(const std::string& path, uint64_t size_bytes) {
  if (size_bytes < kLeastBytes || spares_.size() >= most_) return false;
  Spare spare{prefix_ + std::to_string(++last_), size_bytes};
  if (!files_.Rename(path, spare.path).ok()) return false;
  spares_.push_back(std::move(spare));
  return true;
}

bool SpareFiles::MoveTo(const std::string& path) {
  if (spares_.empty()) return false;
  const Spare spare = std::move(spares_.back());
  spares_.pop_back();
  if (files_.Rename(spare.path, path).ok()) return true;
  static_cast<void>(files_.Remove(spare.path).ok());
  return false;
}

void SpareFiles::RemoveAll() {
  for (const Spare& spare : spares_) static_cast<void>(files_.Remove(spare.path).ok());
  spares_.clear();
}

uint64_t SpareFiles::size_bytes() const {
  uint64_t sum = 0;
  for (const Spare& spare : spares_) sum += spare.size_bytes;
  return sum;
}

}  // namespace skerry
