#pragma once

#include "base/status.h"
#include "client/model_file.h"
#include "client/result_writer.h"
#include "client/run_data.h"
#include "client/site_policy.h"
#include "client/task_runner.h"

namespace skerry::client {

// A site's part of the programs that fit a model by sums alone (learning::IsFittedBySums). Nothing
// but these sums leaves the site, and what its rows say about the model. `run` has its rows and its
// model; `models` may be null. INVALID_ARGUMENT when task, run and model do not fit each other;
// CANCELLED when the order is stopped.
Result<WorkDone> AddUpForTrees(const WorkOrder& order, const SitePolicy& policy, ModelCache* models,
                               RunData& run);
// All but the statistics at its beginning.
Result<WorkDone> AddUpForKMeans(const WorkOrder& order, const SitePolicy& policy,
                                ModelCache* models, RunData& run);

}  // namespace skerry::client
