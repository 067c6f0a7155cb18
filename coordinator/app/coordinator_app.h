#pragma once

namespace skerry {

// The coordinator daemon: main as a function, so that a program with strategies of its own is one
// source file (docs/adding-a-strategy.md). Returns the process's exit code, or, when the daemon has
// run, ends the process (base/shutdown_signal.h).
int CoordinatorMain(int argc, char** argv);

}  // namespace skerry
