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
  void Apply(std::span<const double> reduced, const skerry::learning::RoundScalars& /*scalars*/,
             std::span<float> parameters,
             std::span<const std::span<float>> /*state*/) const override {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      parameters[i] = static_cast<float>(static_cast<double>(parameters[i]) + 0.5 * reduced[i]);
    }
  }
};

skerry::Result<std::unique_ptr<skerry::learning::Strategy>> MakeHalfStep(
    const skerry::v1::TrainingSpec& /*spec*/) {
  return std::unique_ptr<skerry::learning::Strategy>(std::make_unique<HalfStep>());
}

}  // namespace

// "outside coordinator ..." is a skerry-coordinator, "outside ..." a skerry.
int main(int argc, char** argv) {
  skerry::learning::RegisterStrategy("half_step", MakeHalfStep);
  if (argc > 1 && std::strcmp(argv[1], "coordinator") == 0) {
    return skerry::CoordinatorMain(argc - 1, argv + 1);
  }
  return skerry::CliMain(argc, argv);
}
