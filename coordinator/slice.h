#pragma once

#include <cstdint>

namespace skerry::coordinator {

// Values in a file (File or const File), from a byte on. Borrowed.
template <class F>
struct Slice {
  F* file = nullptr;
  uint64_t offset = 0;
};

}  // namespace skerry::coordinator
