#include "simulation/fault_plan.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace skerry::simulation {

const SiteFaults& FaultPlan::Of(const std::string& site) const {
  const auto found = sites.find(site);
  return found == sites.end() ? every_site : found->second;
}

Status CheckSites(const FaultPlan& plan, const std::vector<std::string>& sites) {
  for (const auto& [name, faults] : plan.sites) {
    if (std::find(sites.begin(), sites.end(), name) != sites.end()) continue;
    const std::string nearest = NearestName(name, sites);
    Status status =
        InvalidArgument("the plan speaks of the site \"" + name + "\", which is not here" +
                        (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
    return std::move(status).WithHint("the sites are: " + Join(sites, ", "));
  }
  return OkStatus();
}

}  // namespace skerry::simulation
