#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "learning/aggregator.h"

namespace skerry::learning {

// The values at places [first, last) when all are in ascending order, counted from 0.
struct Places {
  std::size_t first = 0;
  std::size_t last = 0;
  bool operator==(const Places&) const = default;
};

// out[i] is the mean of the values at `places` among rows[0][i], rows[1][i], ...: added in
// ascending order in double, from 0, and divided once. -0 stands before +0, so the order is total
// and the bits do not depend on the order of the rows. Values must be finite, rows as long as
// `out`, and first < last <= rows.size(). Pure, thread-safe.
void SortedMean(std::span<const std::span<const float>> rows, Places places, std::span<double> out);
// The same of doubles, one std::sort for each element.
void SortedMean(std::span<const std::span<const double>> rows, Places places,
                std::span<double> out);

// out[i] is the mean of the `keep` values of a column that are closest to their median, added in
// ascending order; of two equally close the smaller is kept. Otherwise as above. keep >= 1.
void ClosestToMedianMean(std::span<const std::span<const float>> rows, std::size_t keep,
                         std::span<double> out);
void ClosestToMedianMean(std::span<const std::span<const double>> rows, std::size_t keep,
                         std::span<double> out);
// The same of one column, which is in ascending order.
double MeanAroundMedian(std::span<const double> column, std::size_t keep);

// The rows of sites in use, each multiplied by its site's scale and rounded, if that is not 1. The
// coefficients' weights do not matter here. T: float or double.
template <class T>
class RowsInUse {
 public:
  RowsInUse(std::span<const std::span<const T>> rows, const Coefficients& coefficients);
  std::span<const std::span<const T>> rows() const { return rows_; }

 private:
  std::vector<std::span<const T>> rows_;
  std::vector<std::vector<T>> scaled_;
};

}  // namespace skerry::learning
