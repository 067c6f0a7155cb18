#include <cstring>

#include "cli/cli_app.h"
#include "coordinator/app/coordinator_app.h"
#include "learning/strategy.h"

namespace {

// Goes half of the way that the sites propose.
class HalfStep final : public skerry::learning::Strategy {
 public:
  const skerry::learning::Aggregator& aggregator() const override {
    return skerry::learning::MeanAggregator();
  }
  void Apply(const skerry::learning::RoundBlock& block,
             const skerry::learning::RoundScalars& /*scalars*/) const override {
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      block.parameters[i] += 0.5 * block.reduced[0][i];
    }
  }
};

skerry::Result<std::unique_ptr<skerry::learning::Strategy>> MakeHalfStep(
    const skerry::v1::TrainingSpec& /*spec*/) {
  return std::unique_ptr<skerry::learning::Strategy>(std::make_unique<HalfStep>());
}

}  // namespace

// "half_step coordinator ..." is a skerry-coordinator, "half_step ..." a skerry.
int main(int argc, char** argv) {
  skerry::learning::RegisterStrategy("half_step", MakeHalfStep);
  if (argc > 1 && std::strcmp(argv[1], "coordinator") == 0) {
    return skerry::CoordinatorMain(argc - 1, argv + 1);
  }
  return skerry::CliMain(argc, argv);
}
