// Rules that judge updates by their norms and distances, and then take a mean of them.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "learning/aggregators/all.h"
#include "learning/aggregators/distance_rules.h"
#include "learning/aggregators/order_statistics.h"

namespace skerry::learning {
namespace {

constexpr int kMedianIterations = 100;  // it converges long before, and each costs next to nothing
constexpr int kClippingIterations = 3;

std::string Updates(int64_t n) { return std::to_string(n) + " updates"; }

// A distance for each two of them, and passes over all of these.
constexpr int64_t kMostCompared = 1000;
Status CheckComparable(int64_t n) {
  if (n <= kMostCompared) return OkStatus();
  return FailedPrecondition("a rule that compares updates takes at most " + Updates(kMostCompared) +
                            "; there may be " + std::to_string(n))
      .WithHint("lower participation.sites_per_round, or choose the rule median or trimmed_mean");
}

Coefficients Unweighted(std::size_t n) {
  return {std::vector<double>(n, 1.0), std::vector<double>(n, 1.0), std::vector<bool>(n, true)};
}

// Treatments with the norms; those of a rule inside of another are kept.
void TellNorms(const UpdateStatistics& statistics, std::vector<Treatment>& treatments) {
  treatments.resize(statistics.size());
  for (std::size_t k = 0; k < treatments.size(); ++k) {
    treatments[k].norm = std::sqrt(statistics.squared_norm[k]);
  }
}

// Needs one pass over all updates before the one that reduces them.
class JudgingRule : public Aggregator {
 public:
  bool NeedsStatistics() const override { return true; }
  Status CheckNumUpdates(int64_t n) const override { return CheckComparable(n); }
  Result<Coefficients> Weigh(std::span<const UpdateInfo> updates) const override {
    SKERRY_RETURN_IF_ERROR(CheckNumUpdates(static_cast<int64_t>(updates.size())));
    return Unweighted(updates.size());
  }
  void Reduce(std::span<const std::span<const float>> rows, const Coefficients& coefficients,
              std::span<double> out) const override {
    MeanAggregator().Reduce(rows, coefficients, out);
  }
  bool TakesF64() const override { return true; }
  void ReduceF64(std::span<const std::span<const double>> rows, const Coefficients& coefficients,
                 std::span<double> out) const override {
    MeanAggregator().ReduceF64(rows, coefficients, out);
  }
};

// Those that stand against a number of attackers, by taking no more than some updates.
class SelectingRule : public JudgingRule {
 public:
  SelectingRule(int64_t attackers, int64_t factor, const char* name)
      : attackers_(attackers), factor_(factor), name_(name) {}

  Status CheckNumUpdates(int64_t n) const override {
    SKERRY_RETURN_IF_ERROR(CheckComparable(n));
    const int64_t least = factor_ * attackers_ + 3;
    if (n >= least) return OkStatus();
    return FailedPrecondition(std::string(name_) +
                              " against aggregation.attackers = " + std::to_string(attackers_) +
                              " needs " + Updates(least) + "; there are " + std::to_string(n))
        .WithHint("lower aggregation.attackers, or raise participation.quorum");
  }
  Result<Coefficients> Judge(const UpdateStatistics& statistics, Coefficients in) const override {
    SKERRY_RETURN_IF_ERROR(CheckNumUpdates(static_cast<int64_t>(statistics.size())));
    in.use.assign(statistics.size(), false);
    for (const std::size_t k : Select(statistics)) in.use[k] = true;
    TellNorms(statistics, in.treatments);
    std::vector<std::size_t> all(statistics.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const std::vector<double> scores = KrumScores(statistics, all, attackers_);
    for (std::size_t k = 0; k < all.size(); ++k) {
      in.treatments[k].selected = in.use[k];
      in.treatments[k].score = scores[k];
    }
    return in;
  }

 protected:
  const int64_t attackers_;

 private:
  virtual std::vector<std::size_t> Select(const UpdateStatistics& statistics) const = 0;

  const int64_t factor_;
  const char* const name_;
};

class MultiKrum final : public SelectingRule {
 public:
  // `select` of 0: all but the attackers.
  MultiKrum(int64_t attackers, int64_t select, const char* name)
      : SelectingRule(attackers, 2, name), select_(select) {}

