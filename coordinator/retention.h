#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "coordinator/run_plan.h"
#include "learning/metrics.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// Notes how good a version is: the first metric of [evaluation] metrics (validation before test),
// or the loss when none is listed; larger is better. Nothing when the metrics do not have it.
void RememberScore(const v1::RunSpec& spec, int64_t version,
                   const std::vector<learning::Metric>& metrics, std::map<int64_t, double>& scores);

// The versions up to `newest` that [keep] lets go of now, given that it was asked at every version
// before: at most a few.
std::vector<int64_t> VersionsToDrop(const Keep& keep, const std::map<int64_t, double>& scores,
                                    int64_t newest);
// The versions that are kept.
std::vector<int64_t> VersionsToKeep(const Keep& keep, const std::map<int64_t, double>& scores,
                                    int64_t newest);

}  // namespace skerry::coordinator
