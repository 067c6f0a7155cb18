#include "learning/survival.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/check.h"
#include "base/exact_math.h"

namespace skerry::learning {
namespace {

// log(sum of exp(x)), in the order in which they come.
class LogSum {
 public:
  void Add(double x) {
    if (x > largest_) {
      sum_ = sum_ * exact::Exp(largest_ - x) + 1.0;
      largest_ = x;
    } else {
      sum_ += exact::Exp(x - largest_);  // NaN stays NaN
    }
  }
  double Value() const { return largest_ + exact::Log(sum_); }

 private:
  double largest_ = -std::numeric_limits<double>::max();
  double sum_ = 0;
};

// Rows by time, the longest first; of equal times in the order of the rows.
template <class T>
std::vector<uint32_t> ByTime(std::span<const T> labels) {
  std::vector<uint32_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return TimeOf(labels[a]) > TimeOf(labels[b]); });
  return order;
}

// The end of the rows with the same time as order[begin].
template <class T>
std::size_t EndOfTies(std::span<const T> labels, std::span<const uint32_t> order,
                      std::size_t begin) {
  std::size_t end = begin + 1;
  while (end < order.size() && TimeOf(labels[order[end]]) == TimeOf(labels[order[begin]])) ++end;
  return end;
}

// Counts of values by rank, with sums over all below (Fenwick, 1994).
class RankCounts {
 public:
  explicit RankCounts(std::size_t ranks) : tree_(ranks + 1) {}
  void Add(std::size_t rank) {
    for (std::size_t i = rank + 1; i < tree_.size(); i += i & (~i + 1)) ++tree_[i];
  }
  int64_t Below(std::size_t rank) const {
    int64_t count = 0;
    for (std::size_t i = rank; i > 0; i -= i & (~i + 1)) count += tree_[i];
    return count;
  }

 private:
  std::vector<int64_t> tree_;
};

// Of each row the place of its risk among the different risks.
template <class T>
std::vector<std::size_t> RanksOf(std::span<const T> risks, std::size_t* count) {
  std::vector<T> sorted;
  for (const T risk : risks) {
    if (risk == risk) sorted.push_back(risk);
  }
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<std::size_t> ranks;
  for (const T risk : risks) {
    ranks.push_back(static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), risk) -
                                             sorted.begin()));
  }
  *count = sorted.size();
  return ranks;
}

}  // namespace

float SurvivalLabel(double time, bool event) {
  return std::copysign(static_cast<float>(time), event ? 1.0F : -1.0F);
}
bool IsEvent(double label) { return !std::signbit(label); }
double TimeOf(double label) { return std::fabs(label); }

namespace {

template <class T>
double CoxLossOf(std::span<const T> risks, std::span<const T> labels, std::span<T> derivatives) {
  SKERRY_CHECK(risks.size() == labels.size());
  SKERRY_CHECK(derivatives.empty() || derivatives.size() == risks.size());
  if (risks.empty()) return 0;
  const auto rows = static_cast<double>(risks.size());
  const std::vector<uint32_t> order = ByTime(labels);
  std::vector<double> log_at_risk(order.size());  // of each row's risk set
  LogSum at_risk;
  double sum = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    const std::size_t end = EndOfTies(labels, order, begin);
    for (std::size_t i = begin; i < end; ++i) at_risk.Add(static_cast<double>(risks[order[i]]));
    for (std::size_t i = begin; i < end; ++i) {
      log_at_risk[i] = at_risk.Value();
      if (IsEvent(labels[order[i]])) sum += log_at_risk[i] - static_cast<double>(risks[order[i]]);
    }
    begin = end;
  }
  if (derivatives.empty()) return sum / rows;
  // A row is at risk in every event up to its own time: from the shortest on.
  LogSum events;  // of 1 / sum of exp(risk)
  bool any = false;
  for (std::size_t end = order.size(); end > 0;) {
    std::size_t begin = end - 1;
    while (begin > 0 && TimeOf(labels[order[begin - 1]]) == TimeOf(labels[order[end - 1]])) --begin;
    for (std::size_t i = begin; i < end; ++i) {
      if (!IsEvent(labels[order[i]])) continue;
      events.Add(-log_at_risk[i]);
      any = true;
    }
    const double log_events = any ? events.Value() : 0;
    for (std::size_t i = begin; i < end; ++i) {
      const uint32_t row = order[i];
      const double share = any ? exact::Exp(static_cast<double>(risks[row]) + log_events) : 0.0;
      derivatives[row] = static_cast<T>((share - (IsEvent(labels[row]) ? 1.0 : 0.0)) / rows);
    }
    end = begin;
  }
  return sum / rows;
}

template <class T>
Concordance CountPairsOf(std::span<const T> risks, std::span<const T> labels) {
  SKERRY_CHECK(risks.size() == labels.size());
  Concordance pairs;
  std::size_t num_ranks = 0;
  const std::vector<std::size_t> ranks = RanksOf(risks, &num_ranks);
  RankCounts later(num_ranks);  // rows that are known to come later
  int64_t num_later = 0;
  const auto is_number = [&](uint32_t row) { return risks[row] == risks[row]; };
  const auto add = [&](uint32_t row) {
    ++num_later;
    if (is_number(row)) later.Add(ranks[row]);
  };
  const std::vector<uint32_t> order = ByTime(labels);
  for (std::size_t begin = 0; begin < order.size();) {
    const std::size_t end = EndOfTies(labels, order, begin);
    for (std::size_t i = begin; i < end; ++i) {
      if (!IsEvent(labels[order[i]])) add(order[i]);
    }
    for (std::size_t i = begin; i < end; ++i) {
      const uint32_t row = order[i];
      if (!IsEvent(labels[row])) continue;
      pairs.comparable += num_later;
      if (!is_number(row)) continue;
      const int64_t below = later.Below(ranks[row]);
      pairs.concordant += below;
      pairs.tied += later.Below(ranks[row] + 1) - below;
    }
    for (std::size_t i = begin; i < end; ++i) {
      if (IsEvent(labels[order[i]])) add(order[i]);
    }
    begin = end;
  }
  return pairs;
}

}  // namespace

double CoxLoss(std::span<const float> risks, std::span<const float> labels,
               std::span<float> derivatives) {
  return CoxLossOf(risks, labels, derivatives);
}
double CoxLoss(std::span<const double> risks, std::span<const double> labels,
               std::span<double> derivatives) {
  return CoxLossOf(risks, labels, derivatives);
}
Concordance CountPairs(std::span<const float> risks, std::span<const float> labels) {
  return CountPairsOf(risks, labels);
}
Concordance CountPairs(std::span<const double> risks, std::span<const double> labels) {
  return CountPairsOf(risks, labels);
}

}  // namespace skerry::learning
