#include "learning/strategies/all.h"
#include "learning/strategies/fed_opt.h"

namespace skerry::learning {
namespace {

// v <- v - (1 - beta2) D^2 sign(v - D^2) (fed_opt.h has the rest).
class FedYogi final : public FedOpt {
 public:
  using FedOpt::FedOpt;

  void Apply(const RoundBlock& block, const RoundScalars& scalars) const override {
    const double beta2 = settings().beta2;
    ApplyWith(block, scalars, [beta2](double v, double d) {
      const double squared = d * d;
      const double sign = v > squared ? 1.0 : v < squared ? -1.0 : 0.0;
      return v - (1 - beta2) * squared * sign;
    });
  }
};

}  // namespace

Result<std::unique_ptr<Strategy>> MakeFedYogi(const v1::TrainingSpec& spec) {
  return MakeFedOpt<FedYogi>(spec);
}

}  // namespace skerry::learning
