#pragma once

#include <cstdint>
#include <vector>

#include "coordinator/round_machine.h"

namespace skerry::coordinator {

// Which ready sites a round invites, in roster order: the required ones, and others drawn without
// replacement until sites_per_round take part (those that bring a task from an earlier attempt
// among them). A function of (seed, round, attempt, who is ready).
std::vector<int32_t> Draw(const RoundState& state, const RoundPolicy& policy);

}  // namespace skerry::coordinator
