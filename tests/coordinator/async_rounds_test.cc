#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/random.h"
#include "coordinator/round_machine.h"

// The round machine when updates are taken as they come.
namespace skerry::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RoundPolicy BufferOf(int64_t buffer) {
  RoundPolicy policy;
  policy.min_sites = 0;
  policy.buffer = buffer;
  policy.round_deadline = 2h;
  return policy;
}

// Version after version: what is not counted goes on into the next, as whoever drives the machine
// has to see to.
class Versions {
 public:
  Versions(RoundPolicy policy, std::vector<Seat> seats) : policy_(std::move(policy)) {
    Begin(std::move(seats), {});
  }

  void Feed(const Event& event) {
    if (state_.phase == Phase::kFinalizing) Note(event);
    Take(Advance(state_, policy_, event, now_));
    if (state_.phase == Phase::kCommitted) BeginNext();
  }
  void Wait(Duration time) {
    now_ = now_ + time;
    Feed(TimePassed{});
  }
  void Await(std::vector<bool> awaited) { policy_.awaited = std::move(awaited); }

  const RoundState& state() const { return state_; }
  const RoundPolicy& policy() const { return policy_; }
  Timestamp now() const { return now_; }
  Seat seat(int32_t place) const { return state_.seats[static_cast<std::size_t>(place)]; }
  const std::vector<std::vector<int32_t>>& counted() const { return counted_; }
  const std::vector<int32_t>& invited() const { return invited_; }  // every invitation

 private:
  // What comes while a version is made has no seat in it yet.
  void Note(const Event& event) {
    const auto* reported = std::get_if<SiteReported>(&event);
    if (reported == nullptr ||
        (seat(reported->site) != Seat::kInvited && seat(reported->site) != Seat::kLost))
      return;
    if (std::find(late_.begin(), late_.end(), reported->site) == late_.end()) {
      late_.push_back(reported->site);
    }
  }

  void Begin(std::vector<Seat> seats, std::vector<int32_t> arrivals) {
    Take(BeginRound(++round_, 1, std::move(seats), std::move(arrivals), policy_, now_));
  }

  void BeginNext() {
    std::vector<Seat> seats = state_.seats;
    std::vector<int32_t> arrivals = state_.arrivals;
    arrivals.insert(arrivals.end(), late_.begin(), late_.end());
    for (const int32_t site : std::exchange(late_, {})) {
      seats[static_cast<std::size_t>(site)] = Seat::kReported;
    }
    for (const int32_t site : closing_) {
      seats[static_cast<std::size_t>(site)] = Seat::kReady;
      std::erase(arrivals, site);
    }
    std::replace(seats.begin(), seats.end(), Seat::kFailed, Seat::kReady);
    counted_.push_back(std::exchange(closing_, {}));
    Begin(std::move(seats), std::move(arrivals));
  }

  void Take(Transition transition) {
    state_ = std::move(transition.state);
    for (const Effect& effect : transition.effects) {
      if (const auto* invite = std::get_if<Invite>(&effect)) {
        invited_.insert(invited_.end(), invite->sites.begin(), invite->sites.end());
      }
      if (const auto* finalize = std::get_if<Finalize>(&effect)) closing_ = finalize->counted;
    }
  }

  RoundPolicy policy_;
  int64_t round_ = 0;
  Timestamp now_{1000s};
  RoundState state_;
  std::vector<int32_t> late_;
  std::vector<int32_t> closing_;
  std::vector<std::vector<int32_t>> counted_;
  std::vector<int32_t> invited_;
};

const std::vector<Seat> kThree(3, Seat::kReady);

TEST(AsyncRoundsTest, AVersionIsMadeWhenTheBufferIsFullAndNobodyElseIsAwaited) {
  Versions versions(BufferOf(2), kThree);
  EXPECT_THAT(versions.invited(), ElementsAre(0, 1, 2));
  versions.Feed(SiteReported{2});
  EXPECT_EQ(versions.state().phase, Phase::kTraining);
  versions.Feed(SiteReported{0});
  EXPECT_EQ(versions.state().phase, Phase::kFinalizing);
  versions.Feed(ModelReady{});
  EXPECT_THAT(versions.counted(), ElementsAre(ElementsAre(0, 2)));
}

