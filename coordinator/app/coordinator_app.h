#pragma once

namespace skerry {

// The coordinator daemon: main as a function, so that a program with strategies of its own is one
// source file (docs/adding-a-strategy.md). Returns the process's exit code.
int CoordinatorMain(int argc, char** argv);

}  // namespace skerry
