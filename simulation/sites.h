#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "simulation/simulator.h"

namespace skerry::simulation {

// The sites that `what` names: a CSV file (one site), a folder of CSV files, a glob such as
// "data/*.csv" (one site each, named after its file), all relative to `base`.
// NOT_FOUND: there is no such file. INVALID_ARGUMENT: a file's name is no site name.
Result<std::vector<SimulatedSite>> SitesFromFiles(const std::string& what, const std::string& base);

// The rows of all of `sites` together, dealt to `count` sites named site-1, site-2, ... at random
// by `seed`: what a federation of so many would be like.
std::vector<SimulatedSite> DealToSites(const std::vector<SimulatedSite>& sites, int64_t count,
                                       uint64_t seed);

}  // namespace skerry::simulation