  Status CheckNumUpdates(int64_t n) const override {
    SKERRY_RETURN_IF_ERROR(SelectingRule::CheckNumUpdates(n));
    if (select_ <= n) return OkStatus();
    return FailedPrecondition("aggregation.select is " + std::to_string(select_) +
                              "; there are only " + Updates(n));
  }

 private:
  std::vector<std::size_t> Select(const UpdateStatistics& statistics) const override {
    const auto n = static_cast<int64_t>(statistics.size());
    const int64_t count = select_ == 0 ? n - attackers_ : select_;
    return KrumSelection(statistics, attackers_, static_cast<std::size_t>(count));
  }

  const int64_t select_;
};

class Bulyan final : public SelectingRule {
 public:
  explicit Bulyan(int64_t attackers) : SelectingRule(attackers, 4, "bulyan") {}

  void Reduce(std::span<const std::span<const float>> rows, const Coefficients& coefficients,
              std::span<double> out) const override {
    const RowsInUse<float> used(rows, coefficients);
    ClosestToMedianMean(used.rows(), Kept(used.rows().size()), out);
  }
  void ReduceF64(std::span<const std::span<const double>> rows, const Coefficients& coefficients,
                 std::span<double> out) const override {
    const RowsInUse<double> used(rows, coefficients);
    ClosestToMedianMean(used.rows(), Kept(used.rows().size()), out);
  }

  bool TrimsCoordinates() const override { return true; }
  void MarkLeftOut(std::span<const double> values, std::span<char> marks) const override {
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    const std::size_t n = sorted.size();
    const double median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    std::vector<double> distances;
    for (const double value : values) distances.push_back(std::fabs(value - median));
    std::vector<double> ranked = distances;
    std::sort(ranked.begin(), ranked.end());
    for (std::size_t k = 0; k < n; ++k) marks[k] = distances[k] > ranked[Kept(n) - 1] ? 1 : 0;
  }

 private:
  std::size_t Kept(std::size_t n) const { return n - 2 * static_cast<std::size_t>(attackers_); }
  std::vector<std::size_t> Select(const UpdateStatistics& statistics) const override {
    return BulyanSelection(statistics, attackers_);
  }
};

class GeometricMedian final : public JudgingRule {
 public:
  Result<Coefficients> Weigh(std::span<const UpdateInfo> updates) const override {
    return MeanAggregator().Weigh(updates);
  }
  Result<Coefficients> Judge(const UpdateStatistics& statistics, Coefficients in) const override {
    in.weight = GeometricMedianShares(statistics, in.weight, kMedianIterations);
    TellNorms(statistics, in.treatments);
    for (std::size_t k = 0; k < in.weight.size(); ++k) in.treatments[k].share = in.weight[k];
    return in;
  }
  std::string WeaknessOf(int64_t n) const override {
    if (n >= 3) return "";
    return "the geometric median of " + Updates(n) + " lies where the larger site wants it";
  }
};

class CenteredClipping final : public JudgingRule {
 public:
  explicit CenteredClipping(double radius) : radius_(radius) {}

  Result<Coefficients> Judge(const UpdateStatistics& statistics, Coefficients in) const override {
    in.scale = CenteredClippingFactors(statistics, radius_, kClippingIterations);
    for (double& factor : in.scale) factor *= static_cast<double>(in.scale.size());  // of a mean
    TellNorms(statistics, in.treatments);
    // More than 1 says only that others were shortened.
    for (std::size_t k = 0; k < in.scale.size(); ++k) {
      in.treatments[k].factor = std::min(1.0, in.scale[k]);
    }
    return in;
  }