TEST(AsyncRoundsTest, TheSlowSiteGoesOnAndItsUpdateIsForTheVersionAtWhichItComes) {
  Versions versions(BufferOf(2), kThree);
  versions.Feed(SiteReported{0});
  versions.Feed(SiteReported{1});
  versions.Feed(ModelReady{});
  EXPECT_EQ(versions.seat(2), Seat::kInvited) << "still at its first task";
  EXPECT_THAT(versions.invited(), ElementsAre(0, 1, 2, 0, 1)) << "the others get new ones";
  versions.Feed(SiteReported{2});
  versions.Feed(SiteReported{1});
  versions.Feed(ModelReady{});
  EXPECT_THAT(versions.counted(), ElementsAre(ElementsAre(0, 1), ElementsAre(1, 2)));
}

TEST(AsyncRoundsTest, ASiteHasOneUpdateInAVersionHoweverFastItIs) {
  Versions versions(BufferOf(3), kThree);
  for (int i = 0; i < 5; ++i) versions.Feed(SiteReported{0});
  EXPECT_THAT(versions.state().arrivals, ElementsAre(0));
  EXPECT_THAT(versions.invited(), ElementsAre(0, 1, 2));
}

TEST(AsyncRoundsTest, WhatComesWhileAVersionIsMadeIsForTheNextInItsOrder) {
  Versions versions(BufferOf(1), kThree);
  versions.Feed(SiteReported{1});
  versions.Feed(SiteReported{2});
  versions.Feed(SiteReported{0});
  EXPECT_THAT(Counted(versions.state(), versions.policy()), ElementsAre(1));
  for (int i = 0; i < 3; ++i) versions.Feed(ModelReady{});
  EXPECT_THAT(versions.counted(), ElementsAre(ElementsAre(1), ElementsAre(2), ElementsAre(0)));
}

TEST(AsyncRoundsTest, WhoJoinsLaterGetsATaskAtOnceAndWhoLeavesHoldsNobodyUp) {
  Versions versions(BufferOf(2), {Seat::kReady, Seat::kAway, Seat::kReady});
  EXPECT_THAT(versions.invited(), ElementsAre(0, 2));
  versions.Feed(SiteReady{1});
  EXPECT_THAT(versions.invited(), ElementsAre(0, 2, 1));
  versions.Feed(SiteAway{0});
  versions.Feed(SiteReported{1});
  versions.Feed(SiteReported{2});
  versions.Feed(ModelReady{});
  EXPECT_EQ(versions.seat(0), Seat::kLost) << "it may return with its task";
  versions.Feed(SiteReady{0});
  versions.Feed(SiteReported{0});
  versions.Feed(SiteReported{1});
  versions.Feed(ModelReady{});
  EXPECT_THAT(versions.counted(), ElementsAre(ElementsAre(1, 2), ElementsAre(0, 1)));
}

TEST(AsyncRoundsTest, AFailedTaskCostsOneVersionAndTooManyEndTheRound) {
  Versions versions(BufferOf(2), kThree);
  versions.Feed(TaskFailed{0});
  EXPECT_EQ(versions.state().phase, Phase::kTraining);
  versions.Feed(TaskFailed{1});
  EXPECT_EQ(versions.state().phase, Phase::kAbandoned);
  EXPECT_EQ(versions.state().cause, Cause::kQuorumImpossible);
}

TEST(AsyncRoundsTest, ADamagedResultLeavesItsPlaceToTheNextThatHasCome) {
  const RoundPolicy policy = BufferOf(2);
  const Transition begun = BeginRound(4, 1, {Seat::kReported, Seat::kReported, Seat::kReported},
                                      {2, 0, 1}, policy, Timestamp{});
  EXPECT_THAT(Counted(begun.state, policy), ElementsAre(0, 2));
  const Transition next = Advance(begun.state, policy, UpdateLost{2}, Timestamp{});
  EXPECT_EQ(next.state.phase, Phase::kFinalizing);
  EXPECT_THAT(Counted(next.state, policy), ElementsAre(0, 1));
  EXPECT_EQ(next.state.seats[2], Seat::kInvited);
}

TEST(AsyncRoundsTest, NoVersionIsMadeWhileAnAwaitedSiteIsAtWork) {
  Versions versions(BufferOf(1), kThree);
  versions.Await({false, false, true});
  versions.Feed(SiteReported{0});
  EXPECT_EQ(versions.state().phase, Phase::kTraining);
  versions.Feed(SiteReported{1});
  versions.Feed(SiteReported{2});
  EXPECT_THAT(Counted(versions.state(), versions.policy()), ElementsAre(2)) << "it comes first";
}

