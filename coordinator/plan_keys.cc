#include "coordinator/plan_keys.h"

#include <algorithm>

#include "base/text.h"

namespace skerry::coordinator {

void CheckAtLeast(TomlReader& toml, const char* key, double value, double least) {
  if (value < least) toml.Fail(key, "must be at least " + FormatExact(least));
}

uint64_t ReadSeed(TomlReader& toml, const char* key, int64_t otherwise) {
  const int64_t seed = toml.Integer(key, otherwise);
  CheckAtLeast(toml, key, static_cast<double>(seed), 0);
  return static_cast<uint64_t>(seed);
}

std::size_t ChooseName(TomlReader& toml, const char* key, const std::string& value,
                       const std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), value);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const std::string nearest = NearestName(value, names);
  toml.Fail(key,
            "there is no \"" + value + "\" here" +
                (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"),
            "known values: " + Join(names, ", "));
  return 0;
}

}  // namespace skerry::coordinator
