#include <utility>

#include "learning/strategies/all.h"
#include "learning/strategies/mean_strategy.h"
#include "learning/strategies/staleness.h"

namespace skerry::learning {
namespace {

constexpr const char* kWeight = "weight";  // of the updates together; what is missing to 1 is w's

// Nguyen, Malik, Zhan, Yousefpour, Rabbat, Malek, Huba: "Federated learning with buffered
// asynchronous aggregation" (AISTATS 2022), algorithm 1: whenever Z updates have come, w <- w +
// eta sum(S(s_k) delta_k) / Z, where delta_k is relative to the version that site k began with and
// s_k says how many versions have been made since; S(s) = 1 / sqrt(1 + s) in the paper (section 5).
class FedBuff final : public MeanStrategy {
 public:
  FedBuff(Parts parts, v1::AsyncSpec spec, double rate)
      : MeanStrategy(std::move(parts)), spec_(std::move(spec)), rate_(rate) {}

  bool StatisticsNeedBases() const override { return true; }

  Result<RoundScalars> Prepare(const RoundContext& context,
                               std::span<const UpdateInfo> counted) const override {
    SKERRY_ASSIGN_OR_RETURN(RoundScalars scalars, Strategy::Prepare(context, counted));
    double sum = 0;
    for (const UpdateInfo& update : counted) sum += StalenessWeight(spec_, update.staleness);
    scalars[kWeight] = sum / static_cast<double>(counted.size());
    return scalars;
  }

  Result<Coefficients> Weigh(std::span<const UpdateInfo> counted) const override {
    return StalenessCoefficients(spec_, 1.0, counted);
  }

  // w <- w + sum(S(s_k) (y_k - w)) / Z, where y_k is what site k has. An update alone says nothing
  // of w: added to it, several that began with an old variance would carry it below 0.
  void ApplyToStatistics(const RoundBlock& block, const RoundScalars& scalars) const override {
    const double weight = scalars.at(kWeight);
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      const double sites = block.reduced[1][i] + block.reduced[0][i];  // both times S(s_k)
      block.parameters[i] = (1.0 - weight) * block.parameters[i] + sites;
    }
  }

  void Apply(const RoundBlock& block, const RoundScalars& /*scalars*/) const override {
    const double* mean = block.reduced[0].data();
    double* w = block.parameters.data();
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      w[i] += rate_ * mean[i];
    }
  }

 private:
  const v1::AsyncSpec spec_;
  const double rate_;
};

}  // namespace

Result<std::unique_ptr<Strategy>> MakeFedBuff(const v1::TrainingSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(auto parts, MeanStrategy::ReadMean(spec));
  SKERRY_ASSIGN_OR_RETURN(const double rate, ServerRate(spec));
  return std::unique_ptr<Strategy>(std::make_unique<FedBuff>(std::move(parts), spec.async(), rate));
}

}  // namespace skerry::learning
