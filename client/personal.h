#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "client/site_algorithm.h"
#include "learning/local_training.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// The name that a site's own model has among what it keeps.
constexpr const char* kPersonalModel = "personal";

// A site's own model beside the run's, [training.personal]: it stays at the site. T: float or
// double.

// The names that it keeps between tasks.
std::vector<std::string> PersonalVectors(const v1::PersonalSpec& spec);

// Ditto (Li, Hu, Beirami, Smith: "Ditto: fair and robust federated learning through
// personalization", ICML 2021): steps down F_k(v) + lambda/2 |v - w|^2, from what the site kept of
// v to the next, where w are the parameters as received. A site that has none begins at w.
template <class T>
Status TrainDitto(const v1::PersonalSpec& spec, learning::LocalTask<T> task,
                  std::span<const T> received, KeptVectors<T>& kept, const std::stop_token& stop,
                  const learning::StepProgress& progress);

// The site's own model as it stands when the task begins: what Ditto kept, or the parameters as
// received; for fine-tuning, those after personal.steps steps on the site's own rows.
template <class T>
Result<std::vector<T>> PersonalModel(const v1::PersonalSpec& spec,
                                     const learning::LocalTask<T>& task,
                                     std::span<const T> received, const KeptVectors<T>& kept,
                                     const std::stop_token& stop,
                                     const learning::StepProgress& progress);

}  // namespace skerry::client
