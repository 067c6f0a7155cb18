#pragma once

#include <cstdint>
#include <string>

#include "simulation/simulator.h"

// What a plan of faults does to a run, beside the same run without them.
namespace skerry::cli {

struct WhatIf {
  std::string plan;  // the file's name
  uint64_t seed = 1;
  const simulation::SimulationResult& result;
  const simulation::SimulationResult& calm;  // without the plan's faults
};

// For a terminal: how it ended, how the time went, what each site did, the rounds that took
// longest, how good the model was when. With `every_round`: all rounds.
std::string WhatIfText(const WhatIf& what_if, bool every_round);
// All of it for programs; docs/simulation.md lists the fields.
std::string WhatIfJson(const WhatIf& what_if);
// The timeline, with the curve of the run's first metric below it.
std::string WhatIfSvg(const WhatIf& what_if);

}  // namespace skerry::cli
