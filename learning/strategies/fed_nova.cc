#include <utility>
#include <vector>

#include "learning/strategies/all.h"
#include "learning/strategies/mean_strategy.h"

// Wang, Liu, Liang, Joshi, Poor: "Tackling the objective inconsistency problem in heterogeneous
// federated optimization" (NeurIPS 2020), FedNova: sites that take more steps do not pull more.
// With p_k by examples and a_k = |a_k|_1 of section 4.1:
//   w <- w + tau sum(p_k delta_k / a_k),  tau = sum(p_k a_k), or sum(p_k steps_k) with a proximal
// term. Each step enlarges a counter c <- momentum c + 1, and a <- (1 - eta mu) a + c.
namespace skerry::learning {
namespace {

constexpr const char* kNormalizer = "normalizer";
constexpr const char* kNumSteps = "num_steps";
constexpr const char* kOfStatistics = "of_statistics";
constexpr double kMost = 1e15;

class FedNova final : public MeanStrategy {
 public:
  FedNova(Parts parts, double rate, bool proximal)
      : MeanStrategy(std::move(parts)), rate_(rate), proximal_(proximal) {}

  Status CheckScalars(const std::map<std::string, double>& scalars) const override {
    SKERRY_RETURN_IF_ERROR(CheckScalar(scalars, kNormalizer, 1, kMost));
    return CheckScalar(scalars, kNumSteps, 1, kMost);
  }

  Result<RoundScalars> Prepare(const RoundContext& context,
                               std::span<const UpdateInfo> counted) const override {
    SKERRY_ASSIGN_OR_RETURN(RoundScalars scalars, Strategy::Prepare(context, counted));
    SKERRY_ASSIGN_OR_RETURN(const Coefficients weights, Weigh(counted));
    double weight = 0;
    double scaled = 0;
    for (std::size_t k = 0; k < counted.size(); ++k) {
      weight += weights.weight[k];
      scaled += weights.weight[k] * weights.scale[k];
    }
    scalars[kOfStatistics] = weight / scaled;
    return scalars;
  }

  // With weights p_k / a_k, whose sum the aggregate has not been divided by.
  void ApplyToStatistics(const RoundBlock& block, const RoundScalars& scalars) const override {
    const double factor = scalars.at(kOfStatistics);
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      block.parameters[i] += factor * block.reduced[0][i];
    }
  }

  Result<Coefficients> Weigh(std::span<const UpdateInfo> counted) const override {
    SKERRY_ASSIGN_OR_RETURN(Coefficients weights, MeanStrategy::Weigh(counted));
    SKERRY_ASSIGN_OR_RETURN(const std::vector<double> a,
                            ScalarOfEach(counted, kNormalizer, 1, kMost));
    SKERRY_ASSIGN_OR_RETURN(const std::vector<double> steps,
                            ScalarOfEach(counted, kNumSteps, 1, kMost));
    double tau = 0;
    double total = 0;
    for (std::size_t k = 0; k < counted.size(); ++k) {
      tau += weights.weight[k] * (proximal_ ? steps[k] : a[k]);
      total += weights.weight[k];
    }
    for (std::size_t k = 0; k < counted.size(); ++k) weights.scale[k] = tau / total / a[k];
    return weights;
  }

  void Apply(const RoundBlock& block, const RoundScalars& /*scalars*/) const override {
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      block.parameters[i] += rate_ * block.reduced[0][i];
    }
  }

 private:
  const double rate_;
  const bool proximal_;
};

template <class T>
class FedNovaLocal final : public LocalAlgorithm<T> {
 public:
  FedNovaLocal(double momentum, double mu) : momentum_(momentum), mu_(mu) {
    if (mu > 0) proximal_ = MakeProximal<T>(mu);
  }

  void Begin(LocalBeginning<T> beginning) override {
    if (proximal_) proximal_->Begin(std::move(beginning));
  }
  void AddToGradient(std::span<const T> parameters, std::span<T> gradient) const override {
    if (proximal_) proximal_->AddToGradient(parameters, gradient);
  }
  void End(std::span<const T> /*delta*/, int64_t num_steps, double learning_rate,
           LocalEnd<T>& end) override {
    double counter = 0;
    double a = 0;
    for (int64_t step = 0; step < num_steps; ++step) {
      counter = momentum_ * counter + 1;
      a = a * (1 - learning_rate * mu_) + counter;
    }
    end.scalars[kNormalizer] = a;
    end.scalars[kNumSteps] = static_cast<double>(num_steps);
  }

 private:
  const double momentum_;
  const double mu_;
  std::unique_ptr<LocalAlgorithm<T>> proximal_;
};

}  // namespace

template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeFedNovaLocal(const v1::TrainingSpec& spec) {
  return std::make_unique<FedNovaLocal<T>>(spec.momentum(), spec.proximal_mu());
}
template std::unique_ptr<LocalAlgorithm<float>> MakeFedNovaLocal(const v1::TrainingSpec&);
template std::unique_ptr<LocalAlgorithm<double>> MakeFedNovaLocal(const v1::TrainingSpec&);

Result<std::unique_ptr<Strategy>> MakeFedNova(const v1::TrainingSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(MeanStrategy::Parts parts, MeanStrategy::ReadMean(spec));
  SKERRY_RETURN_IF_ERROR(NeedsPlainSteps(spec, true));
  SKERRY_RETURN_IF_ERROR(CheckProximalMu(spec));
  if (spec.learning_rate() * spec.proximal_mu() >= 1) {
    return InvalidArgument(
        "training.learning_rate and training.proximal_mu clash: their product must be below 1");
  }
  SKERRY_ASSIGN_OR_RETURN(const double rate, ServerRate(spec));
  return std::unique_ptr<Strategy>(
      std::make_unique<FedNova>(std::move(parts), rate, spec.proximal_mu() > 0));
}

}  // namespace skerry::learning