TEST(AsyncRoundsTest, AnAwaitedSiteThatIsLostOrOverdueIsNotWaitedFor) {
  Versions lost(BufferOf(1), kThree);
  lost.Await({false, false, true});
  lost.Feed(SiteReported{0});
  lost.Feed(SiteAway{2});
  EXPECT_EQ(lost.state().phase, Phase::kFinalizing);
  Versions overdue(BufferOf(1), kThree);
  overdue.Await({false, false, true});
  overdue.Feed(SiteReported{0});
  overdue.Wait(2h);
  EXPECT_EQ(overdue.state().phase, Phase::kFinalizing);
}

TEST(AsyncRoundsTest, ABufferThatDoesNotFillByTheDeadlineEndsTheRound) {
  Versions versions(BufferOf(2), {Seat::kReady, Seat::kAway});
  versions.Feed(SiteReported{0});
  versions.Wait(2h);
  EXPECT_EQ(versions.state().phase, Phase::kAbandoned);
  EXPECT_EQ(versions.state().cause, Cause::kQuorumLost);
}

// ---- Properties over random orders of events ---------------------------------------------------

Event RandomEvent(RandomStream& random, int64_t sites) {
  const auto site = static_cast<int32_t>(random.Below(static_cast<uint64_t>(sites)));
  const uint64_t what = random.Below(20);
  if (what < 3) return SiteReady{site};
  if (what < 5) return SiteAway{site};
  if (what < 12) return SiteReported{site};
  if (what < 13) return TaskFailed{site};
  if (what < 14) return UpdateLost{site};
  if (what < 18) return ModelReady{};
  return TimePassed{};
}

void CheckInvariants(const Versions& versions) {
  const RoundState& state = versions.state();
  for (std::size_t seat = 0; seat < kNumSeats; ++seat) {
    const auto count = std::count(state.seats.begin(), state.seats.end(), static_cast<Seat>(seat));
    ASSERT_EQ(count, state.num_in_seat[seat]) << "the counters follow the seats";
  }
  std::vector<int32_t> arrived = state.arrivals;
  std::sort(arrived.begin(), arrived.end());
  ASSERT_EQ(arrived, SitesIn(state, Seat::kReported)) << "the order is that of the reported";
  for (const std::vector<int32_t>& counted : versions.counted()) {
    ASSERT_EQ(static_cast<int64_t>(counted.size()), versions.policy().buffer);
    ASSERT_TRUE(std::adjacent_find(counted.begin(), counted.end()) == counted.end());
  }
  if (state.phase == Phase::kTraining) {
    ASSERT_THAT(SitesIn(state, Seat::kReady), IsEmpty()) << "who is free is at work";
    ASSERT_LT(static_cast<int64_t>(state.arrivals.size()), versions.policy().buffer);
  }
}

class RandomArrivals : public ::testing::TestWithParam<int> {};

TEST_P(RandomArrivals, KeepEveryPromise) {
  for (int i = 0; i < 300; ++i) {
    const auto seed = static_cast<uint64_t>(GetParam()) * 300 + static_cast<uint64_t>(i);
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStream random(seed, Purpose::kSimulation, 0, "arrivals", 0);
    const int64_t sites = 1 + static_cast<int64_t>(random.Below(6));
    std::vector<Seat> seats(static_cast<std::size_t>(sites));
    for (Seat& seat : seats) seat = random.Below(2) == 0 ? Seat::kAway : Seat::kReady;
    Versions versions(
        BufferOf(1 + static_cast<int64_t>(random.Below(static_cast<uint64_t>(sites)))), seats);
    for (int n = 0; n < 120 && !IsFinal(versions.state().phase); ++n) {
      const Event event = RandomEvent(random, sites);
      versions.Feed(event);
      ASSERT_NO_FATAL_FAILURE(CheckInvariants(versions));
      const bool made = std::holds_alternative<ModelReady>(event);
      if (made) continue;
      const Transition again = Advance(versions.state(), versions.policy(), event, versions.now());
      const bool lost_again = std::holds_alternative<UpdateLost>(event);
      if (!lost_again) {
        ASSERT_EQ(again.state, versions.state()) << "a repeat changes nothing";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomArrivals, ::testing::Range(0, 10));

}  // namespace
}  // namespace skerry::coordinator
