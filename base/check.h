#pragma once

namespace skerry {

// Prints the broken invariant and ends the process. A bug, never an input, leads here.
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace skerry

#define SKERRY_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::skerry::CheckFailed(#condition, __FILE__, __LINE__))
