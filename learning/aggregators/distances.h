#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "learning/aggregator.h"

namespace skerry::learning {

// Measures updates against each other, part by part, in memory that does not grow with them. Each
// sum has 8 fixed lanes: lane l takes elements l, l + 8, ... Not thread-safe; one for each block.
class DistanceMeter {
 public:
  explicit DistanceMeter(std::size_t num_rows);
  // The next elements of every row. All parts but the last have a multiple of 8.
  void Add(std::span<const std::span<const float>> rows);
  void Add(std::span<const std::span<const double>> rows);
  // Adds what was measured to `statistics`, which has as many rows.
  void AddTo(UpdateStatistics& statistics) const;

 private:
  template <class T>
  void AddRows(std::span<const std::span<const T>> rows);

  const std::size_t num_rows_;
  std::vector<double> lanes_;  // 8 for each row's norm, then for each pair (i, j), i < j
};

}  // namespace skerry::learning
