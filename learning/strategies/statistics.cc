#include "learning/strategies/statistics.h"

#include <type_traits>
#include <utility>

#include "learning/aggregators/all.h"

namespace skerry::learning {
namespace {

class WithStatistics final : public Strategy {
 public:
  WithStatistics(std::unique_ptr<Strategy> trained, std::vector<ParameterRange> statistics)
      : trained_(std::move(trained)), statistics_(std::move(statistics)) {}

  const Aggregator& aggregator() const override { return trained_->aggregator(); }
  std::vector<StateVector> StateVectors() const override { return trained_->StateVectors(); }
  std::vector<std::string> Sections() const override { return trained_->Sections(); }
  bool NeedsBases() const override {
    return trained_->NeedsBases() || trained_->StatisticsNeedBases();
  }
  bool KeepsSiteState() const override { return trained_->KeepsSiteState(); }
  bool NeedsNorms() const override { return trained_->NeedsNorms(); }
  Status CheckScalars(const std::map<std::string, double>& scalars) const override {
    return trained_->CheckScalars(scalars);
  }
  Result<RoundScalars> Prepare(const RoundContext& context,
                               std::span<const UpdateInfo> counted) const override {
    return trained_->Prepare(context, counted);
  }
  Result<Coefficients> Weigh(std::span<const UpdateInfo> counted) const override {
    return trained_->Weigh(counted);
  }

  std::span<const ParameterRange> Statistics() const override { return statistics_; }

  void Apply(const RoundBlock& block, const RoundScalars& scalars) const override {
    ForEachPart(statistics_, block.first, block.parameters.size(),
                [&](std::size_t begin, std::size_t size, bool measured) {
                  ApplyTo(block, begin, size, scalars, measured);
                });
  }

 private:
  void ApplyTo(const RoundBlock& block, std::size_t begin, std::size_t size,
               const RoundScalars& scalars, bool measured) const {
    std::vector<std::span<const double>> reduced;
    for (const auto& span : block.reduced) reduced.push_back(span.subspan(begin, size));
    std::vector<std::span<double>> state;
    for (const auto& span : block.state) state.push_back(span.subspan(begin, size));
    const RoundBlock of = {reduced, block.parameters.subspan(begin, size), state,
                           block.first + static_cast<int64_t>(begin)};
    if (measured) {
      trained_->ApplyToStatistics(of, scalars);
    } else {
      trained_->Apply(of, scalars);
    }
  }

  const std::unique_ptr<Strategy> trained_;
  const std::vector<ParameterRange> statistics_;
};

template <class T>
void Reduce(const Aggregator& rule, std::span<const std::span<const T>> rows,
            const Coefficients& coefficients, std::span<double> out) {
  if constexpr (std::is_same_v<T, double>) {
    rule.ReduceF64(rows, coefficients, out);
  } else {
    rule.Reduce(rows, coefficients, out);
  }
}

template <class T>
void ReduceParts(const Strategy& strategy, int64_t first, std::span<const std::span<const T>> rows,
                 const Coefficients& coefficients, std::span<double> out) {
  static const std::unique_ptr<Aggregator> median = MakeMedian();
  const std::size_t n = rows.size();
  const Coefficients alike = {std::vector<double>(n, 1.0), std::vector<double>(n, 1.0),
                              std::vector<bool>(n, true)};
  ForEachPart(strategy.Statistics(), first, out.size(),
              [&](std::size_t begin, std::size_t size, bool measured) {
                std::vector<std::span<const T>> parts;
                for (const auto& row : rows) parts.push_back(row.subspan(begin, size));
                Reduce<T>(measured ? *median : strategy.aggregator(), parts,
                          measured ? alike : coefficients, out.subspan(begin, size));
              });
}

template <class T>
void ReduceAll(const Strategy& strategy, int64_t first, std::span<const std::span<const T>> rows,
               const Coefficients& coefficients, std::span<double> out) {
  if (strategy.aggregator().NeedsStatistics() && !strategy.Statistics().empty()) {
    ReduceParts(strategy, first, rows, coefficients, out);
  } else {
    Reduce(strategy.aggregator(), rows, coefficients, out);
  }
}

}  // namespace

std::unique_ptr<Strategy> AverageStatistics(std::unique_ptr<Strategy> strategy,
                                            std::vector<ParameterRange> statistics) {
  if (statistics.empty()) return strategy;
  return std::make_unique<WithStatistics>(std::move(strategy), std::move(statistics));
}

void ReduceBlock(const Strategy& strategy, int64_t first,
                 std::span<const std::span<const float>> rows, const Coefficients& coefficients,
                 std::span<double> out) {
  ReduceAll(strategy, first, rows, coefficients, out);
}

void ReduceBlock(const Strategy& strategy, int64_t first,
                 std::span<const std::span<const double>> rows, const Coefficients& coefficients,
                 std::span<double> out) {
  ReduceAll(strategy, first, rows, coefficients, out);
}

}  // namespace skerry::learning
