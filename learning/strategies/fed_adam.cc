#include "learning/strategies/all.h"
#include "learning/strategies/fed_opt.h"

namespace skerry::learning {
namespace {

// v <- beta2 v + (1 - beta2) D^2 (fed_opt.h has the rest).
class FedAdam final : public FedOpt {
 public:
  using FedOpt::FedOpt;

  void Apply(const RoundBlock& block, const RoundScalars& scalars) const override {
    const double beta2 = settings().beta2;
    ApplyWith(block, scalars,
              [beta2](double v, double d) { return beta2 * v + (1 - beta2) * d * d; });
  }
};

}  // namespace

Result<std::unique_ptr<Strategy>> MakeFedAdam(const v1::TrainingSpec& spec) {
  return MakeFedOpt<FedAdam>(spec);
}

}  // namespace skerry::learning
