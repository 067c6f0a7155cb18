#pragma once

#include <string_view>

// Places at which a test may kill this process, as power loss would:
// SKERRY_FAILPOINT("client/trained"). They are compiled in with the CMake option SKERRY_FAILPOINTS
// only; without it they are nothing.
//
// At run time two environment variables steer them. SKERRY_FAILPOINT=NAME:K ends the process with
// SIGKILL at the K-th time that NAME is reached. SKERRY_FAILPOINT_HITS=DIRECTORY counts: each time
// a place is reached, one byte is appended to the file of its name (with '/' turned into '.').
#ifdef SKERRY_FAILPOINTS
#define SKERRY_FAILPOINT(name) ::skerry::HitFailpoint(name)
#else
#define SKERRY_FAILPOINT(name) static_cast<void>(0)
#endif

namespace skerry {

// Use the macro. Thread-safe.
void HitFailpoint(std::string_view name);

}  // namespace skerry
