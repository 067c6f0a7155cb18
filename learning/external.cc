#include "learning/external.h"

#include <algorithm>
#include <utility>

#include "learning/features.h"
#include "learning/finite.h"
#include "learning/models/initial.h"

namespace skerry::learning {
namespace {

Section SectionOf(std::string name, Rule rule, std::vector<TensorSpec> tensors) {
  // The names were checked with the run.
  return {std::move(name), rule, OwnLayout(std::move(tensors))};
}

}  // namespace

bool HasPreparedRows(const v1::RunSpec& spec) { return !FeatureColumns(spec.data()).empty(); }

bool TrainersBegin(const v1::RunSpec& spec) {
  return spec.model().external().initial() == "trainer";
}

Result<Layout> ExternalLayout(const v1::RunSpec& spec) {
  constexpr const char* kTensors = "model.external.tensors";
  std::vector<TensorSpec> tensors;
  for (const v1::TensorSpec& tensor : spec.model().external().tensors()) {
    if (tensor.name().starts_with("input.")) {
      return InvalidArgument(std::string(kTensors) +
                             ": names that begin with \"input.\" are Skerry's own");
    }
    if (tensor.dtype() != v1::F32) return InvalidArgument(std::string(kTensors) + ": must be F32");
    tensors.push_back({tensor.name(), DType::kF32, {tensor.shape().begin(), tensor.shape().end()}});
  }
  if (tensors.empty()) return InvalidArgument(std::string(kTensors) + ": the model has no tensor");
  Result<Layout> layout = Layout::Create(std::move(tensors));
  if (!layout.ok()) return layout.status().WithContext(kTensors);
  if (layout->num_elements() > 0) return layout;
  return InvalidArgument(std::string(kTensors) + ": the tensors have no elements");
}

void InitializeExternal(const v1::RunSpec& spec, int64_t first, std::span<double> out) {
  const v1::ExternalSpec& external = spec.model().external();
  if (external.initial() == "uniform") {
    DrawUniform({spec.seed(), 0, kExternalKind}, external.initial_scale(), first, out);
    for (double& value : out) value = static_cast<double>(static_cast<float>(value));
    return;
  }
  std::fill(out.begin(), out.end(), 0.0);
}

bool IsMetricName(std::string_view name) {
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::vector<std::string> ExternalSums(const v1::EvaluationSpec& spec) {
  std::vector<std::string> names = {"loss"};
  const auto add = [&names](const std::string& metric) {
    if (metric.empty() || std::find(names.begin(), names.end(), metric) != names.end()) return;
    names.push_back(metric);
  };
  for (const std::string& metric : spec.metrics()) add(metric);
  add(spec.best_metric());
  add(spec.early_stopping().metric());
  return names;
}

std::vector<Section> ExternalSections(const v1::EvaluationSpec& spec, std::string_view split) {
  std::vector<TensorSpec> sums;
  for (std::string& name : ExternalSums(spec)) sums.push_back({std::move(name), DType::kF64, {}});
  return {SectionOf(EvaluationCounts(split), Rule::kSumI64, {{"num_examples", DType::kI64, {}}}),
          SectionOf(EvaluationSumsOf(split), Rule::kSumF64, std::move(sums))};
}

Result<std::vector<Metric>> ExternalMetrics(const v1::EvaluationSpec& spec, std::string_view split,
                                            const Sums& sums) {
  const std::vector<std::string> names = ExternalSums(spec);
  const std::vector<int64_t>& counts = sums.i64.at(EvaluationCounts(split));
  const std::vector<double>& values = sums.f64.at(EvaluationSumsOf(split));
  if (counts.size() != 1 || values.size() != names.size() || counts[0] < 0) {
    return InvalidArgument("an evaluation does not fit the run");
  }
  std::vector<Metric> metrics;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!IsFinite(values[i])) return InvalidArgument("a sum of the evaluation is not finite");
    if (counts[0] == 0 && values[i] != 0) return InvalidArgument("sums over no rows are not 0");
    if (counts[0] == 0) continue;
    metrics.push_back({std::string(split) + "." + names[i],
                       values[i] / static_cast<double>(counts[0]), counts[0], 0});
  }
  return metrics;
}

}  // namespace skerry::learning
