#pragma once

#include <memory>

#include "base/status.h"
#include "learning/strategy.h"

// One line per strategy; each lives in a file of its own beside this one
// (docs/adding-a-strategy.md).
namespace skerry::learning {

Result<std::unique_ptr<Strategy>> MakeFedAvg(const v1::TrainingSpec& spec);

}  // namespace skerry::learning
