#pragma once

#include <nlohmann/json.hpp>

#include "base/files.h"

namespace skerry::learning {

// Eleven updates of six values, and what other programs' robust rules make of them.
inline nlohmann::json GoldenRules() {
  PosixFiles files;
  return nlohmann::json::parse(ReadFile(files, SKERRY_GOLDEN_RULES).value());
}

}  // namespace skerry::learning
