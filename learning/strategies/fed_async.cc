#include <utility>

#include "learning/strategies/all.h"
#include "learning/strategies/mean_strategy.h"
#include "learning/strategies/staleness.h"

namespace skerry::learning {
namespace {

constexpr const char* kMixing = "mixing";

// Xie, Koyejo, Gupta: "Asynchronous federated optimization" (2019), algorithm 1: each update makes
// a version, w <- (1 - a_s) w + a_s y with a_s = mixing S(s). y is what the site's training made:
// the version that it began with, plus its update; proximal_mu (rho in the paper) pulls it back
// there.
class FedAsync final : public MeanStrategy {
 public:
  FedAsync(Parts parts, v1::AsyncSpec spec)
      : MeanStrategy(std::move(parts)), spec_(std::move(spec)) {}

  bool NeedsBases() const override { return true; }

  Result<RoundScalars> Prepare(const RoundContext& /*context*/,
                               std::span<const UpdateInfo> counted) const override {
    if (counted.size() != 1) {
      return FailedPrecondition("\"fedasync\" makes a version of one update, not of " +
                                std::to_string(counted.size()));
    }
    return RoundScalars{{kMixing, spec_.mixing() * StalenessWeight(spec_, counted[0].staleness)}};
  }

  Result<Coefficients> Weigh(std::span<const UpdateInfo> counted) const override {
    return StalenessCoefficients(spec_, spec_.mixing(), counted);
  }

  // It is a mean of models already, and of what they have measured.
  void ApplyToStatistics(const RoundBlock& block, const RoundScalars& scalars) const override {
    Apply(block, scalars);
  }

  void Apply(const RoundBlock& block, const RoundScalars& scalars) const override {
    const double mixing = scalars.at(kMixing);
    const double* update = block.reduced[0].data();  // both times a_s
    const double* base = block.reduced[1].data();
    double* w = block.parameters.data();
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      w[i] = (1.0 - mixing) * w[i] + (base[i] + update[i]);
    }
  }

 private:
  const v1::AsyncSpec spec_;
};

}  // namespace

Result<std::unique_ptr<Strategy>> MakeFedAsync(const v1::TrainingSpec& spec) {
  SKERRY_RETURN_IF_ERROR(CheckProximalMu(spec));
  SKERRY_ASSIGN_OR_RETURN(auto parts, MeanStrategy::ReadMean(spec));
  return std::unique_ptr<Strategy>(std::make_unique<FedAsync>(std::move(parts), spec.async()));
}

}  // namespace skerry::learning
