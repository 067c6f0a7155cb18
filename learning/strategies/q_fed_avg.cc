#include <algorithm>
#include <utility>
#include <vector>

#include "base/exact_math.h"
#include "learning/finite.h"
#include "learning/strategies/all.h"
#include "learning/strategies/mean_strategy.h"

// Li, Sanjabi, Beirami, Smith: "Fair resource allocation in federated learning" (ICLR 2020),
// q-FedAvg: with L = 1 / learning rate, and F_k the loss of the received model over site k's own
// rows, w <- w + L sum(F_k^q delta_k) / sum(h_k), h_k = q F_k^(q - 1) L^2 |delta_k|^2 + L F_k^q.
namespace skerry::learning {
namespace {

constexpr const char* kInitialLoss = "initial_loss";

// Below it, powers of a loss would be of no use.
constexpr double kLeastLoss = 1e-10;

// Of F_k^q: weights of so much can be multiplied with updates and norms, and added.
constexpr double kMostWeight = 1e100;

class QFedAvg final : public MeanStrategy {
 public:
  QFedAvg(Parts parts, double q)
      : MeanStrategy(std::move(parts)),
        q_(q),
        most_loss_(q > 1 ? exact::Pow(kMostWeight, 1 / q) : kMostWeight) {}

  bool NeedsNorms() const override { return true; }

  Status CheckScalars(const std::map<std::string, double>& scalars) const override {
    Status status = CheckScalar(scalars, kInitialLoss, 0, most_loss_);
    const auto loss = scalars.find(kInitialLoss);
    if (loss == scalars.end() || !(loss->second > most_loss_)) return status;
    return std::move(status).WithHint("scale the labels, or take a smaller training.q");
  }

  Result<Coefficients> Weigh(std::span<const UpdateInfo> counted) const override {
    SKERRY_ASSIGN_OR_RETURN(Coefficients weights, MeanStrategy::Weigh(counted));
    SKERRY_ASSIGN_OR_RETURN(const std::vector<double> loss, Losses(counted));
    for (std::size_t k = 0; k < loss.size(); ++k) weights.weight[k] = exact::Pow(loss[k], q_);
    return weights;
  }

  Result<RoundScalars> Prepare(const RoundContext& context,
                               std::span<const UpdateInfo> counted) const override {
    SKERRY_ASSIGN_OR_RETURN(RoundScalars scalars, Strategy::Prepare(context, counted));
    SKERRY_ASSIGN_OR_RETURN(const std::vector<double> loss, Losses(counted));
    const double l = 1 / context.learning_rate;
    double weights = 0;
    double h = 0;
    for (std::size_t k = 0; k < loss.size(); ++k) {
      const double power = exact::Pow(loss[k], q_);
      const double squared = l * l * counted[k].squared_norm;
      weights += power;
      h += q_ * power / loss[k] * squared + l * power;
    }
    const double step = l * weights / h;
    if (!IsFinite(step)) {
      return FailedPrecondition("the round's losses and updates leave no finite step to take");
    }
    scalars["step"] = step;  // times the weighted mean
    return scalars;
  }

  void Apply(const RoundBlock& block, const RoundScalars& scalars) const override {
    const double step = scalars.at("step");
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      block.parameters[i] += step * block.reduced[0][i];
    }
  }

 private:
  Result<std::vector<double>> Losses(std::span<const UpdateInfo> counted) const {
    SKERRY_ASSIGN_OR_RETURN(std::vector<double> losses,
                            ScalarOfEach(counted, kInitialLoss, 0, most_loss_));
    for (double& loss : losses) loss = std::max(loss, kLeastLoss);
    return losses;
  }

  const double q_;
  const double most_loss_;  // that a site may claim
};

template <class T>
class QFedAvgLocal final : public LocalAlgorithm<T> {
 public:
  bool NeedsInitialLoss() const override { return true; }
  void Begin(LocalBeginning<T> beginning) override { loss_ = beginning.initial_loss; }
  void End(std::span<const T> /*delta*/, int64_t /*num_steps*/, double /*learning_rate*/,
           LocalEnd<T>& end) override {
    end.scalars[kInitialLoss] = loss_;
  }

 private:
  double loss_ = 0;
};

}  // namespace

template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeQFedAvgLocal() {
  return std::make_unique<QFedAvgLocal<T>>();
}
template std::unique_ptr<LocalAlgorithm<float>> MakeQFedAvgLocal();
template std::unique_ptr<LocalAlgorithm<double>> MakeQFedAvgLocal();

Result<std::unique_ptr<Strategy>> MakeQFedAvg(const v1::TrainingSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(MeanStrategy::Parts parts, MeanStrategy::ReadMean(spec));
  if (spec.weighting() == "examples") {
    return InvalidArgument(
        "training.weighting and training.strategy = \"qfedavg\" clash: it "
        "weighs by the sites' losses");
  }
  parts.uniform = true;
  if (!(spec.q() >= 0 && spec.q() <= 20)) {
    return InvalidArgument("training.q: must be at least 0 and at most 20");
  }
  return std::unique_ptr<Strategy>(std::make_unique<QFedAvg>(std::move(parts), spec.q()));
}

}  // namespace skerry::learning
