#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "simulation/fault_plan.h"

namespace skerry::simulation {

// A plan in TOML; docs/simulation.md tells every key. INVALID_ARGUMENT with all that is wrong, one
// "file:line: key: what" a line: an unknown key (the nearest is named), a wrong type, a statement
// that is not "from 1h for 20m", "at 1h for 20m" or "at 1h by -1h".
Result<FaultPlan> ParseFaultPlan(std::string_view text, const std::string& file_name);

// The same from the table [simulation.faults] of a run file; nullopt: it has none.
Result<std::optional<FaultPlan>> ParseFaultsOfRunFile(std::string_view text,
                                                      const std::string& file_name);

}  // namespace skerry::simulation
