#pragma once

#include <cstdint>
#include <span>

#include "base/files.h"
#include "base/status.h"

namespace skerry::coordinator {

// Numbers as they lie in a file. DATA_LOSS when the file ends before `out` is full.
template <class T>
Status ReadValues(const File& file, uint64_t offset, std::span<T> out) {
  const std::span<char> bytes(reinterpret_cast<char*>(out.data()), out.size_bytes());
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(offset, bytes));
  if (n != bytes.size()) return DataLoss("a file is shorter than its layout");
  return OkStatus();
}

template <class T>
Status WriteValues(File& file, uint64_t offset, std::span<const T> values) {
  return file.WriteAt(offset, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

}  // namespace skerry::coordinator
