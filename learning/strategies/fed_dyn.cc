#include <utility>
#include <vector>

#include "learning/finite.h"
#include "learning/strategies/all.h"
#include "learning/strategies/mean_strategy.h"

// Acar, Zhao, Matas Navarro, Mattina, Whatmough, Saligrama: "Federated learning based on dynamic
// regularization" (ICLR 2021), algorithm 1. With S of N sites in a round:
//   site:         minimise F_k(y) - <g_k, y> + alpha/2 |y - w|^2;  g_k <- g_k - alpha (y - w)
//   coordinator:  h <- h - alpha S/N mean(y - w);  w <- mean(y) - h / alpha
// All means are plain ones: it minimises the plain mean of the sites' losses.
namespace skerry::learning {
namespace {

constexpr const char* kGradient = "gradient";

class FedDyn final : public MeanStrategy {
 public:
  FedDyn(Parts parts, double alpha) : MeanStrategy(std::move(parts)), alpha_(alpha) {}

  std::vector<StateVector> StateVectors() const override { return {{"h"}}; }
  bool KeepsSiteState() const override { return true; }

  Result<RoundScalars> Prepare(const RoundContext& context,
                               std::span<const UpdateInfo> counted) const override {
    SKERRY_ASSIGN_OR_RETURN(RoundScalars scalars, Strategy::Prepare(context, counted));
    scalars["share"] = static_cast<double>(counted.size()) / static_cast<double>(context.num_sites);
    return scalars;
  }

  void Apply(const RoundBlock& block, const RoundScalars& scalars) const override {
    const double step = alpha_ * scalars.at("share");
    const std::span<double> h = block.state[0];
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      const double mean = block.reduced[0][i];
      h[i] -= step * mean;
      block.parameters[i] += mean - h[i] / alpha_;
    }
  }

 private:
  const double alpha_;
};

template <class T>
class FedDynLocal final : public LocalAlgorithm<T> {
 public:
  explicit FedDynLocal(double alpha) : alpha_(static_cast<T>(alpha)) {}

  std::vector<std::string> Kept() const override { return {kGradient}; }

  void Begin(LocalBeginning<T> beginning) override {
    received_.assign(beginning.parameters.begin(), beginning.parameters.end());
    gradient_.assign(received_.size(), T{0});
    const auto kept = beginning.kept.find(kGradient);
    if (kept != beginning.kept.end()) gradient_ = std::move(kept->second);
  }

  void AddToGradient(std::span<const T> parameters, std::span<T> gradient) const override {
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] += alpha_ * (parameters[i] - received_[i]) - gradient_[i];
    }
  }

  void End(std::span<const T> delta, int64_t /*num_steps*/, double /*learning_rate*/,
           LocalEnd<T>& end) override {
    for (std::size_t i = 0; i < delta.size(); ++i) gradient_[i] -= alpha_ * delta[i];
    end.kept[kGradient] = std::move(gradient_);
  }

 private:
  const T alpha_;
  std::vector<T> received_;
  std::vector<T> gradient_;
};

}  // namespace

template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeFedDynLocal(double alpha) {
  return std::make_unique<FedDynLocal<T>>(alpha);
}
template std::unique_ptr<LocalAlgorithm<float>> MakeFedDynLocal(double);
template std::unique_ptr<LocalAlgorithm<double>> MakeFedDynLocal(double);

Result<std::unique_ptr<Strategy>> MakeFedDyn(const v1::TrainingSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(MeanStrategy::Parts parts, MeanStrategy::ReadMean(spec));
  if (spec.weighting() == "examples") {
    return InvalidArgument(
        "training.weighting and training.strategy = \"feddyn\" clash: its means "
        "are plain ones");
  }
  parts.uniform = true;
  if (!(spec.alpha() > 0) || !IsFinite(spec.alpha())) {
    return InvalidArgument("training.alpha: must be over 0");
  }
  return std::unique_ptr<Strategy>(std::make_unique<FedDyn>(std::move(parts), spec.alpha()));
}

}  // namespace skerry::learning
