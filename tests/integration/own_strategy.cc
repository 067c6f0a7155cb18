// A program with a strategy of its own, as docs/adding-a-strategy.md has it: one source file that
// is a coordinator (with --config) and the command line.
#include <string_view>

#include "cli/cli_app.h"
#include "coordinator/app/coordinator_app.h"
#include "learning/strategy.h"

namespace {

using skerry::Result;
using skerry::learning::Strategy;

// FedAvg that goes half of the way.
class Halfway final : public Strategy {
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

Result<std::unique_ptr<Strategy>> MakeHalfway(const skerry::v1::TrainingSpec& /*spec*/) {
  return std::unique_ptr<Strategy>(std::make_unique<Halfway>());
}

constexpr skerry::learning::StrategyEntry kOwn[] = {{"halfway", MakeHalfway}};

}  // namespace

int main(int argc, char** argv) {
  const bool is_daemon = argc > 1 && std::string_view(argv[1]) == "--config";
  return is_daemon ? skerry::CoordinatorMain(argc, argv, kOwn) : skerry::CliMain(argc, argv, kOwn);
}
