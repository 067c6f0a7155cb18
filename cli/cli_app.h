#pragma once

namespace skerry {

// The command `skerry`: main as a function, so that a program with strategies of its own can
// simulate them (docs/adding-a-strategy.md). Returns the process's exit code.
int CliMain(int argc, char** argv);

}  // namespace skerry
