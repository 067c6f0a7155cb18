#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "learning/aggregator.h"

namespace skerry::learning {

// What robust rules make of norms and distances alone, before any element is looked at again. Pure
// functions; equal numbers are taken in the order of the sites.

// Of each update in `among`, the sum of the max(1, size - attackers - 2) smallest squared distances
// to the others there. Blanchard, El Mhamdi, Guerraoui, Stainer: "Machine learning with
// adversaries: Byzantine tolerant gradient descent" (NeurIPS 2017), section 4.
std::vector<double> KrumScores(const UpdateStatistics& statistics,
                               std::span<const std::size_t> among, int64_t attackers);

// The `count` updates with the smallest scores, the best first: Krum with 1, else Multi-Krum.
std::vector<std::size_t> KrumSelection(const UpdateStatistics& statistics, int64_t attackers,
                                       std::size_t count);

// n - 2 * attackers updates, each the Krum of those that are left. El Mhamdi, Guerraoui, Rouault:
// "The hidden vulnerability of distributed learning in Byzantium" (ICML 2018), section 4.
std::vector<std::size_t> BulyanSelection(const UpdateStatistics& statistics, int64_t attackers);

// Shares, which add up to 1, of the updates in their geometric median, weighted by `weights`:
// `iterations` of the smoothed Weiszfeld algorithm from the weighted mean. Pillutla, Kakade,
// Harchaoui: "Robust aggregation for federated learning" (IEEE TSP 2022), algorithm 2. Every
// iterate is a mean of the updates, so its distance to each follows from those between them.
std::vector<double> GeometricMedianShares(const UpdateStatistics& statistics,
                                          std::span<const double> weights, int iterations);

// Factors of the updates in v, where v <- v + sum(min(1, radius / |x - v|) (x - v)) / n, so many
// times from v = 0, the version that the round began with. Karimireddy, He, Jaggi: "Learning from
// history for Byzantine robust optimization" (ICML 2021), section 5.
std::vector<double> CenteredClippingFactors(const UpdateStatistics& statistics, double radius,
                                            int iterations);

// min(1, limit / |x|) for each update.
std::vector<double> ClippingScales(const UpdateStatistics& statistics, double limit);
// The statistics of the updates multiplied by `scales`.
UpdateStatistics Scaled(const UpdateStatistics& statistics, std::span<const double> scales);

}  // namespace skerry::learning
