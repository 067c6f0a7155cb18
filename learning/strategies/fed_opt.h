#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/exact_math.h"
#include "learning/strategies/mean_strategy.h"

namespace skerry::learning {

// Reddi, Charles, Zaheer, Garrett, Rush, Konečný, Kumar, McMahan: "Adaptive federated optimization"
// (ICLR 2021), algorithm 2, of which FedAdagrad, FedAdam and FedYogi are three: with the mean D of
// the updates, m <- beta1 m + (1 - beta1) D; v by each one's own rule; w <- w + eta m /
// (sqrt(v) + tau). training.server has eta (learning_rate), beta1, beta2, tau, the v of before the
// first round (initial_v), and bias_correction:
//   none      as written above
//   standard  m / (1 - beta1^t) and v / (1 - beta2^t) in place of m and v, t = 1 in the first round
//   flower    eta sqrt(1 - beta2^(t + 1)) / (1 - beta1^(t + 1)) in place of eta
class FedOpt : public MeanStrategy {
 public:
  struct Settings {
    double rate = 0;
    double beta1 = 0;
    double beta2 = 0;
    double tau = 0;
    double initial_v = 0;
    std::string bias_correction;
  };
  // INVALID_ARGUMENT names the key of training.server that is wrong.
  static Result<Settings> ReadSettings(const v1::TrainingSpec& spec);

  FedOpt(Parts parts, Settings settings)
      : MeanStrategy(std::move(parts)), settings_(std::move(settings)) {}

  std::vector<StateVector> StateVectors() const override { return {{"m"}, {"v"}}; }
  Result<RoundScalars> Prepare(const RoundContext& context,
                               std::span<const UpdateInfo> counted) const override;

 protected:
  const Settings& settings() const { return settings_; }
  // `next(v, d)`: the v of the next round, of an element whose mean is d.
  template <class NextV>
  void ApplyWith(const RoundBlock& block, const RoundScalars& scalars, const NextV& next) const;

 private:
  const Settings settings_;
};

// Makes a FedOpt of that class.
template <class Kind>
Result<std::unique_ptr<Strategy>> MakeFedOpt(const v1::TrainingSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(MeanStrategy::Parts parts, MeanStrategy::Read(spec));
  SKERRY_ASSIGN_OR_RETURN(FedOpt::Settings settings, FedOpt::ReadSettings(spec));
  return std::unique_ptr<Strategy>(std::make_unique<Kind>(std::move(parts), std::move(settings)));
}

template <class NextV>
void FedOpt::ApplyWith(const RoundBlock& block, const RoundScalars& scalars,
                       const NextV& next) const {
  const double rate = scalars.at("rate");
  const double of_v = scalars.at("of_v");
  const bool begins = scalars.at("begins") != 0;
  const std::span<double> m = block.state[0];
  const std::span<double> v = block.state[1];
  for (std::size_t i = 0; i < block.parameters.size(); ++i) {
    const double d = block.reduced[0][i];
    m[i] = settings_.beta1 * m[i] + (1 - settings_.beta1) * d;
    v[i] = next(begins ? settings_.initial_v : v[i], d);
    block.parameters[i] += rate * m[i] / (exact::Sqrt(v[i] * of_v) + settings_.tau);
  }
}

}  // namespace skerry::learning
