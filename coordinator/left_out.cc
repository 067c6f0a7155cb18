#include "coordinator/left_out.h"

#include <algorithm>

namespace skerry::coordinator {
namespace {

constexpr int64_t kMostLookedAt = 16 * 1024;

int64_t NumInUse(const learning::Coefficients& coefficients) {
  return std::count(coefficients.use.begin(), coefficients.use.end(), true);
}

}  // namespace

LeftOutCounter::LeftOutCounter(const learning::Aggregator& aggregator,
                               const learning::Coefficients& coefficients, int64_t num_elements)
    : aggregator_(aggregator),
      coefficients_(coefficients),
      stride_(std::max<int64_t>(1, (num_elements + kMostLookedAt - 1) / kMostLookedAt)),
      left_out_(aggregator.TrimsCoordinates() ? static_cast<std::size_t>(NumInUse(coefficients))
                                              : 0) {}

template <class T>
void LeftOutCounter::Look(int64_t first, std::span<const std::span<const T>> rows) {
  if (left_out_.empty() || rows.empty()) return;
  const auto size = static_cast<int64_t>(rows.front().size());
  std::vector<double> values(left_out_.size());
  std::vector<int64_t> counts(left_out_.size());
  std::vector<char> marks(left_out_.size());
  int64_t looked_at = 0;
  for (int64_t i = (stride_ - first % stride_) % stride_; i < size; i += stride_, ++looked_at) {
    std::size_t used = 0;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      if (!coefficients_.use[k]) continue;
      const auto value = static_cast<double>(rows[k][static_cast<std::size_t>(i)]);
      values[used++] = static_cast<T>(coefficients_.scale[k] * value);  // as the rule rounds it
    }
    std::fill(marks.begin(), marks.end(), 0);
    aggregator_.MarkLeftOut(values, marks);
    for (std::size_t k = 0; k < marks.size(); ++k) counts[k] += marks[k];
  }
  for (std::size_t k = 0; k < counts.size(); ++k) left_out_[k] += counts[k];
  looked_at_ += looked_at;
}

template void LeftOutCounter::Look(int64_t, std::span<const std::span<const float>>);
template void LeftOutCounter::Look(int64_t, std::span<const std::span<const double>>);

std::vector<double> LeftOutCounter::Shares() const {
  std::vector<double> shares;
  if (left_out_.empty() || looked_at_ == 0) return shares;
  std::size_t used = 0;
  for (const bool in_use : coefficients_.use) {
    shares.push_back(
        in_use ? static_cast<double>(left_out_[used++]) / static_cast<double>(looked_at_) : 1.0);
  }
  return shares;
}

}  // namespace skerry::coordinator
