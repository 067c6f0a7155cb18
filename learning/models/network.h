#pragma once

#include <memory>
#include <vector>

#include "learning/models/kinds.h"
#include "learning/models/layer.h"

namespace skerry::learning {

// Layer after layer: each takes what the one before gives, the last gives the outputs.
// INVALID_ARGUMENT when the parameters are more than 2^34, or none.
Result<std::unique_ptr<Model>> MakeNetwork(std::vector<std::unique_ptr<Layer>> layers,
                                           const Outputs& outputs);

}  // namespace skerry::learning
