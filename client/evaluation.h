#pragma once

#include <map>
#include <span>
#include <string>

#include "base/status.h"
#include "client/data/site_data.h"
#include "client/result_writer.h"
#include "client/site_policy.h"
#include "learning/dataset.h"
#include "learning/metrics.h"
#include "learning/model.h"
#include "learning/progress.h"

namespace skerry::client {

// Both for float and double.

// Over all rows, some at a time: memory does not grow with rows times the model's width.
template <class T>
Result<learning::EvaluationSums> EvaluateRows(const learning::BasicModel<T>& model,
                                              std::span<const T> parameters,
                                              const learning::BasicDataset<T>& data,
                                              const learning::RowProgress& progress);

// What the run's validation and test rows say about the model, into the sections of the result that
// have the splits' names behind `prefix`. A split of fewer rows than policy.min_examples says
// nothing: its sections are those of no rows.
template <class T>
Status WriteEvaluation(const learning::BasicModel<T>& model, std::span<const T> parameters,
                       const std::map<SplitPart, learning::BasicDataset<T>>& datasets,
                       const v1::Split& split, const SitePolicy& policy,
                       const learning::RowProgress& progress, ResultWriter& writer,
                       const std::string& prefix = "");

}  // namespace skerry::client
