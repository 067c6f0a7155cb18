#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "learning/aggregators/order_statistics.h"

namespace skerry::learning {

// A total order of finite numbers: -0 before +0.
template <class T>
bool IsBefore(T a, T b) {
  return a < b || (a == b && std::signbit(a) && !std::signbit(b));
}

// What SortedMean() computes, with one std::sort for each element: that of doubles, and what the
// fast one of floats is compared with.
template <class T>
void SortedMeanReference(std::span<const std::span<const T>> rows, Places places,
                         std::span<double> out) {
  std::vector<T> column(rows.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (std::size_t k = 0; k < rows.size(); ++k) column[k] = rows[k][i];
    std::sort(column.begin(), column.end(), IsBefore<T>);
    double sum = 0;
    for (std::size_t k = places.first; k < places.last; ++k) sum += static_cast<double>(column[k]);
    out[i] = sum / static_cast<double>(places.last - places.first);
  }
}

}  // namespace skerry::learning
