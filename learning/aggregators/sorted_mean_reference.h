#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "learning/aggregators/order_statistics.h"

namespace skerry::learning {

// What SortedMean() computes, with one std::sort for each element: slow, and what the fast one is
// compared with. T is float, or double for comparison with other programs.
template <class T>
void SortedMeanReference(std::span<const std::span<const T>> rows, Places places,
                         std::span<double> out) {
  const auto before = [](T a, T b) {  // -0 before +0
    return a < b || (a == b && std::signbit(a) && !std::signbit(b));
  };
  std::vector<T> column(rows.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (std::size_t k = 0; k < rows.size(); ++k) column[k] = rows[k][i];
    std::sort(column.begin(), column.end(), before);
    double sum = 0;
    for (std::size_t k = places.first; k < places.last; ++k) sum += static_cast<double>(column[k]);
    out[i] = sum / static_cast<double>(places.last - places.first);
  }
}

}  // namespace skerry::learning
