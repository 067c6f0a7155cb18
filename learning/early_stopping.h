#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "learning/program.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// Why and when training has gone on for long enough.
struct EarlyStop {
  int64_t round = 0;         // the training round that is the last
  int64_t best_version = 0;  // the model with the best value
  double best_value = 0;
};

// Training ends with the first round after which `patience` evaluations in a row were not better
// than the best before them, by more than min_delta (Prechelt: "Early stopping - but when?", 1998,
// with the count of evaluations as criterion). Round r evaluates version r - 1, on the validation
// rows of its sites; rounds without the metric say nothing. nullopt: it goes on. A function of the
// outcomes of all training rounds, in order, so that a restart comes to the same end.
std::optional<EarlyStop> FindEarlyStop(const v1::EarlyStoppingSpec& spec,
                                       std::span<const RoundOutcome> committed);

// For a person: "validation.auc did not improve in 5 evaluations; version 12 was the best (0.8)".
std::string InWords(const v1::EarlyStoppingSpec& spec, const EarlyStop& stop);

}  // namespace skerry::learning
