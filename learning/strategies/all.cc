#include "learning/strategies/all.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace skerry::learning {
namespace {

constexpr std::array kStrategies = {
    StrategyEntry{"fedavg", MakeFedAvg},
};

// These, and what the program has added.
std::vector<StrategyEntry>& Strategies() {
  static std::vector<StrategyEntry> all(kStrategies.begin(), kStrategies.end());
  return all;
}

const StrategyEntry* Find(std::string_view name) {
  const std::vector<StrategyEntry>& all = Strategies();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const StrategyEntry& entry) { return name == entry.name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

Status AddStrategies(std::span<const StrategyEntry> more) {
  for (const StrategyEntry& entry : more) {
    const std::string name = entry.name;
    if (name.empty()) return InvalidArgument("a strategy needs a name");
    if (Find(name) != nullptr) {
      return InvalidArgument("there is a strategy \"" + name + "\" already");
    }
    Strategies().push_back(entry);
  }
  return OkStatus();
}

Result<RoundScalars> Strategy::Prepare(int64_t /*round*/,
                                       std::span<const UpdateInfo> counted) const {
  if (counted.empty()) return FailedPrecondition("no update was counted");
  return RoundScalars{};
}

std::vector<std::string> StrategyNames() {
  std::vector<std::string> names;
  for (const StrategyEntry& entry : Strategies()) names.emplace_back(entry.name);
  return names;
}

Result<std::unique_ptr<Strategy>> MakeStrategy(const v1::TrainingSpec& spec) {
  if (const StrategyEntry* entry = Find(spec.strategy())) return entry->make(spec);
  const std::vector<std::string> names = StrategyNames();
  const std::string nearest = NearestName(spec.strategy(), names);
  Status status = InvalidArgument("there is no strategy \"" + spec.strategy() + "\"" +
                                  (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
  return std::move(status).WithHint("known strategies: " + Join(names, ", "));
}

}  // namespace skerry::learning
