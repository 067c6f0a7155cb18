#include "learning/strategies/all.h"

namespace skerry::learning {
namespace {

// McMahan, Moore, Ramage, Hampson, Agüera y Arcas: "Communication-efficient learning of deep
// networks from decentralized data" (AISTATS 2017), algorithm 1: w <- w + sum(n_k delta_k) /
// sum(n_k).
class FedAvg final : public Strategy {
 public:
  const Aggregator& aggregator() const override { return MeanAggregator(); }

  void Apply(std::span<const double> reduced, const RoundScalars& /*scalars*/,
             std::span<float> parameters,
             std::span<const std::span<float>> /*state*/) const override {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      parameters[i] = static_cast<float>(static_cast<double>(parameters[i]) + reduced[i]);
    }
  }
};

}  // namespace

Result<std::unique_ptr<Strategy>> MakeFedAvg(const v1::TrainingSpec& /*spec*/) {
  return std::unique_ptr<Strategy>(std::make_unique<FedAvg>());
}

}  // namespace skerry::learning
