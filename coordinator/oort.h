#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "coordinator/track_record.h"

namespace skerry::coordinator {

// Lai, Zhu, Madhyastha, Chowdhury: "Oort: Efficient federated learning via guided participant
// selection" (OSDI 2021), algorithm 1 with the constants of its published code. Of `pool`, so many
// of the `wanted` as exploration does not take go to the sites whose examples are worth most
// (examples times loss, clipped at the 98th percentile and scaled to [0, 1]; more for who was not
// asked for long; less for who is slower than preferred), and the others to sites that have not
// trained yet, by their size. What differs: a site's loss is the mean that it reports, not the root
// mean square of its examples' losses, which it does not tell; and unknown sites are not drawn by
// speed, of which nothing is known. `wanted` is at most the pool's size. The result is unordered.
std::vector<int32_t> DrawOort(const TrackRecord& track, const std::vector<int32_t>& pool,
                              std::size_t wanted, int64_t round, RandomStream& random);

// The percentile of durations that sites are preferred to keep to in this round: 10 at first, and 5
// more after every 20 rounds in which the sum of utilities changed by less than a tenth.
double PreferredPercentile(const std::vector<double>& utility_of_rounds, int64_t round);

// How many examples each of `pool` has. One of which that is not known counts as the mean of the
// others, so that it is drawn some day: else nothing of it would ever be known.
std::vector<double> SizesOrMean(const TrackRecord& track, const std::vector<int32_t>& pool);

// Draws `count` of `pool` without replacement, each in proportion to its weight; those of no weight
// come last, all alike. `weights` is as long as the pool. The result is in the order of the draws.
std::vector<int32_t> DrawWeighted(const std::vector<int32_t>& pool,
                                  const std::vector<double>& weights, std::size_t count,
                                  RandomStream& random);

}  // namespace skerry::coordinator
