#include "learning/programs/evaluation_rounds.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace skerry::learning {
namespace {

// [evaluation] metrics names them without the split; none listed: all.
bool Wanted(const v1::EvaluationSpec& spec, const std::string& name) {
  const std::string bare = name.substr(name.find('.') + 1);
  return spec.metrics().empty() ||
         std::find(spec.metrics().begin(), spec.metrics().end(), bare) != spec.metrics().end() ||
         bare == spec.best_metric() || bare == spec.early_stopping().metric();
}

}  // namespace

std::vector<std::string> EvaluatedSplits(const v1::Split& split) {
  std::vector<std::string> names;
  if (split.validation() > 0) names.emplace_back("validation");
  if (split.test() > 0) names.emplace_back("test");
  return names;
}

void AppendEvaluation(OutputKind kind, const std::vector<std::string>& splits,
                      std::vector<Section>& sections) {
  for (const std::string& split : splits) {
    for (Section& section : EvaluationSections(kind, split)) sections.push_back(std::move(section));
  }
}

RoundSpec EvaluationRound(OutputKind kind, const std::vector<std::string>& splits, int64_t round) {
  RoundSpec made;
  made.round = round;
  made.kind = v1::EVALUATE;
  made.makes_model = false;
  made.evaluate = true;
  std::vector<Section> sections;
  AppendEvaluation(kind, splits, sections);
  made.result_layout = MakeResultLayout(std::move(sections));
  return made;
}

Result<std::vector<Metric>> EvaluationMetrics(const v1::RunSpec& spec, OutputKind kind,
                                              const std::vector<std::string>& splits,
                                              const RoundSpec& round, const Sums& sums) {
  std::vector<Metric> metrics;
  for (const std::string& split : splits) {
    const std::string counts = EvaluationCounts(split);
    if (!round.result_layout.Find(counts)) continue;
    SKERRY_ASSIGN_OR_RETURN(
        const EvaluationSums evaluation,
        FromValues(kind, {sums.i64.at(counts), sums.f64.at(EvaluationSumsOf(split))}));
    for (Metric& metric : ToMetrics(kind, split, evaluation)) {
      if (Wanted(spec.evaluation(), metric.name)) metrics.push_back(std::move(metric));
    }
  }
  return metrics;
}

Status CheckMetrics(const v1::RunSpec& spec, OutputKind kind) {
  const std::vector<std::string> names = MetricNames(kind);
  const auto check = [&](const char* key, const std::string& wanted) {
    if (std::find(names.begin(), names.end(), wanted) != names.end()) return OkStatus();
    return InvalidArgument(std::string(key) + ": a model of kind \"" + spec.model().kind() +
                           "\" with this label has no \"" + wanted + "\"")
        .WithHint("it has: " + Join(names, ", "));
  };
  const v1::EvaluationSpec& evaluation = spec.evaluation();
  for (const std::string& wanted : evaluation.metrics()) {
    SKERRY_RETURN_IF_ERROR(check("evaluation.metrics", wanted));
  }
  if (!evaluation.best_metric().empty()) {
    SKERRY_RETURN_IF_ERROR(check("evaluation.best_metric", evaluation.best_metric()));
  }
  if (!evaluation.has_early_stopping()) return OkStatus();
  return check("evaluation.early_stopping.metric", evaluation.early_stopping().metric());
}

ResultLayout MakeResultLayout(std::vector<Section> sections) {
  Result<ResultLayout> layout = ResultLayout::Create(std::move(sections));
  SKERRY_CHECK(layout.ok());
  return *std::move(layout);
}

FixedTensors WithTransform(const InputTransform& transform, const Layout& more) {
  std::vector<TensorSpec> tensors = TransformTensors(transform.mean.size());
  tensors.insert(tensors.end(), more.tensors().begin(), more.tensors().end());
  Result<Layout> layout = Layout::Create(std::move(tensors));
  SKERRY_CHECK(layout.ok());
  FixedTensors fixed = {*std::move(layout), {}};
  for (const auto* values : {&transform.fill, &transform.mean, &transform.scale}) {
    fixed.values.insert(fixed.values.end(), values->begin(), values->end());
  }
  fixed.values.resize(static_cast<std::size_t>(fixed.layout.num_elements()));
  return fixed;
}

}  // namespace skerry::learning
