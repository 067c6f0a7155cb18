#pragma once

#include "base/status.h"

namespace skerry {

// The exit code of a program that ended with `status` (docs/exit-codes.md).
int ExitCode(const Status& status);

// "error: ..." and, on a line of its own, "hint: ...", on standard error. Returns ExitCode(status).
int ReportError(const Status& status);

}  // namespace skerry