 private:
  const double radius_;
};

// Another rule, over updates of which none is longer than a limit.
class NormClipping final : public Aggregator {
 public:
  NormClipping(std::unique_ptr<Aggregator> rule, double limit)
      : rule_(std::move(rule)), limit_(limit) {}

  Status CheckNumUpdates(int64_t n) const override {
    SKERRY_RETURN_IF_ERROR(CheckComparable(n));
    return rule_->CheckNumUpdates(n);
  }
  std::string WeaknessOf(int64_t n) const override { return rule_->WeaknessOf(n); }
  bool NeedsStatistics() const override { return true; }
  Result<Coefficients> Weigh(std::span<const UpdateInfo> updates) const override {
    return rule_->Weigh(updates);
  }
  Result<Coefficients> Judge(const UpdateStatistics& statistics, Coefficients in) const override {
    const std::vector<double> scales = ClippingScales(statistics, limit_);
    SKERRY_ASSIGN_OR_RETURN(Coefficients out,
                            rule_->Judge(Scaled(statistics, scales), std::move(in)));
    TellNorms(statistics, out.treatments);
    for (std::size_t k = 0; k < scales.size(); ++k) {
      out.scale[k] *= scales[k];
      out.treatments[k].factor = out.treatments[k].factor.value_or(1) * scales[k];
    }
    return out;
  }
  bool TrimsCoordinates() const override { return rule_->TrimsCoordinates(); }
  void MarkLeftOut(std::span<const double> values, std::span<char> marks) const override {
    rule_->MarkLeftOut(values, marks);
  }
  void Reduce(std::span<const std::span<const float>> rows, const Coefficients& coefficients,
              std::span<double> out) const override {
    rule_->Reduce(rows, coefficients, out);
  }
  bool TakesF64() const override { return rule_->TakesF64(); }
  void ReduceF64(std::span<const std::span<const double>> rows, const Coefficients& coefficients,
                 std::span<double> out) const override {
    rule_->ReduceF64(rows, coefficients, out);
  }

 private:
  const std::unique_ptr<Aggregator> rule_;
  const double limit_;
};

Status CheckAttackers(int64_t attackers) {
  if (attackers >= 0 && attackers <= 1'000'000) return OkStatus();
  return InvalidArgument("aggregation.attackers: must be at least 0");
}

}  // namespace

Result<std::unique_ptr<Aggregator>> MakeKrum(int64_t attackers) {
  SKERRY_RETURN_IF_ERROR(CheckAttackers(attackers));
  return std::unique_ptr<Aggregator>(std::make_unique<MultiKrum>(attackers, 1, "krum"));
}

Result<std::unique_ptr<Aggregator>> MakeMultiKrum(int64_t attackers, int64_t select) {
  SKERRY_RETURN_IF_ERROR(CheckAttackers(attackers));
  if (select < 0) return InvalidArgument("aggregation.select: must be at least 1");
  return std::unique_ptr<Aggregator>(std::make_unique<MultiKrum>(attackers, select, "multi_krum"));
}

Result<std::unique_ptr<Aggregator>> MakeBulyan(int64_t attackers) {
  SKERRY_RETURN_IF_ERROR(CheckAttackers(attackers));
  return std::unique_ptr<Aggregator>(std::make_unique<Bulyan>(attackers));
}

std::unique_ptr<Aggregator> MakeGeometricMedian() { return std::make_unique<GeometricMedian>(); }

Result<std::unique_ptr<Aggregator>> MakeCenteredClipping(double radius) {
  if (!(radius > 0)) return InvalidArgument("aggregation.radius: must be over 0");
  return std::unique_ptr<Aggregator>(std::make_unique<CenteredClipping>(radius));
}

std::unique_ptr<Aggregator> WithNormClipping(std::unique_ptr<Aggregator> rule, double limit) {
  return std::make_unique<NormClipping>(std::move(rule), limit);
}

}  // namespace skerry::learning
