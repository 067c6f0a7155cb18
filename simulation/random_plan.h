#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulation/fault_plan.h"

namespace skerry::simulation {

// A plan in which much goes wrong, drawn from `seed`: some kinds of fault and not others, some rare
// and some often, for a few minutes up to half an hour of virtual time; then it is calm, so that
// whatever can recover will. Sites differ. Nothing in it needs a person to be mended.
FaultPlan RandomPlan(uint64_t seed, const std::vector<std::string>& sites);

}  // namespace skerry::simulation
