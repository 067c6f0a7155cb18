#include "coordinator/selection.h"

#include <algorithm>

#include "base/random.h"

namespace skerry::coordinator {
namespace {

bool IsRequired(const RoundPolicy& policy, int32_t site) {
  const auto place = static_cast<std::size_t>(site);
  return place < policy.required.size() && policy.required[place];
}

std::vector<int32_t> ReadyAmong(const RoundState& state, const std::vector<int32_t>& sites) {
  std::vector<int32_t> ready;
  for (const int32_t site : sites) {
    if (state.seats[static_cast<std::size_t>(site)] == Seat::kReady) ready.push_back(site);
  }
  return ready;
}

}  // namespace

std::vector<int32_t> Draw(const RoundState& state, const RoundPolicy& policy) {
  if (policy.only) return ReadyAmong(state, *policy.only);
  std::vector<int32_t> pool = SitesIn(state, Seat::kReady);
  const int64_t taken =
      state.Count(Seat::kInvited) + state.Count(Seat::kLost) + state.Count(Seat::kReported);
  const int64_t wanted = std::max<int64_t>(0, policy.sites_per_round - taken);
  if (static_cast<int64_t>(pool.size()) <= wanted) return pool;

  const auto first_free = std::stable_partition(
      pool.begin(), pool.end(), [&](int32_t site) { return IsRequired(policy, site); });
  auto drawn = static_cast<std::size_t>(first_free - pool.begin());
  RandomStream random(policy.seed, Purpose::kSelection, static_cast<uint64_t>(state.round), "",
                      static_cast<uint64_t>(state.attempt));
  for (; drawn < static_cast<std::size_t>(wanted); ++drawn) {
    std::swap(pool[drawn], pool[drawn + random.Below(pool.size() - drawn)]);
  }
  pool.resize(drawn);
  std::sort(pool.begin(), pool.end());
  return pool;
}

}  // namespace skerry::coordinator
