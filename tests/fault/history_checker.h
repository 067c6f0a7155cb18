#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulation/evidence.h"
#include "simulation/simulator.h"

namespace skerry::fault {

// What a run was asked for.
struct Expectation {
  int64_t num_rounds = 0;  // that commit, all kinds together
  int64_t quorum = 0;
  std::vector<std::string> required_sites;
};

// Everything in which a federation broke its promises (docs/reliability.md), one sentence each;
// empty: nothing. It believes neither side: receipts and verdicts are what sites heard, rounds and
// tasks what the coordinator's journal says.
std::vector<std::string> Violations(const simulation::SimulationResult& result,
                                    const Expectation& expectation);

}  // namespace skerry::fault
