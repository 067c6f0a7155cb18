#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "learning/aggregators/order_statistics.h"

namespace skerry::learning {

// Puts the smaller of two places' values at `low`, the larger at `high`.
struct Exchange {
  uint16_t low = 0;
  uint16_t high = 0;
};

// Exchanges that sort `size` values, whatever they are: many columns can go through them at once.
// Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M). Calls
// take(Exchange) for each, in order. `size` is at most 65535.
template <class Take>
constexpr void VisitSortingNetwork(std::size_t size, Take take) {
  if (size < 2) return;
  const std::size_t top = std::bit_ceil(size) / 2;
  for (std::size_t p = top; p > 0; p /= 2) {
    std::size_t r = 0;
    std::size_t distance = p;
    for (std::size_t q = top;; q /= 2) {
      for (std::size_t i = 0; i + distance < size; ++i) {
        if ((i & p) != r) continue;
        take(Exchange{static_cast<uint16_t>(i), static_cast<uint16_t>(i + distance)});
      }
      if (q == p) break;
      distance = q - p;
      r = p;
    }
  }
}

// The same, without the exchanges that none of `places` depends on: after it those hold what they
// hold when all values are sorted.
std::vector<Exchange> SelectionNetwork(std::size_t size, Places places);

}  // namespace skerry::learning
