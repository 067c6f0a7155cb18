#pragma once

#include <string_view>

#include "base/status.h"
#include "simulation/fault_plan.h"

// The statements of a fault plan, each a short sentence. INVALID_ARGUMENT shows the form.
namespace skerry::simulation {

Result<Window> ParseWindow(std::string_view text);        // "from 1h for 2h30m"
Result<Crash> ParseCrash(std::string_view text);          // "at 3h for 5m", "... with power loss"
Result<ClockJump> ParseClockJump(std::string_view text);  // "at 2h by +1h", "at 2h by -1h"
Result<double> ParseBandwidth(std::string_view text);  // "100 KB/s", "8 Mbit/s": bytes in a second

}  // namespace skerry::simulation
