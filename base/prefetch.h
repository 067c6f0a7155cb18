#pragma once

#include <cstddef>
#include <span>

namespace skerry {

// Asks for memory that is about to be read out of order, so that it comes while other things are
// done. No more of it than a core's nearest caches hold.
template <class T>
void Prefetch(std::span<const T> values) {
  constexpr std::size_t kLineBytes = 64;
  constexpr std::size_t kMostBytes = 128 * 1024;
  const char* const begin = reinterpret_cast<const char*>(values.data());
  const std::size_t size = values.size_bytes() < kMostBytes ? values.size_bytes() : kMostBytes;
  for (std::size_t at = 0; at < size; at += kLineBytes) __builtin_prefetch(begin + at);
}

}  // namespace skerry
