#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "learning/aggregators/all.h"
#include "learning/aggregators/order_statistics.h"

namespace skerry::learning {
namespace {

constexpr int64_t kMostSorted = 65535;  // selection_network.h
Status CheckSortable(int64_t n) {
  if (n <= kMostSorted) return OkStatus();
  return FailedPrecondition("a rule that sorts updates takes at most " +
                            std::to_string(kMostSorted) + "; there may be " + std::to_string(n))
      .WithHint("lower participation.sites_per_round");
}

// A rule that sorts the values of each coordinate and takes the mean of those at some places. Every
// site counts the same: the number of examples that a site claims must not move it.
class OrderRule : public Aggregator {
 public:
  Result<Coefficients> Weigh(std::span<const UpdateInfo> updates) const override {
    const std::size_t n = updates.size();
    SKERRY_RETURN_IF_ERROR(CheckNumUpdates(static_cast<int64_t>(n)));
    return Coefficients{std::vector<double>(n, 1.0), std::vector<double>(n, 1.0),
                        std::vector<bool>(n, true)};
  }

  void Reduce(std::span<const std::span<const float>> rows, const Coefficients& coefficients,
              std::span<double> out) const override {
    const RowsInUse<float> used(rows, coefficients);
    SortedMean(used.rows(), PlacesOf(used.rows().size()), out);
  }
  bool TakesF64() const override { return true; }
  void ReduceF64(std::span<const std::span<const double>> rows, const Coefficients& coefficients,
                 std::span<double> out) const override {
    const RowsInUse<double> used(rows, coefficients);
    SortedMean(used.rows(), PlacesOf(used.rows().size()), out);
  }

  bool TrimsCoordinates() const override { return true; }
  void MarkLeftOut(std::span<const double> values, std::span<char> marks) const override {
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    const Places places = PlacesOf(sorted.size());
    const double least = sorted[places.first];
    const double most = sorted[places.last - 1];
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (values[k] < least || values[k] > most) marks[k] = 1;
    }
  }

 private:
  virtual Places PlacesOf(std::size_t n) const = 0;
};

class Median final : public OrderRule {
 public:
  Status CheckNumUpdates(int64_t n) const override {
    SKERRY_RETURN_IF_ERROR(CheckSortable(n));
    return n >= 1 ? OkStatus() : FailedPrecondition("there is no update to take the median of");
  }
  std::string WeaknessOf(int64_t n) const override {
    if (n >= 3) return "";
    return "the median of " + std::to_string(n) + " updates is their mean: one site can move it";
  }

 private:
  Places PlacesOf(std::size_t n) const override { return {(n - 1) / 2, n / 2 + 1}; }
};

class TrimmedMean final : public OrderRule {
 public:
  explicit TrimmedMean(double trim) : trim_(trim) {}

  Status CheckNumUpdates(int64_t n) const override {
    SKERRY_RETURN_IF_ERROR(CheckSortable(n));
    const int64_t left = n - 2 * Trimmed(n);
    if (n >= 1 && left >= 1) return OkStatus();
    return FailedPrecondition("a trimmed mean with trim " + FormatExact(trim_) +
                              " leaves nothing of " + std::to_string(n) + " updates")
        .WithHint("lower aggregation.trim, or raise participation.quorum");
  }
  std::string WeaknessOf(int64_t n) const override {
    if (Trimmed(n) > 0 || trim_ == 0) return "";
    return "trim " + FormatExact(trim_) + " takes nothing from " + std::to_string(n) +
           " updates: one site can move their mean";
  }

 private:
  int64_t Trimmed(int64_t n) const {
    return static_cast<int64_t>(std::floor(trim_ * static_cast<double>(n)));
  }
  Places PlacesOf(std::size_t n) const override {
    const auto trimmed = static_cast<std::size_t>(Trimmed(static_cast<int64_t>(n)));
    return {trimmed, n - trimmed};
  }

  const double trim_;
};

}  // namespace

std::unique_ptr<Aggregator> MakeMedian() { return std::make_unique<Median>(); }

Result<std::unique_ptr<Aggregator>> MakeTrimmedMean(double trim) {
  if (!(trim >= 0 && trim <= 0.5)) {
    return InvalidArgument("aggregation.trim: must be at least 0 and at most 0.5");
  }
  return std::unique_ptr<Aggregator>(std::make_unique<TrimmedMean>(trim));
}

}  // namespace skerry::learning
