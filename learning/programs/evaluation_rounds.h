#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "learning/features.h"
#include "learning/program.h"

namespace skerry::learning {

// What programs have in common: how they evaluate, and where they keep the transform of inputs.

// "validation" and "test", if rows are set aside for them.
std::vector<std::string> EvaluatedSplits(const v1::Split& split);
// The sections that evaluate a model on such splits.
void AppendEvaluation(OutputKind kind, const std::vector<std::string>& splits,
                      std::vector<Section>& sections);
// A round that does nothing else, with the model as it is then.
RoundSpec EvaluationRound(OutputKind kind, const std::vector<std::string>& splits, int64_t round);
// What the sums of these sections say: the metrics that [evaluation] names, or all.
// INVALID_ARGUMENT when they contradict themselves.
Result<std::vector<Metric>> EvaluationMetrics(const v1::RunSpec& spec, OutputKind kind,
                                              const std::vector<std::string>& splits,
                                              const RoundSpec& round, const Sums& sums);
// INVALID_ARGUMENT when [evaluation] names a metric that this kind of output does not have.
Status CheckMetrics(const v1::RunSpec& spec, OutputKind kind);

// Sections of our own names and sizes: a layout that is always good.
ResultLayout MakeResultLayout(std::vector<Section> sections);
// TransformTensors and their values, with `more` tensors behind them, which are 0.
FixedTensors WithTransform(const InputTransform& transform, const Layout& more = {});

}  // namespace skerry::learning
