#include "learning/strategies/all.h"
#include "learning/strategies/fed_opt.h"

namespace skerry::learning {
namespace {

// v <- v + D^2 (fed_opt.h has the rest).
class FedAdagrad final : public FedOpt {
 public:
  using FedOpt::FedOpt;

  void Apply(const RoundBlock& block, const RoundScalars& scalars) const override {
    ApplyWith(block, scalars, [](double v, double d) { return v + d * d; });
  }
};

}  // namespace

Result<std::unique_ptr<Strategy>> MakeFedAdagrad(const v1::TrainingSpec& spec) {
  if (!spec.server().bias_correction().empty() && spec.server().bias_correction() != "none") {
    return InvalidArgument(
        "training.server.bias_correction and training.strategy = \"fedadagrad\" "
        "clash: its v is a sum, which has no bias");
  }
  return MakeFedOpt<FedAdagrad>(spec);
}

}  // namespace skerry::learning
