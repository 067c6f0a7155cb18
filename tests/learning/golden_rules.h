#pragma once

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"

namespace skerry::learning {

// Eleven updates of six values, and what other programs' robust rules make of them (NumPy, SciPy),
// in the folder that SKERRY_DATA names; nullopt: it is not set.
inline std::optional<nlohmann::json> GoldenRules() {
  const char* folder = std::getenv("SKERRY_DATA");
  if (folder == nullptr) return std::nullopt;
  PosixFiles files;
  const std::string path = std::string(folder) + "/golden_algos/aggregators.json";
  return nlohmann::json::parse(ReadFile(files, path).value());
}

}  // namespace skerry::learning
