#include "learning/strategies/all.h"

#include <array>

#include "base/text.h"

namespace skerry::learning {
namespace {

struct Entry {
  const char* name;
  Result<std::unique_ptr<Strategy>> (*make)(const v1::TrainingSpec&);
};

constexpr std::array kStrategies = {
    Entry{"fedavg", MakeFedAvg},
};

}  // namespace

Result<RoundScalars> Strategy::Prepare(int64_t /*round*/,
                                       std::span<const UpdateInfo> counted) const {
  if (counted.empty()) return FailedPrecondition("no update was counted");
  return RoundScalars{};
}

std::vector<std::string> StrategyNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kStrategies) names.emplace_back(entry.name);
  return names;
}

Result<std::unique_ptr<Strategy>> MakeStrategy(const v1::TrainingSpec& spec) {
  for (const Entry& entry : kStrategies) {
    if (spec.strategy() == entry.name) return entry.make(spec);
  }
  const std::vector<std::string> names = StrategyNames();
  const std::string nearest = NearestName(spec.strategy(), names);
  Status status = InvalidArgument("there is no strategy \"" + spec.strategy() + "\"" +
                                  (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
  return std::move(status).WithHint("known strategies: " + Join(names, ", "));
}

}  // namespace skerry::learning
