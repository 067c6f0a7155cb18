#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "learning/strategy.h"

namespace skerry::learning {

// Parameters [begin, begin + count).
struct ParameterRange {
  int64_t begin = 0;
  int64_t count = 0;
};

// `strategy`, but that parameters in `statistics` (in order, apart from each other) get
// Strategy::ApplyToStatistics and no state: they are measured, not trained, and momentum or a rate
// of the coordinator's own would carry a variance below 0. The strategy itself if there are none.
std::unique_ptr<Strategy> AverageStatistics(std::unique_ptr<Strategy> strategy,
                                            std::vector<ParameterRange> statistics);

}  // namespace skerry::learning
