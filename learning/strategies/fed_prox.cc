#include <vector>

#include "learning/finite.h"
#include "learning/strategies/all.h"

namespace skerry::learning {
namespace {

// Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith: "Federated optimization in heterogeneous networks"
// (MLSys 2020), FedProx: each site minimises F_k(y) + mu/2 |y - w|^2, where w is the model that it
// received; the coordinator averages as FedAvg does.
template <class T>
class Proximal final : public LocalAlgorithm<T> {
 public:
  explicit Proximal(double mu) : mu_(static_cast<T>(mu)) {}

  void Begin(LocalBeginning<T> beginning) override {
    received_.assign(beginning.parameters.begin(), beginning.parameters.end());
  }
  void AddToGradient(std::span<const T> parameters, std::span<T> gradient) const override {
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] += mu_ * (parameters[i] - received_[i]);
    }
  }

 private:
  const T mu_;
  std::vector<T> received_;
};

}  // namespace

template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeProximal(double mu) {
  return std::make_unique<Proximal<T>>(mu);
}
template std::unique_ptr<LocalAlgorithm<float>> MakeProximal(double);
template std::unique_ptr<LocalAlgorithm<double>> MakeProximal(double);

Status CheckProximalMu(const v1::TrainingSpec& spec) {
  if (spec.proximal_mu() >= 0 && IsFinite(spec.proximal_mu())) return OkStatus();
  return InvalidArgument("training.proximal_mu: must be at least 0");
}

Result<std::unique_ptr<Strategy>> MakeFedProx(const v1::TrainingSpec& spec) {
  SKERRY_RETURN_IF_ERROR(CheckProximalMu(spec));
  return MakeFedAvg(spec);
}

}  // namespace skerry::learning
