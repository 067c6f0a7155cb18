#include "coordinator/round_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/random.h"

namespace skerry::coordinator {
namespace {

using ::testing::ElementsAre;

RoundPolicy EverybodyOf(int64_t sites) {
  RoundPolicy policy;
  policy.min_sites = sites;
  policy.sites_per_round = sites;
  policy.quorum = sites;
  policy.join_wait = 60s;
  policy.round_deadline = 2h;
  return policy;
}

// A round with its clock: feeds events and keeps what came of them.
class Round {
 public:
  Round(RoundPolicy policy, std::vector<Seat> seats) : policy_(std::move(policy)) {
    Take(BeginRound(1, 1, std::move(seats), {}, policy_, now_));
  }

  void Feed(const Event& event) { Take(Advance(state_, policy_, event, now_)); }
  void Wait(Duration time) {
    now_ = now_ + time;
    Feed(TimePassed{});
  }

  Phase phase() const { return state_.phase; }
  const RoundState& state() const { return state_; }
  const RoundPolicy& policy() const { return policy_; }
  Timestamp now() const { return now_; }
  const std::vector<Effect>& effects() const { return effects_; }
  template <class E>
  std::vector<E> All() const {
    std::vector<E> found;
    for (const Effect& effect : effects_) {
      if (const E* e = std::get_if<E>(&effect)) found.push_back(*e);
    }
    return found;
  }

 private:
  void Take(Transition transition) {
    state_ = std::move(transition.state);
    effects_.insert(effects_.end(), transition.effects.begin(), transition.effects.end());
  }

