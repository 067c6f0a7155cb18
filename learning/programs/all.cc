#include "learning/programs/all.h"

namespace skerry::learning {

bool IsFittedBySums(const std::string& model_kind) {
  return model_kind == "trees" || model_kind == "k_means";
}

Result<std::unique_ptr<Program>> MakeProgram(const v1::RunSpec& spec) {
  if (spec.model().kind() == "trees") return MakeTreesProgram(spec);
  if (spec.model().kind() == "k_means") return MakeKMeansProgram(spec);
  return MakeTrainingProgram(spec);
}

Status CheckSumSettings(const v1::RunSpec& spec) {
  const char* key = spec.model().local_tensors_size() > 0    ? "model.local_tensors"
                    : spec.evaluation().has_early_stopping() ? "evaluation.early_stopping"
                                                             : nullptr;
  if (key == nullptr) return OkStatus();
  return InvalidArgument(std::string(key) + ": a model of kind \"" + spec.model().kind() +
                         "\" does not have this")
      .WithHint("remove the key");
}

Result<std::unique_ptr<Strategy>> MakeSumStrategy() {
  v1::TrainingSpec spec;
  spec.set_strategy("fedavg");
  return MakeStrategy(spec);
}

}  // namespace skerry::learning
