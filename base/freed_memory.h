#pragma once

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

}  // namespace skerry