  const RoundPolicy policy_;
  Timestamp now_{1000s};
  RoundState state_;
  std::vector<Effect> effects_;
};

TEST(RoundMachineTest, ARoundBeginsAtOnceWhenEverybodyIsReady) {
  Round round(EverybodyOf(3), {Seat::kReady, Seat::kReady, Seat::kReady});
  EXPECT_EQ(round.phase(), Phase::kTraining);
  ASSERT_EQ(round.All<Invite>().size(), 1U);
  EXPECT_THAT(round.All<Invite>()[0].sites, ElementsAre(0, 1, 2));
}

TEST(RoundMachineTest, ARoundWaitsForTheWholeRosterOnlyUntilTheJoinWaitIsOver) {
  RoundPolicy policy = EverybodyOf(3);
  policy.min_sites = 2;
  policy.quorum = 2;
  Round round(policy, {Seat::kReady, Seat::kAway, Seat::kReady});
  EXPECT_EQ(round.phase(), Phase::kSelecting);
  round.Wait(59s);
  EXPECT_EQ(round.phase(), Phase::kSelecting);
  round.Wait(1s);
  EXPECT_EQ(round.phase(), Phase::kTraining);
  EXPECT_THAT(round.All<Invite>()[0].sites, ElementsAre(0, 2));
}

TEST(RoundMachineTest, ARequiredSiteIsWaitedForBeforeTheRoundBegins) {
  RoundPolicy policy = EverybodyOf(2);
  policy.min_sites = policy.quorum = policy.sites_per_round = 1;
  policy.required = {false, true};
  Round round(policy, {Seat::kReady, Seat::kAway});
  round.Wait(5min);
  EXPECT_EQ(round.phase(), Phase::kSelecting);
  round.Feed(SiteReady{1});
  EXPECT_EQ(round.phase(), Phase::kTraining);
  EXPECT_THAT(round.All<Invite>()[0].sites, ElementsAre(1));
}

TEST(RoundMachineTest, TooFewReadySitesByTheDeadlineAbandonTheRound) {
  Round round(EverybodyOf(2), {Seat::kReady, Seat::kAway});
  round.Wait(2h);
  EXPECT_EQ(round.phase(), Phase::kAbandoned);
  EXPECT_EQ(round.state().cause, Cause::kTooFewReady);
}

TEST(RoundMachineTest, ItFinalizesWhenTheLastInvitedSiteHasReported) {
  Round round(EverybodyOf(2), {Seat::kReady, Seat::kReady});
  round.Feed(SiteReported{1});
  EXPECT_EQ(round.phase(), Phase::kTraining);
  round.Feed(SiteReported{0});
  EXPECT_EQ(round.phase(), Phase::kFinalizing);
  EXPECT_THAT(round.All<Finalize>()[0].counted, ElementsAre(0, 1));
  round.Feed(ModelReady{});
  EXPECT_EQ(round.phase(), Phase::kCommitted);
  EXPECT_EQ(round.All<Commit>().size(), 1U);
}

TEST(RoundMachineTest, ALostSiteIsWaitedForUntilTheDeadlineWhenTheQuorumNeedsIt) {
  Round round(EverybodyOf(2), {Seat::kReady, Seat::kReady});
  round.Feed(SiteReported{0});
  round.Feed(SiteAway{1});
  round.Wait(119min);
  EXPECT_EQ(round.phase(), Phase::kTraining);
  round.Feed(SiteReady{1});
  round.Feed(SiteReported{1});
  EXPECT_EQ(round.phase(), Phase::kFinalizing);
}

TEST(RoundMachineTest, ALostSiteIsNotWaitedForWhenTheQuorumIsThere) {
  RoundPolicy policy = EverybodyOf(3);
  policy.min_sites = policy.quorum = 2;
  Round round(policy, {Seat::kReady, Seat::kReady, Seat::kReady});
  round.Feed(SiteReported{0});
  round.Feed(SiteAway{2});
  round.Feed(SiteReported{1});
  EXPECT_EQ(round.phase(), Phase::kFinalizing);
  EXPECT_THAT(round.All<Finalize>()[0].counted, ElementsAre(0, 1));
}

TEST(RoundMachineTest, AtTheDeadlineTheQuorumIsEnoughAndSlowSitesAreLeftOut) {
  RoundPolicy policy = EverybodyOf(3);
  policy.min_sites = policy.quorum = 2;
  Round round(policy, {Seat::kReady, Seat::kReady, Seat::kReady});
  round.Feed(SiteReported{0});
  round.Feed(SiteReported{2});
  EXPECT_EQ(round.phase(), Phase::kTraining);
  round.Wait(2h);
  EXPECT_EQ(round.phase(), Phase::kFinalizing);
  EXPECT_THAT(round.All<Finalize>()[0].counted, ElementsAre(0, 2));
}

TEST(RoundMachineTest, FailuresThatPutTheQuorumOutOfReachEndTheRoundAtOnce) {
  Round round(EverybodyOf(2), {Seat::kReady, Seat::kReady});
  round.Feed(TaskFailed{0});
  EXPECT_EQ(round.phase(), Phase::kTraining);  // the other one is still at work
  round.Feed(SiteReported{1});
  EXPECT_EQ(round.phase(), Phase::kAbandoned);
  EXPECT_EQ(round.state().cause, Cause::kQuorumImpossible);
}

TEST(RoundMachineTest, ARoundWithoutARequiredSitesResultDoesNotCommit) {
  RoundPolicy policy = EverybodyOf(2);
  policy.min_sites = policy.quorum = 1;
  policy.required = {false, true};
  Round round(policy, {Seat::kReady, Seat::kReady});
  round.Feed(SiteReported{0});
  round.Feed(SiteAway{1});
  round.Wait(2h);
  EXPECT_EQ(round.phase(), Phase::kAbandoned);
  EXPECT_EQ(round.state().cause, Cause::kQuorumLost);
}

TEST(RoundMachineTest, ADamagedResultTakesTheRoundBackToTrainingForThatSiteAlone) {
  Round round(EverybodyOf(2), {Seat::kReady, Seat::kReady});
  round.Feed(SiteReported{0});
  round.Feed(SiteReported{1});
  round.Feed(UpdateLost{1});
  EXPECT_EQ(round.phase(), Phase::kTraining);
  ASSERT_EQ(round.All<AskResend>().size(), 1U);
  EXPECT_EQ(round.All<AskResend>()[0].site, 1);
  round.Feed(SiteReported{1});
  EXPECT_EQ(round.phase(), Phase::kFinalizing);
}

TEST(RoundMachineTest, ARetryKeepsTheResultsThatItHas) {
  Round round(EverybodyOf(3), {Seat::kReported, Seat::kReady, Seat::kLost});
  EXPECT_EQ(round.phase(), Phase::kSelecting);  // the third one is away
  round.Feed(SiteReady{2});
  EXPECT_EQ(round.phase(), Phase::kTraining);
  EXPECT_THAT(round.All<Invite>()[0].sites, ElementsAre(1));  // the others have their tasks
  round.Feed(SiteReported{1});
  round.Feed(SiteReported{2});
  EXPECT_THAT(round.All<Finalize>()[0].counted, ElementsAre(0, 1, 2));
}

TEST(RoundMachineTest, APacedRoundStaysInSelectingForTheMinimumTime) {
  RoundPolicy policy = EverybodyOf(1);
  policy.min_wait = 300ms;
  Round round(policy, {Seat::kReady});
  EXPECT_EQ(round.phase(), Phase::kSelecting);
  EXPECT_EQ(UntilTimePasses(round.state(), policy), Duration(300ms));
  round.Wait(300ms);
  EXPECT_EQ(round.phase(), Phase::kTraining);
}

TEST(RoundMachineTest, TheDrawIsAFunctionOfSeedRoundAndWhoIsReady) {
  RoundPolicy policy = EverybodyOf(10);
  policy.min_sites = policy.sites_per_round = policy.quorum = 4;
  policy.required.assign(10, false);
  policy.required[7] = true;
  policy.seed = 5;
  const std::vector<Seat> ready(10, Seat::kReady);
  const auto drawn = [&](int64_t number) {
    const Transition t = BeginRound(number, 1, ready, {}, policy, Timestamp{});
    return std::get<Invite>(t.effects.at(0)).sites;
  };
  std::set<std::vector<int32_t>> different;
  for (int64_t number = 1; number <= 20; ++number) {
    const std::vector<int32_t> sites = drawn(number);
    EXPECT_EQ(sites.size(), 4U);
    EXPECT_TRUE(std::is_sorted(sites.begin(), sites.end()));
    EXPECT_TRUE(std::binary_search(sites.begin(), sites.end(), 7)) << "the required site";
    EXPECT_EQ(sites, drawn(number));
    different.insert(sites);
  }
  EXPECT_GT(different.size(), 10U);
}

TEST(RoundMachineTest, AReplayInvitesExactlyItsParticipants) {
  RoundPolicy policy = EverybodyOf(4);
  policy.only = std::vector<int32_t>{1, 3};
  policy.quorum = 2;
  Round round(policy, {Seat::kReady, Seat::kReady, Seat::kReady, Seat::kAway});
  EXPECT_EQ(round.phase(), Phase::kSelecting);
  round.Feed(SiteReady{3});
  EXPECT_THAT(round.All<Invite>()[0].sites, ElementsAre(1, 3));
  round.Feed(SiteReported{1});
  round.Feed(SiteReported{3});
  EXPECT_EQ(round.phase(), Phase::kFinalizing);
}

// ---- Properties over random orders of events ---------------------------------------------------

RoundPolicy RandomPolicy(RandomStream& random, int64_t sites) {
  RoundPolicy policy;
  policy.sites_per_round = 1 + static_cast<int64_t>(random.Below(static_cast<uint64_t>(sites)));
  policy.quorum =
      1 + static_cast<int64_t>(random.Below(static_cast<uint64_t>(policy.sites_per_round)));
  policy.min_sites =
      policy.quorum +
      static_cast<int64_t>(random.Below(static_cast<uint64_t>(sites - policy.quorum + 1)));
  policy.required.assign(static_cast<std::size_t>(sites), false);
  if (random.Below(3) == 0) policy.required[random.Below(static_cast<uint64_t>(sites))] = true;
  policy.join_wait = 60s;
  policy.round_deadline = 10min;
  policy.min_wait = random.Below(4) == 0 ? Duration(5s) : Duration(0);
  policy.seed = random.Next64();
  return policy;
}

Event RandomEvent(RandomStream& random, int64_t sites) {
  const auto site = static_cast<int32_t>(random.Below(static_cast<uint64_t>(sites)));
  switch (random.Below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return SiteReady{site};
    case 4:
    case 5:
      return SiteAway{site};
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
      return SiteReported{site};
    case 11:
      return TaskFailed{site};
    case 12:
      return UpdateLost{site};
    case 13:
    case 14:
      return ModelReady{};
    case 15:
      return random.Below(10) == 0 ? Event(StepFailed{}) : Event(TimePassed{});
    case 16:
      return random.Below(20) == 0 ? Event(Stop{}) : Event(TimePassed{});
    default:
      return TimePassed{};
  }
}

// What must hold after every event.
void CheckInvariants(const Round& round) {
  const RoundState& state = round.state();
  for (std::size_t seat = 0; seat < kNumSeats; ++seat) {
    const auto count = std::count(state.seats.begin(), state.seats.end(), static_cast<Seat>(seat));
    ASSERT_EQ(count, state.num_in_seat[seat]) << "the counters follow the seats";
  }
  const std::size_t ends = round.All<Commit>().size() + round.All<Abandon>().size();
  ASSERT_EQ(ends, IsFinal(state.phase) ? 1U : 0U) << "exactly one end";
  for (const Finalize& finalize : round.All<Finalize>()) {
    const std::set<int32_t> unique(finalize.counted.begin(), finalize.counted.end());
    ASSERT_EQ(unique.size(), finalize.counted.size()) << "a site counts at most once";
    ASSERT_GE(static_cast<int64_t>(finalize.counted.size()), round.policy().quorum);
  }
  if (state.phase == Phase::kCommitted) {
    const std::vector<int32_t> counted = round.All<Finalize>().back().counted;
    ASSERT_GE(static_cast<int64_t>(counted.size()), round.policy().quorum) << "never below quorum";
    ASSERT_EQ(counted, SitesIn(state, Seat::kReported)) << "what was summed is what counts";
    for (std::size_t place = 0; place < round.policy().required.size(); ++place) {
      if (!round.policy().required[place]) continue;
      ASSERT_TRUE(std::binary_search(counted.begin(), counted.end(), static_cast<int32_t>(place)));
    }
  }
}

class RandomOrders : public ::testing::TestWithParam<int> {};

TEST_P(RandomOrders, KeepEveryPromise) {
  constexpr int kRoundsPerCase = 500;
  for (int i = 0; i < kRoundsPerCase; ++i) {
    const auto seed = static_cast<uint64_t>(GetParam()) * kRoundsPerCase + static_cast<uint64_t>(i);
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStream random(seed, Purpose::kSimulation, 0, "round", 0);
    const int64_t sites = 1 + static_cast<int64_t>(random.Below(8));
    std::vector<Seat> seats(static_cast<std::size_t>(sites));
    for (Seat& seat : seats) seat = random.Below(2) == 0 ? Seat::kAway : Seat::kReady;
    Round round(RandomPolicy(random, sites), seats);
    const uint64_t num_events = random.Below(60);
    for (uint64_t n = 0; n < num_events; ++n) {
      if (random.Below(5) == 0) round.Wait(Duration(1s) * static_cast<int64_t>(random.Below(200)));
      const bool was_final = IsFinal(round.phase());
      const RoundState before = round.state();
      const Event event = RandomEvent(random, sites);
      round.Feed(event);
      ASSERT_NO_FATAL_FAILURE(CheckInvariants(round));
      if (was_final) {
        ASSERT_EQ(round.state(), before) << "an end is final";
      }
      const RoundState once = round.state();
      const Transition again = Advance(once, round.policy(), event, round.now());
      ASSERT_EQ(again.state, once) << "a repeat changes nothing";
      ASSERT_TRUE(again.effects.empty());
    }
    // From wherever it is, the passing of time alone brings it to an end.
    for (int step = 0; step < 10 && !IsFinal(round.phase()); ++step) {
      if (round.phase() == Phase::kFinalizing) {
        round.Feed(ModelReady{});
      } else {
        const auto wait = UntilTimePasses(round.state(), round.policy());
        ASSERT_TRUE(wait.has_value()) << "a waiting round has a deadline";
        round.Wait(*wait);
      }
      ASSERT_NO_FATAL_FAILURE(CheckInvariants(round));
    }
    ASSERT_TRUE(IsFinal(round.phase())) << "timers alone bring each round to its end";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomOrders, ::testing::Range(0, 20));

TEST(RoundMachineTest, TimeInWhichTheCoordinatorWasDownDoesNotCount) {
  const RoundPolicy policy = EverybodyOf(2);
  Round round(policy, {Seat::kReady, Seat::kReady});
  round.Wait(90min);
  RoundState restored = round.state();
  EXPECT_EQ(restored.phase_elapsed, Duration(90min));
  restored.clock = Timestamp{5000h};  // read back from the journal, much later
  const Transition t = Advance(restored, policy, TimePassed{}, Timestamp{5000h + 29min});
  EXPECT_EQ(t.state.phase, Phase::kTraining);
  EXPECT_EQ(Advance(t.state, policy, TimePassed{}, Timestamp{5000h + 30min}).state.phase,
            Phase::kAbandoned);
}

}  // namespace
}  // namespace skerry::coordinator
