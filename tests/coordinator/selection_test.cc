#include "coordinator/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "coordinator/oort.h"

namespace skerry::coordinator {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSubsetOf;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int kSites = 20;

RoundState AllReady(int64_t round, int num_sites = kSites) {
  RoundPolicy waits;
  waits.min_sites = num_sites + 1;
  waits.min_wait = Duration{1};
  return BeginRound(round, 1, std::vector<Seat>(static_cast<std::size_t>(num_sites), Seat::kReady),
                    {}, waits, Timestamp{})
      .state;
}

RoundPolicy By(Selection selection, int64_t sites_per_round) {
  RoundPolicy policy;
  policy.selection = selection;
  policy.sites_per_round = sites_per_round;
  policy.seed = 11;
  return policy;
}

std::shared_ptr<TrackRecord> Track(int num_sites = kSites) {
  return std::make_shared<TrackRecord>(static_cast<std::size_t>(num_sites));
}

std::vector<int32_t> Everybody() {
  std::vector<int32_t> all(kSites);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

TEST(SelectionTest, RandomDrawsEachSiteEquallyOften) {
  std::map<int32_t, int> times;
  constexpr int kRounds = 4000;
  for (int64_t round = 1; round <= kRounds; ++round) {
    const auto drawn = Draw(AllReady(round), By(Selection::kRandom, 5));
    ASSERT_THAT(drawn, SizeIs(5));
    EXPECT_EQ(std::set<int32_t>(drawn.begin(), drawn.end()).size(), 5U);
    for (const int32_t site : drawn) ++times[site];
  }
  // 1000 expected, standard deviation 27.4.
  for (const int32_t site : Everybody()) EXPECT_NEAR(times[site], 1000, 140) << site;
}

TEST(SelectionTest, PoissonThrowsACoinForEachSite) {
  RoundPolicy policy = By(Selection::kPoisson, kSites);
  policy.probability = 0.3;
  std::map<int32_t, int> times;
  std::set<std::size_t> sizes;
  constexpr int kRounds = 4000;
  for (int64_t round = 1; round <= kRounds; ++round) {
    const auto drawn = Draw(AllReady(round), policy);
    sizes.insert(drawn.size());
    for (const int32_t site : drawn) ++times[site];
  }
  // 1200 expected, standard deviation 29; that nobody was drawn (0.08 %) was drawn again.
  for (const int32_t site : Everybody()) EXPECT_NEAR(times[site], 1200, 150) << site;
  EXPECT_GT(sizes.size(), 8U) << "the number varies";
  EXPECT_FALSE(sizes.contains(0));
}

TEST(SelectionTest, PoissonThatDrawsTooFewForTheQuorumDrawsAgainAndIsNeverStuck) {
  RoundPolicy policy = By(Selection::kPoisson, kSites);
  policy.probability = 1e-9;
  policy.quorum = 3;
  policy.required.assign(kSites, false);
  policy.required[7] = true;
  for (int64_t round = 1; round <= 50; ++round) {
    const auto drawn = Draw(AllReady(round), policy);
    EXPECT_THAT(drawn, SizeIs(3));
    EXPECT_THAT(drawn, Contains(7));
  }
}

TEST(SelectionTest, ByAvailabilityThoseWhoWereCountedLeastComeFirst) {
  RoundPolicy policy = By(Selection::kAvailability, 4);
  auto track = Track();
  policy.track = track;
  std::map<int32_t, int> times;
  for (int64_t round = 1; round <= 50; ++round) {
    for (const int32_t site : Draw(AllReady(round), policy)) {
      ++times[site];
      track->NoteCounted(static_cast<std::size_t>(site), round, 100, 0.5, 1);
    }
  }
  for (const int32_t site : Everybody()) EXPECT_EQ(times[site], 10) << site;
}

TEST(SelectionTest, PowerOfChoiceTakesTheHighestLossesAndTheUnknownFirst) {
  RoundPolicy policy = By(Selection::kPowerOfChoice, 3);
  policy.candidates = kSites;
  auto track = Track();
  policy.track = track;
  for (const int32_t site : Everybody()) {
    if (site == 4) continue;
    track->NoteCounted(static_cast<std::size_t>(site), 1, 100, site == 9 || site == 2 ? 3 : 0.1, 1);
  }
  EXPECT_THAT(Draw(AllReady(2), policy), ElementsAre(2, 4, 9));
  policy.candidates = 3;  // then it is no choice
  std::set<std::vector<int32_t>> draws;
  for (int64_t round = 2; round < 40; ++round) draws.insert(Draw(AllReady(round), policy));
  EXPECT_GT(draws.size(), 20U);
}

TEST(SelectionTest, ASiteThatTellsNoLossCountsWithTheMeanOfTheOthers) {
  RoundPolicy policy = By(Selection::kPowerOfChoice, 3);
  policy.candidates = kSites;
  auto track = Track();
  policy.track = track;
  for (const int32_t site : Everybody()) {
    const std::optional<double> told = site == 4 ? std::nullopt : std::optional(0.1);
    track->NoteCounted(static_cast<std::size_t>(site), 1, 100, told, 1);
  }
  for (const std::size_t site : {2U, 9U}) track->NoteCounted(site, 2, 100, 3, 1);
  EXPECT_THAT(Draw(AllReady(3), policy), ElementsAre(2, 4, 9));
  track->NoteCounted(4, 3, 100, 0.01, 1);
  EXPECT_THAT(Draw(AllReady(4), policy), Not(Contains(4))) << "its own word counts";
  track->NoteCounted(4, 4, 100, std::nullopt, 1);
  EXPECT_THAT(Draw(AllReady(5), policy), Contains(4)) << "of its newest round";
}

TEST(SelectionTest, PowerOfChoiceGetsToKnowEverybody) {
  RoundPolicy policy = By(Selection::kPowerOfChoice, 2);
  policy.candidates = 4;
  auto track = Track();
  policy.track = track;
  std::set<int32_t> met;
  for (int64_t round = 1; round <= 60; ++round) {
    for (const int32_t site : Draw(AllReady(round), policy)) {
      met.insert(site);
      track->NoteCounted(static_cast<std::size_t>(site), round, 100, 5, 1);
    }
  }
  EXPECT_THAT(met, SizeIs(kSites));
}

TEST(OortTest, ASiteOfUnknownSizeCountsAsTheMeanOfTheOthers) {
  auto track = Track(4);
  track->NoteCounted(0, 0, 100, 0, 0);
  track->NoteCounted(2, 0, 300, 0, 0);
  EXPECT_THAT(SizesOrMean(*track, {0, 1, 2, 3}), ElementsAre(100, 200, 300, 200));
  EXPECT_THAT(SizesOrMean(*track, {1, 3}), ElementsAre(1, 1));
}

TEST(SelectionTest, WithoutAnyTrackRecordEveryRuleDrawsAsManyAsItShould) {
  for (const Selection selection :
       {Selection::kAvailability, Selection::kPowerOfChoice, Selection::kOort}) {
    for (const int64_t wanted : {1, 2, 19, 20, 25}) {
      SCOPED_TRACE(std::string(Name(selection)) + " " + std::to_string(wanted));
      RoundPolicy policy = By(selection, wanted);
      policy.candidates = 2 * wanted;
      policy.track = Track();
      EXPECT_THAT(Draw(AllReady(1), policy),
                  SizeIs(static_cast<std::size_t>(std::min<int64_t>(wanted, kSites))));
    }
  }
}

TEST(SelectionTest, TheSameRecordDrawsTheSameSites) {
  for (const Selection selection :
       {Selection::kRandom, Selection::kPoisson, Selection::kAvailability,
        Selection::kPowerOfChoice, Selection::kOort}) {
    RoundPolicy policy = By(selection, 6);
    policy.probability = 0.4;
    policy.candidates = 12;
    auto track = Track();
    for (const int32_t site : Everybody()) {
      track->NoteCounted(static_cast<std::size_t>(site), 1, 50 + site, 0.1 * site, 1 + site);
    }
    policy.track = track;
    EXPECT_EQ(Draw(AllReady(2), policy), Draw(AllReady(2), policy)) << Name(selection);
  }
}

// Half of the sites have ten times the loss, and all have trained.
TEST(OortTest, SitesWithMoreToLearnFromAreDrawnMoreOften) {
  auto track = Track();
  for (const int32_t site : Everybody()) {
    track->NoteCounted(static_cast<std::size_t>(site), 1, 100, site < 10 ? 2.0 : 0.2, 1);
  }
  std::map<bool, int> times;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    RandomStream random(seed, Purpose::kSelection, 2, "", 1);
    for (const int32_t site : DrawOort(*track, Everybody(), 6, 2, random)) ++times[site < 10];
  }
  EXPECT_GT(times[true], 3 * times[false]);
}

TEST(OortTest, SitesThatTellNoLossAreDrawnAsOthersAre) {
  auto track = Track();
  for (const int32_t site : Everybody()) {
    track->NoteCounted(static_cast<std::size_t>(site), 1, 100,
                       site < 5 ? std::nullopt : std::optional(1.0), 1);
  }
  std::map<bool, int> times;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    RandomStream random(seed, Purpose::kSelection, 2, "", 1);
    for (const int32_t site : DrawOort(*track, Everybody(), 6, 2, random)) ++times[site < 5];
  }
  const double share = times[true] / static_cast<double>(times[true] + times[false]);
  EXPECT_NEAR(share, 5.0 / kSites, 0.03);  // standard deviation 0.008
}

