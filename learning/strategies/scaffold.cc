#include <utility>
#include <vector>

#include "learning/strategies/all.h"
#include "learning/strategies/mean_strategy.h"

// Karimireddy, Kale, Mohri, Reddi, Stich, Suresh: "SCAFFOLD: stochastic controlled averaging for
// federated learning" (ICML 2020), algorithm 1 with option II. With S of N sites in a round:
//   site:         y <- y - eta (g(y) - c_k + c);  c_k+ = c_k - c + (w - y) / (steps eta)
//   coordinator:  w <- w + eta_g mean(y - w);     c <- c + S/N mean(c_k+ - c_k)
// The paper's means are plain ones, and minimise the plain mean of the sites' losses
// (training.weighting = "uniform"); means by examples minimise the loss of all rows.
namespace skerry::learning {
namespace {

constexpr const char* kControl = "control";

class Scaffold final : public MeanStrategy {
 public:
  Scaffold(Parts parts, double rate) : MeanStrategy(std::move(parts)), rate_(rate) {}

  std::vector<StateVector> StateVectors() const override { return {{kControl, true}}; }
  std::vector<std::string> Sections() const override { return {"update", kControl}; }
  bool KeepsSiteState() const override { return true; }

  Result<RoundScalars> Prepare(const RoundContext& context,
                               std::span<const UpdateInfo> counted) const override {
    SKERRY_ASSIGN_OR_RETURN(RoundScalars scalars, Strategy::Prepare(context, counted));
    scalars["share"] = static_cast<double>(counted.size()) / static_cast<double>(context.num_sites);
    return scalars;
  }

  void Apply(const RoundBlock& block, const RoundScalars& scalars) const override {
    const double share = scalars.at("share");
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      block.parameters[i] += rate_ * block.reduced[0][i];
      block.state[0][i] += share * block.reduced[1][i];
    }
  }

 private:
  const double rate_;
};

template <class T>
class ScaffoldLocal final : public LocalAlgorithm<T> {
 public:
  std::vector<std::string> Sent() const override { return {kControl}; }
  std::vector<std::string> Kept() const override { return {kControl}; }

  void Begin(LocalBeginning<T> beginning) override {
    global_ = std::move(beginning.sent.at(kControl));
    // A site that has none, or has lost it, goes the way of the others: with 0 it would be pushed.
    const auto kept = beginning.kept.find(kControl);
    correction_.assign(global_.size(), T{0});  // c - c_k
    if (kept == beginning.kept.end()) return;
    for (std::size_t i = 0; i < global_.size(); ++i) correction_[i] = global_[i] - kept->second[i];
  }

  void AddToGradient(std::span<const T> /*parameters*/, std::span<T> gradient) const override {
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] += correction_[i];
  }

  void End(std::span<const T> delta, int64_t num_steps, double learning_rate,
           LocalEnd<T>& end) override {
    const double way = static_cast<double>(num_steps) * learning_rate;
    std::vector<T>& next = end.kept[kControl];
    std::vector<T>& change = end.sections[kControl];
    next.resize(delta.size());
    change.resize(delta.size());
    for (std::size_t i = 0; i < delta.size(); ++i) {
      const double slope = static_cast<double>(delta[i]) / way;
      next[i] = static_cast<T>(-static_cast<double>(correction_[i]) - slope);
      // c_k as the correction has it, which may be off what the site kept by a rounding of T.
      change[i] = next[i] - (global_[i] - correction_[i]);
    }
  }

 private:
  std::vector<T> global_;
  std::vector<T> correction_;
};

}  // namespace

template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeScaffoldLocal() {
  return std::make_unique<ScaffoldLocal<T>>();
}
template std::unique_ptr<LocalAlgorithm<float>> MakeScaffoldLocal();
template std::unique_ptr<LocalAlgorithm<double>> MakeScaffoldLocal();

Result<std::unique_ptr<Strategy>> MakeScaffold(const v1::TrainingSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(MeanStrategy::Parts parts, MeanStrategy::ReadMean(spec));
  SKERRY_RETURN_IF_ERROR(NeedsPlainSteps(spec, false));
  SKERRY_ASSIGN_OR_RETURN(const double rate, ServerRate(spec));
  return std::unique_ptr<Strategy>(std::make_unique<Scaffold>(std::move(parts), rate));
}

}  // namespace skerry::learning
