#include "learning/intervals.h"

#include <algorithm>

#include "base/exact_math.h"

namespace skerry::learning {
namespace {

constexpr double kZ = 1.959963984540054;  // 97.5 % of the normal distribution are below

Interval Around(double middle, double half) {
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

}  // namespace

Interval WilsonInterval(double share, int64_t num_rows) {
  const auto n = static_cast<double>(num_rows);
  const double shrink = 1 + kZ * kZ / n;
  const double middle = (share + kZ * kZ / (2 * n)) / shrink;
  const double variance = share * (1 - share) / n + kZ * kZ / (4 * n * n);
  return Around(middle, kZ * exact::Sqrt(std::max(0.0, variance)) / shrink);
}

Interval HanleyMcNeilInterval(double auc, int64_t num_positive, int64_t num_negative) {
  const auto positive = static_cast<double>(num_positive);
  const auto negative = static_cast<double>(num_negative);
  const double square = auc * auc;
  const double two_positive = auc / (2 - auc);  // two positives rank above one negative
  const double two_negative = 2 * square / (1 + auc);
  const double variance = (auc * (1 - auc) + (positive - 1) * (two_positive - square) +
                           (negative - 1) * (two_negative - square)) /
                          (positive * negative);
  return Around(auc, kZ * exact::Sqrt(std::max(0.0, variance)));
}

}  // namespace skerry::learning