TEST(OortTest, ASiteThatClaimsAnEndlessLossDoesNotDecideForAll) {
  auto track = Track();
  for (const std::size_t liar : {3U, 4U}) track->NoteCounted(liar, 1, int64_t{1} << 50, 1e300, 1);
  RandomStream random(5, Purpose::kSelection, 2, "", 1);
  const std::vector<int32_t> drawn = DrawOort(*track, Everybody(), 6, 2, random);
  EXPECT_THAT(std::set<int32_t>(drawn.begin(), drawn.end()), SizeIs(6));
  for (const double utility : track->utility_of_rounds()) EXPECT_TRUE(std::isfinite(utility));
}

TEST(OortTest, SlowSitesAreDrawnLessOften) {
  auto track = Track();
  for (const int32_t site : Everybody()) {
    track->NoteCounted(static_cast<std::size_t>(site), 1, 100, 1.0, site < 10 ? 1 : 30);
  }
  for (uint64_t seed = 0; seed < 50; ++seed) {
    RandomStream random(seed, Purpose::kSelection, 2, "", 1);
    for (const int32_t site : DrawOort(*track, Everybody(), 6, 2, random)) EXPECT_LT(site, 10);
  }
}

TEST(OortTest, ExplorationTakesMostSeatsAtFirstAndFewLater) {
  auto track = Track();
  for (int32_t site = 0; site < 10; ++site) {
    track->NoteCounted(static_cast<std::size_t>(site), 1, 100, 1.0, 1);
  }
  const auto unknown_in = [&](int64_t round) {
    RandomStream random(1, Purpose::kSelection, static_cast<uint64_t>(round), "", 1);
    const auto drawn = DrawOort(*track, Everybody(), 10, round, random);
    EXPECT_THAT(drawn, SizeIs(10));
    return std::count_if(drawn.begin(), drawn.end(), [](int32_t site) { return site >= 10; });
  };
  EXPECT_EQ(unknown_in(1), 9);
  EXPECT_EQ(unknown_in(14), 5);  // 0.9 * 0.95^13 = 0.46
  EXPECT_EQ(unknown_in(1000), 2);
}

