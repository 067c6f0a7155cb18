#pragma once

#include "base/toml_reader.h"
#include "coordinator/run_plan.h"

namespace skerry::coordinator {

// [training.async], of strategies that take updates as they come; refuses what they do not go
// together with. After all other tables.
void ReadAsync(TomlReader& toml, RunPlan& plan);

}  // namespace skerry::coordinator
