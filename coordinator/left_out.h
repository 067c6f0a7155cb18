#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "learning/aggregator.h"

namespace skerry::coordinator {

// In how many coordinates a rule that looks at each by itself leaves the value of a site out:
// counted in up to 16 Ki of them, evenly spread, so that it costs next to nothing beside the sum.
// Counts are whole numbers: the order in which blocks come does not matter. Thread-safe.
class LeftOutCounter {
 public:
  // All must outlive it. Counts nothing for a rule that does not trim coordinates.
  LeftOutCounter(const learning::Aggregator& aggregator, const learning::Coefficients& coefficients,
                 int64_t num_elements);

  // Rows of a block that begins at element `first`, as Reduce() gets them. T: float or double.
  template <class T>
  void Look(int64_t first, std::span<const std::span<const T>> rows);
  // Per site, of the coordinates that were looked at; empty when nothing was counted. Of a site
  // that is not in use: 1.
  std::vector<double> Shares() const;

 private:
  const learning::Aggregator& aggregator_;
  const learning::Coefficients& coefficients_;
  const int64_t stride_;
  std::vector<std::atomic<int64_t>> left_out_;  // per site in use
  std::atomic<int64_t> looked_at_{0};
};

}  // namespace skerry::coordinator
