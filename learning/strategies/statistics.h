#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "learning/strategy.h"

// Parameters that are measured, not trained.
namespace skerry::learning {

// `strategy`, but that parameters in `statistics` (in order, apart from each other) get
// Strategy::ApplyToStatistics and no state: momentum, a rate of the coordinator's own or updates of
// older versions would carry a variance below 0. The strategy itself if there are none.
std::unique_ptr<Strategy> AverageStatistics(std::unique_ptr<Strategy> strategy,
                                            std::vector<ParameterRange> statistics);

// The aggregate of a section over the block that begins with parameter `first`, by the strategy's
// rule and `coefficients`. Where the rule judges updates by norms and distances, statistics become
// the median of all sites': those are no part of what it measures, so a site that it takes may say
// any variance.
void ReduceBlock(const Strategy& strategy, int64_t first,
                 std::span<const std::span<const float>> rows, const Coefficients& coefficients,
                 std::span<double> out);
void ReduceBlock(const Strategy& strategy, int64_t first,
                 std::span<const std::span<const double>> rows, const Coefficients& coefficients,
                 std::span<double> out);

// Calls part(begin, size, measured) for the pieces of parameters [first, first + count) that are in
// `statistics` or between them; `begin` counts from `first`.
template <class F>
void ForEachPart(std::span<const ParameterRange> statistics, int64_t first, std::size_t count,
                 const F& part) {
  const int64_t end = first + static_cast<int64_t>(count);
  int64_t at = first;
  const auto go_to = [&](int64_t to, bool measured) {
    if (at < to) {
      part(static_cast<std::size_t>(at - first), static_cast<std::size_t>(to - at), measured);
    }
    at = std::max(at, to);
  };
  for (const ParameterRange& range : statistics) {
    go_to(std::min(range.begin, end), false);
    go_to(std::min(range.begin + range.count, end), true);
  }
  go_to(end, false);
}

}  // namespace skerry::learning
