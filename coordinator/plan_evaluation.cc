#include "coordinator/plan_evaluation.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "coordinator/plan_keys.h"
#include "learning/external.h"
#include "learning/features.h"
#include "learning/metrics.h"
#include "learning/model.h"

namespace skerry::coordinator {
namespace {

constexpr const char* kBest = "evaluation.best_metric";
constexpr const char* kSites = "evaluation.sites";
constexpr const char* kStopMetric = "evaluation.early_stopping.metric";
constexpr std::array kMetrics = {"auc", "log_loss", "accuracy", "mse",
                                 "mae", "r2",       "c_index",  "cox_loss"};

// What trainers measure, they name.
void ChooseMetric(TomlReader& toml, const v1::RunSpec& spec, const char* key,
                  const std::string& name) {
  if (!learning::IsExternal(spec)) {
    Choose(toml, key, name, kMetrics);
  } else if (!learning::IsMetricName(name)) {
    toml.Fail(key, "a metric of a trainer is named by letters, digits and '_', 1 to 63 of them");
  }
}

// Each metric must be one that the model has.
void CheckMetrics(TomlReader& toml, const v1::RunSpec& spec) {
  const auto num_inputs = static_cast<int64_t>(learning::FeatureColumns(spec.data()).size());
  const auto model =
      learning::MakeAnyModel(spec.model(), num_inputs, spec.data().label_classes_size());
  if (!model.ok() || spec.model().kind() == "k_means") return;  // which is said elsewhere
  const std::vector<std::string> known = learning::MetricNames((*model)->output_kind());
  const auto check = [&](const char* key, const std::string& name) {
    const bool misspelt = std::find(kMetrics.begin(), kMetrics.end(), name) == kMetrics.end();
    if (misspelt || std::find(known.begin(), known.end(), name) != known.end()) return;
    toml.Fail(key,
              "a model with model.kind = \"" + spec.model().kind() + "\" and " +
                  (spec.data().label_classes().empty()
                       ? "a number as its label"
                       : std::to_string(spec.data().label_classes_size()) + " label_classes") +
                  " has no \"" + name + "\"",
              "it has: " + Join(known, ", "));
  };
  for (const std::string& name : spec.evaluation().metrics()) check("evaluation.metrics", name);
  check(kBest, spec.evaluation().best_metric());
  check(kStopMetric, spec.evaluation().early_stopping().metric());
}

// Training ends by the validation rows: to stop by those that the result is reported on would
// flatter it.
void ReadEarlyStopping(TomlReader& toml, v1::RunSpec& spec) {
  constexpr const char* kPatience = "evaluation.early_stopping.patience";
  constexpr const char* kMinDelta = "evaluation.early_stopping.min_delta";
  if (!toml.Has("evaluation.early_stopping")) return;
  v1::EarlyStoppingSpec& stopping = *spec.mutable_evaluation()->mutable_early_stopping();
  stopping.set_metric(toml.String(kStopMetric));
  ChooseMetric(toml, spec, kStopMetric, stopping.metric());
  stopping.set_patience(toml.Integer(kPatience));
  CheckAtLeast(toml, kPatience, static_cast<double>(stopping.patience()), 1);
  stopping.set_min_delta(toml.Number(kMinDelta, 0.0));
  CheckAtLeast(toml, kMinDelta, stopping.min_delta(), 0);
  if (spec.data().split().validation() <= 0) {
    toml.Fail("evaluation.early_stopping", "needs data.split.validation over 0",
              "it goes by validation rows; set for instance data.split = { train = 0.6, "
              "validation = 0.2, test = 0.2 }");
  }
  if (spec.evaluation().every() == 0) {
    toml.Fail("evaluation.early_stopping", "needs evaluation.every of at least 1");
  }
}

}  // namespace

void ReadEvaluation(TomlReader& toml, v1::RunSpec& spec) {
  v1::EvaluationSpec& evaluation = *spec.mutable_evaluation();
  evaluation.set_every(toml.Integer("evaluation.every", 1));
  CheckAtLeast(toml, "evaluation.every", static_cast<double>(evaluation.every()), 0);
  for (std::string& name : toml.Strings("evaluation.metrics", std::vector<std::string>{})) {
    ChooseMetric(toml, spec, "evaluation.metrics", name);
    evaluation.add_metrics(std::move(name));
  }
  evaluation.set_best_metric(toml.String(kBest, ""));
  if (toml.Has(kBest)) ChooseMetric(toml, spec, kBest, evaluation.best_metric());
  const std::string sites = toml.String(kSites, "all");
  Choose(toml, kSites, sites, std::array{"all", "drawn"});
  evaluation.set_drawn_sites(sites == "drawn");
  ReadEarlyStopping(toml, spec);
  CheckMetrics(toml, spec);
}

}  // namespace skerry::coordinator
