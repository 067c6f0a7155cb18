#pragma once

#include <memory>

#include "base/status.h"
#include "learning/local_algorithm.h"
#include "learning/strategy.h"

// One line per strategy; each lives in a file of its own beside this one
// (docs/adding-a-strategy.md).
namespace skerry::learning {

Result<std::unique_ptr<Strategy>> MakeFedAsync(const v1::TrainingSpec& spec);
Result<std::unique_ptr<Strategy>> MakeFedAvg(const v1::TrainingSpec& spec);
Result<std::unique_ptr<Strategy>> MakeFedProx(const v1::TrainingSpec& spec);
Result<std::unique_ptr<Strategy>> MakeFedAvgM(const v1::TrainingSpec& spec);
Result<std::unique_ptr<Strategy>> MakeFedAdagrad(const v1::TrainingSpec& spec);
Result<std::unique_ptr<Strategy>> MakeFedAdam(const v1::TrainingSpec& spec);
Result<std::unique_ptr<Strategy>> MakeFedYogi(const v1::TrainingSpec& spec);
Result<std::unique_ptr<Strategy>> MakeScaffold(const v1::TrainingSpec& spec);
Result<std::unique_ptr<Strategy>> MakeFedNova(const v1::TrainingSpec& spec);
Result<std::unique_ptr<Strategy>> MakeFedBuff(const v1::TrainingSpec& spec);
Result<std::unique_ptr<Strategy>> MakeFedDyn(const v1::TrainingSpec& spec);
Result<std::unique_ptr<Strategy>> MakeQFedAvg(const v1::TrainingSpec& spec);

// The site's side of those that have one (local_algorithm.cc). T: float or double.
template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeProximal(double mu);
template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeScaffoldLocal();
template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeFedNovaLocal(const v1::TrainingSpec& spec);
template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeFedDynLocal(double alpha);
template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeQFedAvgLocal();

// training.proximal_mu is at least 0.
Status CheckProximalMu(const v1::TrainingSpec& spec);

}  // namespace skerry::learning
