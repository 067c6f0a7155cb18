#pragma once

#include "base/status.h"

namespace skerry {

// Exit codes (docs/exit-codes.md): 0 done, 1 failed, 2 bad arguments or file, 3 not found, 4 no
// answer or time is up, 5 not allowed, 6 not possible now, 7 no room, 8 damaged data, 9 the
// versions do not fit, 10 superseded by a newer process, 78 this CPU will not do (base/cpu.h), 130
// interrupted. The exit code of a program that ended with `status`:
int ExitCode(const Status& status);

// Of a command that tells how a run ended.
inline constexpr int kExitRunDegraded = 20;
inline constexpr int kExitRunPaused = 21;
inline constexpr int kExitRunFailed = 22;
inline constexpr int kExitRunStopped = 23;

// "error: ..." and, on a line of its own, "hint: ...", on standard error. Returns ExitCode(status).
int ReportError(const Status& status);

}  // namespace skerry
