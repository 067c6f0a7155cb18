#pragma once

#include <span>

#include "learning/strategy.h"

namespace skerry {

// The coordinator daemon: main as a function, so that a program with strategies of its own (`more`)
// is one source file (docs/adding-a-strategy.md). Returns the process's exit code.
int CoordinatorMain(int argc, char** argv, std::span<const learning::StrategyEntry> more = {});

}  // namespace skerry
