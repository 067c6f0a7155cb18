#include <utility>

#include "learning/strategies/all.h"
#include "learning/strategies/mean_strategy.h"

namespace skerry::learning {
namespace {

// Hsu, Qi, Brown: "Measuring the effects of non-identical data distribution for federated visual
// classification" (2019), FedAvgM: v <- beta v + mean of the updates; w <- w + eta v, or, with
// Nesterov's momentum, w <- w + eta (mean + beta v).
class FedAvgM final : public MeanStrategy {
 public:
  FedAvgM(Parts parts, double rate, double momentum, bool nesterov)
      : MeanStrategy(std::move(parts)), rate_(rate), momentum_(momentum), nesterov_(nesterov) {}

  std::vector<StateVector> StateVectors() const override { return {{"velocity"}}; }

  void Apply(const RoundBlock& block, const RoundScalars& /*scalars*/) const override {
    const std::span<double> velocity = block.state[0];
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      const double mean = block.reduced[0][i];
      velocity[i] = momentum_ * velocity[i] + mean;
      block.parameters[i] += rate_ * (nesterov_ ? mean + momentum_ * velocity[i] : velocity[i]);
    }
  }

 private:
  const double rate_;
  const double momentum_;
  const bool nesterov_;
};

}  // namespace

Result<std::unique_ptr<Strategy>> MakeFedAvgM(const v1::TrainingSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(MeanStrategy::Parts parts, MeanStrategy::Read(spec));
  SKERRY_ASSIGN_OR_RETURN(const double rate, ServerRate(spec));
  const double momentum = spec.server().momentum();
  if (!(momentum >= 0 && momentum < 1)) {
    return InvalidArgument("training.server.momentum: must be at least 0 and below 1");
  }
  return std::unique_ptr<Strategy>(
      std::make_unique<FedAvgM>(std::move(parts), rate, momentum, spec.server().nesterov()));
}

}  // namespace skerry::learning
