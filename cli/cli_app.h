#pragma once

#include <span>

#include "learning/strategy.h"

namespace skerry {

// The command `skerry`: main as a function, so that a program with strategies of its own (`more`)
// can simulate them (docs/adding-a-strategy.md). Returns the process's exit code.
int CliMain(int argc, char** argv, std::span<const learning::StrategyEntry> more = {});

}  // namespace skerry
