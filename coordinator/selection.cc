#include "coordinator/selection.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "coordinator/oort.h"

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

// One draw: a pool in roster order, of which `wanted` (at most all) are to be chosen.
class Drawing {
 public:
  Drawing(const RoundState& state, const RoundPolicy& policy)
      : state_(state), policy_(policy), random_(Stream(0)) {}

  std::vector<int32_t> From(std::vector<int32_t> pool, std::size_t wanted) {
    switch (policy_.selection) {
      case Selection::kRandom:
      case Selection::kPoisson:
        return Uniformly(std::move(pool), wanted);
      case Selection::kAvailability:
        return Best(Uniformly(std::move(pool), kAll), wanted, [](const SiteTrack& site) {
          return -static_cast<double>(site.rounds_counted);
        });
      case Selection::kPowerOfChoice:
        return PowerOfChoice(pool, wanted);
      case Selection::kOort:
        return DrawOort(*policy_.track, pool, wanted, state_.round, random_);
    }
    SKERRY_CHECK(false);
    return {};
  }

  // At least `least` of them: with fewer, the round could not commit.
  std::vector<int32_t> ByCoins(const std::vector<int32_t>& pool, std::size_t least) {
    constexpr uint64_t kMostDraws = 100;
    for (uint64_t draw = 0; draw < kMostDraws; ++draw) {
      RandomStream coins = Stream(draw << 32U);
      std::vector<int32_t> drawn;
      for (const int32_t site : pool) {
        if (coins.Uniform() < policy_.probability) drawn.push_back(site);
      }
      if (drawn.size() >= least) return drawn;
    }
    return Uniformly(pool, least);
  }

 private:
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  RandomStream Stream(uint64_t draw) const {
    return {policy_.seed, Purpose::kSelection, static_cast<uint64_t>(state_.round), "",
            static_cast<uint64_t>(state_.attempt) | draw};
  }

  std::vector<int32_t> Uniformly(std::vector<int32_t> pool, std::size_t wanted) {
    wanted = std::min(wanted, pool.size());
    for (std::size_t drawn = 0; drawn < wanted; ++drawn) {
      std::swap(pool[drawn], pool[drawn + random_.Below(pool.size() - drawn)]);
    }
    pool.resize(wanted);
    return pool;
  }

  // Those of the highest merit; of equal ones, those that stand first.
  template <class Merit>
  std::vector<int32_t> Best(std::vector<int32_t> pool, std::size_t wanted, Merit merit) const {
    const auto of = [&](int32_t site) {
      return merit(policy_.track->sites()[static_cast<std::size_t>(site)]);
    };
    std::stable_sort(pool.begin(), pool.end(), [&](int32_t a, int32_t b) { return of(a) > of(b); });
    pool.resize(std::min(wanted, pool.size()));
    return pool;
  }

  std::vector<int32_t> PowerOfChoice(const std::vector<int32_t>& pool, std::size_t wanted) {
    const std::size_t candidates = std::max(wanted, static_cast<std::size_t>(policy_.candidates));
    std::vector<int32_t> drawn =
        DrawWeighted(pool, SizesOrMean(*policy_.track, pool), candidates, random_);
    const double mean = policy_.track->MeanLoss();
    return Best(std::move(drawn), wanted, [mean](const SiteTrack& site) {
      return site.rounds_counted == 0 ? std::numeric_limits<double>::infinity()
                                      : site.loss.value_or(mean);
    });
  }

  const RoundState& state_;
  const RoundPolicy& policy_;
  RandomStream random_;
};

}  // namespace

std::vector<int32_t> Draw(const RoundState& state, const RoundPolicy& policy) {
  if (policy.only) return ReadyAmong(state, *policy.only);
  std::vector<int32_t> pool = SitesIn(state, Seat::kReady);
  const int64_t taken =
      state.Count(Seat::kInvited) + state.Count(Seat::kLost) + state.Count(Seat::kReported);
  const bool by_coins = policy.selection == Selection::kPoisson;
  const int64_t goal = by_coins ? policy.quorum : policy.sites_per_round;
  const auto wanted = static_cast<std::size_t>(std::max<int64_t>(0, goal - taken));
  if (pool.size() <= wanted) return pool;

  const auto first_free = std::stable_partition(
      pool.begin(), pool.end(), [&](int32_t site) { return IsRequired(policy, site); });
  std::vector<int32_t> free(first_free, pool.end());
  pool.erase(first_free, pool.end());
  const std::size_t more = wanted - std::min(wanted, pool.size());
  Drawing drawing(state, policy);
  // Those that an earlier attempt drew are the draw of this round, unless they are too few.
  const std::vector<int32_t> drawn = !by_coins                ? drawing.From(std::move(free), more)
                                     : taken > 0 && more == 0 ? std::vector<int32_t>{}
                                                              : drawing.ByCoins(free, more);
  pool.insert(pool.end(), drawn.begin(), drawn.end());
  std::sort(pool.begin(), pool.end());
  return pool;
}

}  // namespace skerry::coordinator
