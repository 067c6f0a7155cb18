#pragma once

#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// What the metrics of the sites' own models, [training.personal], are called: "personal_test.auc".
constexpr const char* kPersonalPrefix = "personal_";

// Whether a task of this kind, if it evaluates, evaluates the sites' own models too. Fine-tuning is
// done for the last model alone.
inline bool EvaluatesPersonal(const v1::PersonalSpec& spec, v1::TaskKind kind) {
  return spec.kind() == "ditto" || (spec.kind() == "fine_tuning" && kind == v1::EVALUATE);
}

}  // namespace skerry::learning
