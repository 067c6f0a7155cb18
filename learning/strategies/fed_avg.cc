#include <utility>

#include "learning/strategies/all.h"
#include "learning/strategies/mean_strategy.h"

namespace skerry::learning {
namespace {

// McMahan, Moore, Ramage, Hampson, Agüera y Arcas: "Communication-efficient learning of deep
// networks from decentralized data" (AISTATS 2017), algorithm 1: w <- w + sum(n_k delta_k) /
// sum(n_k). With another rule than the mean, its aggregate takes the place of the quotient.
class FedAvg final : public MeanStrategy {
 public:
  using MeanStrategy::MeanStrategy;

  void Apply(const RoundBlock& block, const RoundScalars& /*scalars*/) const override {
    const double* mean = block.reduced[0].data();
    double* w = block.parameters.data();
    for (std::size_t i = 0; i < block.parameters.size(); ++i) w[i] += mean[i];
  }
};

}  // namespace

Result<std::unique_ptr<Strategy>> MakeFedAvg(const v1::TrainingSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(MeanStrategy::Parts parts, MeanStrategy::Read(spec));
  return std::unique_ptr<Strategy>(std::make_unique<FedAvg>(std::move(parts)));
}

}  // namespace skerry::learning
