#include "client/personal.h"

#include <memory>
#include <utility>

#include "learning/strategies/all.h"

namespace skerry::client {
namespace {

bool IsDitto(const v1::PersonalSpec& spec) { return spec.kind() == "ditto"; }

template <class T>
std::vector<T> Begin(std::span<const T> received, const KeptVectors<T>& kept) {
  const auto found = kept.vectors().find(kPersonalModel);
  if (found != kept.vectors().end()) return found->second;
  return {received.begin(), received.end()};
}

}  // namespace

std::vector<std::string> PersonalVectors(const v1::PersonalSpec& spec) {
  if (IsDitto(spec)) return {kPersonalModel};
  return {};
}

template <class T>
Status TrainDitto(const v1::PersonalSpec& spec, learning::LocalTask<T> task,
                  std::span<const T> received, KeptVectors<T>& kept, const std::stop_token& stop,
                  const learning::StepProgress& progress) {
  std::vector<T> own = Begin(received, kept);
  const auto pull = learning::MakeProximal<T>(spec.lambda());
  learning::LocalBeginning<T> beginning;
  beginning.parameters = received;
  pull->Begin(std::move(beginning));
  task.algorithm = pull.get();
  SKERRY_RETURN_IF_ERROR(learning::TrainLocally(task, std::span<T>(own), stop, progress).status());
  kept.Put({{kPersonalModel, std::move(own)}});
  return OkStatus();
}

template <class T>
Result<std::vector<T>> PersonalModel(const v1::PersonalSpec& spec,
                                     const learning::LocalTask<T>& task,
                                     std::span<const T> received, const KeptVectors<T>& kept,
                                     const std::stop_token& stop,
                                     const learning::StepProgress& progress) {
  std::vector<T> own = Begin(received, kept);
  if (IsDitto(spec)) return own;
  learning::LocalTrainingOptions options = task.options;
  options.local_epochs = 0;
  options.local_steps = spec.steps();
  const learning::LocalTask<T> tuning = {task.model, task.data, options, nullptr, task.order};
  SKERRY_RETURN_IF_ERROR(
      learning::TrainLocally(tuning, std::span<T>(own), stop, progress).status());
  return own;
}

template Status TrainDitto(const v1::PersonalSpec&, learning::LocalTask<float>,
                           std::span<const float>, KeptVectors<float>&, const std::stop_token&,
                           const learning::StepProgress&);
template Status TrainDitto(const v1::PersonalSpec&, learning::LocalTask<double>,
                           std::span<const double>, KeptVectors<double>&, const std::stop_token&,
                           const learning::StepProgress&);
template Result<std::vector<float>> PersonalModel(const v1::PersonalSpec&,
                                                  const learning::LocalTask<float>&,
                                                  std::span<const float>, const KeptVectors<float>&,
                                                  const std::stop_token&,
                                                  const learning::StepProgress&);
template Result<std::vector<double>> PersonalModel(
    const v1::PersonalSpec&, const learning::LocalTask<double>&, std::span<const double>,
    const KeptVectors<double>&, const std::stop_token&, const learning::StepProgress&);

}  // namespace skerry::client
