#include "coordinator/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "coordinator/views.h"

namespace skerry::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Keep KeepOf(int64_t checkpoints, int64_t best) {
  Keep keep;
  keep.checkpoints = checkpoints;
  keep.best = best;
  return keep;
}

TEST(RetentionTest, TheNewestVersionsAndTheBestStay) {
  const Scores scores = {{0, 0.1}, {1, 0.9}, {2, 0.8}, {3, 0.3}, {4, 0.2}};
  EXPECT_THAT(VersionsToKeep(KeepOf(2, 1), scores, 5), ElementsAre(1, 4, 5));
  EXPECT_THAT(VersionsToKeep(KeepOf(1, 2), scores, 5), ElementsAre(1, 2, 5));
  EXPECT_THAT(VersionsToKeep(KeepOf(2, 0), scores, 5), ElementsAre(4, 5));
  EXPECT_THAT(VersionsToKeep(KeepOf(10, 10), scores, 5), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(RetentionTest, OfEqualScoresTheEarlierVersionStays) {
  EXPECT_THAT(VersionsToKeep(KeepOf(1, 1), {{2, 0.5}, {3, 0.5}, {4, 0.5}}, 9), ElementsAre(2, 9));
}

TEST(RetentionTest, TheScoreIsTheFirstMetricThatTheRunNamesAndValidationGoesBeforeTest) {
  v1::RunSpec spec;
  Scores scores;
  const std::vector<learning::Metric> both = {
      {"test.auc", 0.7}, {"test.log_loss", 0.5}, {"validation.auc", 0.6}};
  RememberScore(spec, 1, both, scores);
  EXPECT_EQ(scores.at(1), -0.5) << "none is named: the loss, of which less is better";
  RememberScore(spec, 4, {{"test.mse", 2.0}, {"test.r2", 0.1}}, scores);
  EXPECT_EQ(scores.at(4), -2.0) << "the loss of a model of a number";
  spec.mutable_evaluation()->add_metrics("auc");
  spec.mutable_evaluation()->add_metrics("log_loss");
  RememberScore(spec, 2, both, scores);
  EXPECT_EQ(scores.at(2), 0.6);
  RememberScore(spec, 3, {{"test.log_loss", 0.5}}, scores);
  EXPECT_FALSE(scores.contains(3)) << "a version without the metric has no score";
}

TEST(RetentionTest, WhatIsOnDiskIsAlwaysWhatIsToBeKept) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStream random(seed, Purpose::kFault, 0, "retention", 0);
    const Keep keep =
        KeepOf(1 + static_cast<int64_t>(random.Below(4)), static_cast<int64_t>(random.Below(3)));
    KeptVersions kept(keep);
    Scores scores;
    std::set<int64_t> disk;
    const auto update = [&](int64_t newest) {
      disk.insert(newest);
      for (const int64_t version : kept.Update(scores, newest)) EXPECT_EQ(disk.erase(version), 1U);
      EXPECT_EQ(std::vector<int64_t>(disk.begin(), disk.end()),
                VersionsToKeep(keep, scores, newest));
    };
    update(0);
    constexpr int64_t kRounds = 30;
    for (int64_t round = 1; round <= kRounds; ++round) {
      scores[round - 1] = static_cast<double>(random.Below(10));  // scored by the round after it
      update(round);
      ForgetScores(kept.versions(), scores);
      EXPECT_LE(scores.size(), kept.versions().size());
    }
    scores[kRounds] = 100;  // the evaluation at the end finds the last one to be the best
    update(kRounds);
  }
}

TEST(RetentionTest, ScoresOfVersionsThatAreGoneAreForgottenAndTheSameVersionsStay) {
  RandomStream random(3, Purpose::kFault, 0, "scores", 0);
  const Keep keep = KeepOf(2, 2);
  KeptVersions all(keep);
  KeptVersions few(keep);
  Scores every;
  Scores some;
  for (int64_t round = 1; round <= 200; ++round) {
    every[round - 1] = some[round - 1] = static_cast<double>(random.Below(50));
    EXPECT_EQ(few.Update(some, round), all.Update(every, round)) << "round " << round;
    ForgetScores(few.versions(), some);
    EXPECT_LE(some.size(), 4U);
  }
}

TEST(RetentionTest, OldRoundsAreRemovedManyAtOnceAndTheNewestStay) {
  Keep keep;
  EXPECT_FALSE(FirstKeptRound(keep, 1000).has_value()) << "0: every round stays";
  keep.history_rounds = 50;
  int64_t first = 0;
  for (int64_t round = 1; round <= 1000; ++round) {
    if (const auto kept = FirstKeptRound(keep, round)) first = *kept;
    EXPECT_LE(first, std::max<int64_t>(0, round - 49)) << "round " << round;
    EXPECT_LE(round - first + 1, 55) << "round " << round;
  }
  EXPECT_EQ(first, 951);
}

TEST(RetentionTest, UpdatesOfSoManyNewestRoundsStay) {
  KeptUpdates two(2);
  EXPECT_THAT(two.Add(1, {11, 12}), IsEmpty());
  EXPECT_THAT(two.Add(2, {21}), IsEmpty());
  EXPECT_THAT(two.Add(3, {31, 32}), ElementsAre(11, 12));
  EXPECT_THAT(two.task_ids(), ElementsAre(21, 31, 32));
  KeptUpdates none(0);
  EXPECT_THAT(none.Add(1, {11, 12}), ElementsAre(11, 12));
}

storage::RoundRecord Committed(int64_t round, double auc) {
  storage::RoundRecord record;
  record.round = round;
  record.phase = "committed";
  record.base_version = round - 1;
  record.model_version = round;
  record.metrics = SerializeMetrics({{"test.auc", auc}});
  return record;
}

TEST(RetentionTest, OfAnOldHistoryTheRoundsStayThatMadeOrMeasuredTheNewestOrTheBest) {
  RunPlan plan;
  plan.spec.mutable_evaluation()->add_metrics("auc");
  std::vector<storage::RoundRecord> rounds;
  for (const double auc : {0.5, 0.6, 0.9, 0.7, 0.7, 0.6}) {  // of versions 0 to 5
    rounds.push_back(Committed(static_cast<int64_t>(rounds.size()) + 1, auc));
  }
  rounds.push_back(Committed(7, 1.0));
  rounds.back().phase = "abandoned";
  const Remains remains = WhatRemains(plan, rounds);
  EXPECT_THAT(remains.versions, ElementsAre(2, 6));
  EXPECT_THAT(remains.rounds, ElementsAre(2, 3, 6));
  // Asked again of what remains, it says the same.
  std::erase_if(rounds, [&](const auto& round) { return !remains.rounds.contains(round.round); });
  EXPECT_EQ(WhatRemains(plan, rounds).versions, remains.versions);
  EXPECT_EQ(WhatRemains(plan, rounds).rounds, remains.rounds);
  EXPECT_THAT(WhatRemains(plan, {}).versions, IsEmpty());
}

TEST(RetentionTest, OnlyARunThatHasEndedHasAHistoryThatEnds) {
  Keep keep;
  storage::RunRecord run;
  run.state = storage::RunState::kCompleted;
  run.ended.unix_millis = 1000;
  EXPECT_FALSE(HistoryEnds(run, keep).has_value()) << "0 days: for ever";
  keep.history_days = 2;
  EXPECT_EQ(HistoryEnds(run, keep)->unix_millis, 1000 + 2 * 86'400'000);
  run.state = storage::RunState::kPaused;
  EXPECT_FALSE(HistoryEnds(run, keep).has_value());
}

}  // namespace
}  // namespace skerry::coordinator
