#pragma once

#include <cstdlib>  // says whether this is glibc

#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef SKERRY_MIMALLOC
#include <mimalloc.h>
#endif

namespace skerry {

// From now on memory that is freed stays with the process: for programs that soon need as much
// again, and would ask the system for it page by page. Does nothing without mimalloc. First in
// main(), of a program that links skerry_allocator.
inline void KeepFreedMemory() {
#ifdef SKERRY_MIMALLOC
  mi_option_disable(mi_option_allow_decommit);
#endif
}

// From now on large blocks go back to the system when they are freed, and threads share what is
// left: for a program that now and then needs a model's worth, and shares its machine. glibc would
// otherwise learn from each large block that is freed to keep the next. Does nothing with another C
// library. First in main().
inline void GiveBackFreedMemory() {
#ifdef __GLIBC__
  constexpr int kLargeBytes = 4 << 20;
  constexpr int kSpareBytes = 8 << 20;  // of an arena: else a transfer's come and go page by page
  constexpr int kArenas = 2;
  mallopt(M_MMAP_THRESHOLD, kLargeBytes);
  mallopt(M_TRIM_THRESHOLD, kSpareBytes);
  mallopt(M_ARENA_MAX, kArenas);
#endif
}

}  // namespace skerry
