#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "learning/metrics.h"
#include "learning/program.h"
#include "skerry/v1/task.pb.h"

// Models of which nothing is known here but their tensors: a program of each site's own trains and
// evaluates them (docs/trainer-protocol.md).
namespace skerry::learning {

constexpr const char* kExternalKind = "external";
inline bool IsExternal(const v1::RunSpec& spec) { return spec.model().kind() == kExternalKind; }
// Whether sites read and prepare rows for the trainers: the run declares inputs. Otherwise trainers
// read the site's source by themselves.
bool HasPreparedRows(const v1::RunSpec& spec);

// The tensors. INVALID_ARGUMENT names the key of [model.external] that is wrong.
Result<Layout> ExternalLayout(const v1::RunSpec& spec);
// Elements [first, first + out.size()) of what they begin with; zeros where the trainers say it.
void InitializeExternal(const v1::RunSpec& spec, int64_t first, std::span<double> out);
bool TrainersBegin(const v1::RunSpec& spec);

// Evaluation adds up "loss" and the metrics that [evaluation] lists over the examples of all sites;
// the metrics of a federation are these sums over the number of examples.
std::vector<std::string> ExternalSums(const v1::EvaluationSpec& spec);
// Per split: the number of examples (SUM_I64), and the sums (SUM_F64).
std::vector<Section> ExternalSections(const v1::EvaluationSpec& spec, std::string_view split);
// None for no examples. INVALID_ARGUMENT when the sums contradict themselves.
Result<std::vector<Metric>> ExternalMetrics(const v1::EvaluationSpec& spec, std::string_view split,
                                            const Sums& sums);
// What a metric may be called: letters, digits and '_'.
bool IsMetricName(std::string_view name);

// The program of such a run: the statistics of inputs and what the model begins with as round 0
// where they are needed, then training rounds, then an evaluation of the last model.
// INVALID_ARGUMENT names the key that is wrong.
Result<std::unique_ptr<Program>> MakeExternalProgram(const v1::RunSpec& spec);

}  // namespace skerry::learning