// The published code reads behind its lists in both.
TEST(OortTest, NobodyHasTrainedAndEverybodyIsWanted) {
  RandomStream random(1, Purpose::kSelection, 1, "", 1);
  EXPECT_THAT(DrawOort(*Track(), Everybody(), kSites, 1, random), SizeIs(kSites));
  auto track = Track();
  for (const int32_t site : Everybody()) {
    track->NoteCounted(static_cast<std::size_t>(site), 1, 100, 0.0, 0.0);
  }
  EXPECT_THAT(DrawOort(*track, Everybody(), kSites, 2, random), SizeIs(kSites));
}

TEST(OortTest, ThePacerAllowsSlowerSitesWhenNothingChangesAnyMore) {
  const std::vector<double> flat(100, 5.0);
  EXPECT_EQ(PreferredPercentile(flat, 40), 10);
  EXPECT_EQ(PreferredPercentile(flat, 41), 15);
  EXPECT_EQ(PreferredPercentile(flat, 101), 30);
  std::vector<double> falls;
  for (int round = 0; round < 100; ++round) falls.push_back(1000.0 / (round + 1));
  EXPECT_EQ(PreferredPercentile(falls, 101), 10);
  EXPECT_EQ(PreferredPercentile({}, 1), 10);
}

TEST(OortTest, AWeightedDrawFollowsItsWeights) {
  std::map<int32_t, int> first;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    RandomStream random(seed, Purpose::kSelection, 0, "", 0);
    const auto drawn = DrawWeighted({1, 2, 3, 4}, {1, 3, 0, 0}, 3, random);
    ASSERT_THAT(drawn, SizeIs(3));
    ++first[drawn[0]];
    EXPECT_THAT((std::vector<int32_t>{drawn[0], drawn[1]}), IsSubsetOf({1, 2}));
  }
  EXPECT_NEAR(first[2], 3000, 140);  // standard deviation 27
}

}  // namespace
}  // namespace skerry::coordinator
