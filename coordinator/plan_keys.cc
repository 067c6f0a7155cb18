#include "coordinator/plan_keys.h"

#include <algorithm>

#include "base/text.h"

namespace skerry::coordinator {

void CheckAtLeast(TomlReader& toml, const char* key, double value, double least) {
  if (value < least) toml.Fail(key, "must be at least " + FormatExact(least));
}

double ReadPositive(TomlReader& toml, const char* key, std::optional<double> otherwise) {
  const double value = otherwise && !toml.Has(key) ? *otherwise : toml.Number(key);
  if (toml.Has(key) && !(value > 0)) toml.Fail(key, "must be over 0");
  return value;
}

double ReadShare(TomlReader& toml, const char* key, double otherwise) {
  const double value = toml.Number(key, otherwise);
  if (!(value >= 0 && value < 1)) toml.Fail(key, "must be at least 0 and below 1");
  return value;
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
