#include "learning/strategies/statistics.h"

#include <algorithm>
#include <utility>

namespace skerry::learning {
namespace {

class WithStatistics final : public Strategy {
 public:
  WithStatistics(std::unique_ptr<Strategy> trained, std::vector<ParameterRange> statistics)
      : trained_(std::move(trained)), statistics_(std::move(statistics)) {}

  const Aggregator& aggregator() const override { return trained_->aggregator(); }
  std::vector<StateVector> StateVectors() const override { return trained_->StateVectors(); }
  std::vector<std::string> Sections() const override { return trained_->Sections(); }
  bool NeedsBases() const override { return trained_->NeedsBases(); }
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

  void Apply(const RoundBlock& block, const RoundScalars& scalars) const override {
    const int64_t end = block.first + static_cast<int64_t>(block.parameters.size());
    int64_t at = block.first;
    for (const ParameterRange& range : statistics_) {
      const int64_t begin = std::clamp(range.begin, at, end);
      const int64_t behind = std::clamp(range.begin + range.count, begin, end);
      ApplyTo(block, at, begin, scalars, false);
      ApplyTo(block, begin, behind, scalars, true);
      at = behind;
    }
    ApplyTo(block, at, end, scalars, false);
  }

 private:
  void ApplyTo(const RoundBlock& block, int64_t begin, int64_t end, const RoundScalars& scalars,
               bool statistics) const {
    if (begin == end) return;
    const auto part = [&](auto span) {
      return span.subspan(static_cast<std::size_t>(begin - block.first),
                          static_cast<std::size_t>(end - begin));
    };
    std::vector<std::span<const double>> reduced;
    for (const auto& span : block.reduced) reduced.push_back(part(span));
    std::vector<std::span<double>> state;
    for (const auto& span : block.state) state.push_back(part(span));
    const RoundBlock of = {reduced, part(block.parameters), state, begin};
    if (statistics) {
      trained_->ApplyToStatistics(of, scalars);
    } else {
      trained_->Apply(of, scalars);
    }
  }

  const std::unique_ptr<Strategy> trained_;
  const std::vector<ParameterRange> statistics_;
};

}  // namespace

std::unique_ptr<Strategy> AverageStatistics(std::unique_ptr<Strategy> strategy,
                                            std::vector<ParameterRange> statistics) {
  if (statistics.empty()) return strategy;
  return std::make_unique<WithStatistics>(std::move(strategy), std::move(statistics));
}

}  // namespace skerry::learning
