#include "coordinator/plan_evaluation.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "coordinator/plan_keys.h"
#include "learning/features.h"
#include "learning/metrics.h"
#include "learning/model.h"

namespace skerry::coordinator {
namespace {

constexpr std::array kMetrics = {"auc", "log_loss", "accuracy", "mse", "mae", "r2"};

// Each metric must be one that the model has.
void CheckMetrics(TomlReader& toml, const v1::RunSpec& spec) {
  const auto num_inputs = static_cast<int64_t>(learning::FeatureColumns(spec.data()).size());
  const auto model =
      learning::MakeModel(spec.model(), num_inputs, spec.data().label_classes_size());
  if (!model.ok()) return;  // which is said elsewhere
  const std::vector<std::string> known = learning::MetricNames((*model)->output_kind());
  for (const std::string& name : spec.evaluation().metrics()) {
    const bool misspelt = std::find(kMetrics.begin(), kMetrics.end(), name) == kMetrics.end();
    if (misspelt || std::find(known.begin(), known.end(), name) != known.end()) continue;
    toml.Fail("evaluation.metrics",
              "a model with model.kind = \"" + spec.model().kind() + "\" and " +
                  (spec.data().label_classes().empty()
                       ? "a number as its label"
                       : std::to_string(spec.data().label_classes_size()) + " label_classes") +
                  " has no \"" + name + "\"",
              "it has: " + Join(known, ", "));
  }
}

}  // namespace

void ReadEvaluation(TomlReader& toml, v1::RunSpec& spec) {
  v1::EvaluationSpec& evaluation = *spec.mutable_evaluation();
  evaluation.set_every(toml.Integer("evaluation.every", 1));
  CheckAtLeast(toml, "evaluation.every", static_cast<double>(evaluation.every()), 0);
  for (std::string& name : toml.Strings("evaluation.metrics", std::vector<std::string>{})) {
    Choose(toml, "evaluation.metrics", name, kMetrics);
    evaluation.add_metrics(std::move(name));
  }
  CheckMetrics(toml, spec);
}

}  // namespace skerry::coordinator
