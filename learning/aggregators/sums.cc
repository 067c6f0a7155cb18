#include "base/check.h"
#include "learning/aggregator.h"

namespace skerry::learning {

void AddF64(std::span<const double> values, std::span<double> sum) {
  SKERRY_CHECK(values.size() == sum.size());
  const double* from = values.data();
  double* to = sum.data();
  for (std::size_t i = 0; i < sum.size(); ++i) to[i] += from[i];
}

Status AddI64(std::span<const int64_t> values, std::span<int64_t> sum) {
  SKERRY_CHECK(values.size() == sum.size());
  for (std::size_t i = 0; i < sum.size(); ++i) {
    int64_t unused = 0;
    if (__builtin_add_overflow(sum[i], values[i], &unused)) {
      return OutOfRange("element " + std::to_string(i) + ": the sum of " + std::to_string(sum[i]) +
                        " and " + std::to_string(values[i]) + " does not fit into 64 bits");
    }
  }
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
  return OkStatus();
}

}  // namespace skerry::learning
