#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "coordinator/run_plan.h"
#include "simulation/simulator.h"

namespace skerry::simulation {

// The sites that `what` names: a CSV file (one site), a folder of CSV files, a glob such as
// "data/*.csv" (one site each, named after its file), all relative to `base`.
// NOT_FOUND: there is no such file. INVALID_ARGUMENT: a file's name is no site name.
Result<std::vector<SimulatedSite>> SitesFromFiles(const std::string& what, const std::string& base);

// The sites that own images of two IDX files, "site-0", "site-1", ...: one for each number that
// occurs in `parts`, of as many digits as the largest; without `parts`, one site. Paths are
// relative to `base`. Errors as ReadFile has them; FAILED_PRECONDITION for an empty `parts`.
Result<std::vector<SimulatedSite>> SitesFromIdx(const coordinator::SimulationSettings::Idx& idx,
                                                const std::string& base);

// The sites that [simulation] of a run file names. INVALID_ARGUMENT when it names none.
Result<std::vector<SimulatedSite>> SitesOfRunFile(const coordinator::RunPlan& plan,
                                                  const std::string& run_file);

// The rows of all of `sites` together, dealt to `count` sites named site-1, site-2, ... at random
// by `seed`: what a federation of so many would be like.
std::vector<SimulatedSite> DealToSites(const std::vector<SimulatedSite>& sites, int64_t count,
                                       uint64_t seed);

}  // namespace skerry::simulation
