// Order statistics of one column at a time: those of doubles, and what both kinds share.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "learning/aggregators/order_statistics.h"
#include "learning/aggregators/sorted_mean_reference.h"

namespace skerry::learning {

void SortedMean(std::span<const std::span<const double>> rows, Places places,
                std::span<double> out) {
  SKERRY_CHECK(places.first < places.last && places.last <= rows.size());
  for (const std::span<const double> row : rows) SKERRY_CHECK(row.size() == out.size());
  SortedMeanReference(rows, places, out);
}

void ClosestToMedianMean(std::span<const std::span<const double>> rows, std::size_t keep,
                         std::span<double> out) {
  SKERRY_CHECK(keep >= 1 && keep <= rows.size());
  for (const std::span<const double> row : rows) SKERRY_CHECK(row.size() == out.size());
  std::vector<double> column(rows.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (std::size_t k = 0; k < rows.size(); ++k) column[k] = rows[k][i];
    std::sort(column.begin(), column.end(), IsBefore<double>);
    out[i] = MeanAroundMedian(column, keep);
  }
}

// The ends are left out, the farther one first.
double MeanAroundMedian(std::span<const double> column, std::size_t keep) {
  const std::size_t n = column.size();
  const double median = (column[(n - 1) / 2] + column[n / 2]) / 2;
  std::size_t first = 0;
  std::size_t last = n;
  while (last - first > keep) {
    if (median - column[first] > column[last - 1] - median) {
      ++first;
    } else {
      --last;
    }
  }
  double sum = 0;
  for (std::size_t k = first; k < last; ++k) sum += column[k];
  return sum / static_cast<double>(keep);
}

template <class T>
RowsInUse<T>::RowsInUse(std::span<const std::span<const T>> rows,
                        const Coefficients& coefficients) {
  SKERRY_CHECK(coefficients.use.size() == rows.size() && coefficients.scale.size() == rows.size());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (!coefficients.use[k]) continue;
    const double scale = coefficients.scale[k];
    if (scale == 1.0) {
      rows_.push_back(rows[k]);
      continue;
    }
    std::vector<T>& scaled = scaled_.emplace_back();
    for (const T value : rows[k]) {
      scaled.push_back(static_cast<T>(scale * static_cast<double>(value)));
    }
    rows_.emplace_back(scaled);
  }
}

template class RowsInUse<float>;
template class RowsInUse<double>;

}  // namespace skerry::learning
