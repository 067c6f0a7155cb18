#pragma once

#include <cstdint>
#include <vector>

#include "coordinator/round_machine.h"

namespace skerry::coordinator {

// Which ready sites a round invites, in roster order: the required ones, and others drawn as the
// policy says until sites_per_round take part (those that bring a task from an earlier attempt
// among them). A function of (seed, round, attempt, who is ready, the track record).
//
// - random: without replacement, all alike.
// - poisson: each by a coin of its own; drawn anew when there are too few for the quorum.
// - availability: who was counted in the fewest rounds: a site that is seldom there gets its turn
//   when it is.
// - power_of_choice: of `candidates`, drawn by their numbers of examples, those with the highest
//   loss; a site whose loss is not known yet before all others. Cho, Wang, Joshi: "Client selection
//   in federated learning: convergence analysis and power-of-choice selection strategies" (2020).
// - oort: coordinator/oort.h.
std::vector<int32_t> Draw(const RoundState& state, const RoundPolicy& policy);

}  // namespace skerry::coordinator
