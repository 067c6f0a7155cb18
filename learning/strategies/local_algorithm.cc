#include "learning/local_algorithm.h"

#include "learning/strategies/all.h"

namespace skerry::learning {

template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeLocalAlgorithm(const v1::TrainingSpec& spec) {
  const std::string& strategy = spec.strategy();
  if (strategy == "fedprox") return MakeProximal<T>(spec.proximal_mu());
  if (strategy == "fedasync" && spec.proximal_mu() > 0) return MakeProximal<T>(spec.proximal_mu());
  if (strategy == "scaffold") return MakeScaffoldLocal<T>();
  if (strategy == "fednova") return MakeFedNovaLocal<T>(spec);
  if (strategy == "feddyn") return MakeFedDynLocal<T>(spec.alpha());
  if (strategy == "qfedavg") return MakeQFedAvgLocal<T>();
  return std::make_unique<LocalAlgorithm<T>>();
}

template std::unique_ptr<LocalAlgorithm<float>> MakeLocalAlgorithm(const v1::TrainingSpec&);
template std::unique_ptr<LocalAlgorithm<double>> MakeLocalAlgorithm(const v1::TrainingSpec&);

}  // namespace skerry::learning
