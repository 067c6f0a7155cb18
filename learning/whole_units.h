#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace skerry::learning {

// Sums over rows in whole units: those of many sites are those of all rows in one place, exactly,
// in whatever order they are added.

// Bits that numbers up to 1 may have behind the point, so that their sum over `rows` rows is below
// 2^39 units: a result may hold 2^42, and sites may come to have more rows than they had when the
// units were chosen.
inline int BitsForSums(int64_t rows) {
  constexpr int kBits = 39;
  int needed = 0;
  while (needed < kBits - 4 && (int64_t{1} << needed) < rows) ++needed;
  return kBits - needed;
}

// Adds numbers in whole units, so small ones that no sum over `rows` rows overflows.
class WholeUnits {
 public:
  explicit WholeUnits(int64_t rows)
      : most_(0x1p60 / static_cast<double>(std::max<int64_t>(rows, 1))) {}

  // False: the number is too large for the unit, or is none.
  bool Add(double value, double unit, int64_t& sum) const {
    const double units = value / unit;
    if (!(std::fabs(units) <= most_)) return false;
    sum += std::llrint(units);
    return true;
  }

 private:
  const double most_;
};

}  // namespace skerry::learning
