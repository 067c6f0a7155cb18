#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "learning/models/layer.h"

namespace skerry::learning {

// "relu", "tanh", "gelu".
std::vector<std::string> ActivationNames();

// Works on each value by itself. INVALID_ARGUMENT names `key` when there is no such activation.
// gelu is x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (Hendrycks and Gimpel, "Gaussian error
// linear units", 2016), in double by exact_math.
Result<std::unique_ptr<Layer>> MakeActivation(std::string_view key, const std::string& name,
                                              int64_t width);

}  // namespace skerry::learning
