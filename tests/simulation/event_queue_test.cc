#include "simulation/event_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace skerry::simulation {
namespace {

using ::testing::ElementsAre;

struct Queue {
  ManualClock clock;
  EventQueue events{clock};
  std::vector<std::string> said;  // by events that run alone

  std::function<void()> Say(const std::string& what) {
    return [this, what] { said.push_back(what); };
  }
  Timestamp At(int seconds) const { return Timestamp{Duration(1s) * seconds}; }
};

TEST(EventQueueTest, EventsComeByTimeAndEqualTimesInTheOrderOfPosting) {
  Queue q;
  q.events.PostAt(q.At(2), q.Say("c"));
  q.events.PostAt(q.At(1), q.Say("a"));
  q.events.PostAt(q.At(1), q.Say("b"));
  EXPECT_FALSE(q.events.RunDue());
  EXPECT_EQ(q.events.Next(), q.At(1));
  q.clock.AdvanceTo(q.At(1));
  EXPECT_TRUE(q.events.RunDue());
  EXPECT_THAT(q.said, ElementsAre("a", "b"));
  EXPECT_EQ(q.events.Next(), q.At(2));
}

TEST(EventQueueTest, WhatIsPostedForNowComesAfterWhatWasPostedBeforeForThisTime) {
  Queue q;
  q.events.PostAt(q.At(1), q.Say("first"));
  q.clock.AdvanceTo(q.At(1));
  q.events.PostAt(q.At(0), q.Say("late, so now"));
  q.events.Post([&] {
    q.said.push_back("now");
    q.events.Post(q.Say("then"));
  });
  q.events.Post(q.Say("also now"));
  q.events.RunDue();
  EXPECT_THAT(q.said, ElementsAre("first", "late, so now", "now", "also now", "then"));
  EXPECT_FALSE(q.events.Next().has_value());
}

TEST(EventQueueTest, TheLastComeWhenNothingElseIsDue) {
  Queue q;
  q.events.PostLast(q.Say("last"));
  q.events.Post([&] { q.events.Post(q.Say("posted by the first")); });
  EXPECT_TRUE(q.events.RunDue());
  EXPECT_THAT(q.said, ElementsAre("posted by the first"));
  EXPECT_TRUE(q.events.RunDue());
  EXPECT_THAT(q.said, ElementsAre("posted by the first", "last"));
}

// Sites that answer each other's messages by way of a common event, as a federation does: a lane
// appends to its own log, posts to itself, to its neighbour and to the common lane.
std::vector<std::string> Chatter(int num_threads) {
  constexpr Lane kLanes = 60;
  ThreadPool pool(std::max(num_threads, 1));
  Queue q;
  if (num_threads > 0) q.events.RunLanesOn(&pool);
  std::array<std::string, kLanes + 1> logs;
  std::function<void(Lane, int)> visit = [&](Lane lane, int depth) {
    logs[lane] += std::to_string(depth) + ";";
    if (depth == 0) return;
    q.events.PostAt(
        q.clock.Now(), [&visit, lane, depth] { visit(lane, depth - 1); }, lane);
    const Lane next = lane % kLanes + 1;
    q.events.PostAt(q.clock.Now(), [&q, &visit, lane, next, depth] {
      q.said.push_back(std::to_string(lane) + " to " + std::to_string(next));
      q.events.PostAt(
          q.clock.Now(), [&visit, next, depth] { visit(next, depth - 1); }, next);
    });
  };
  for (Lane lane = 1; lane <= kLanes; ++lane) {
    q.events.PostAt(
        q.At(1), [&visit, lane] { visit(lane, 4); }, lane);
    q.events.PostAt(
        q.At(1), [] {}, kOwnLane);
  }
  q.clock.AdvanceTo(q.At(1));
  while (q.events.RunDue()) {
  }
  std::vector<std::string> all(logs.begin(), logs.end());
  all.insert(all.end(), q.said.begin(), q.said.end());
  return all;
}

TEST(EventQueueTest, LanesRunSideBySideAndNothingShowsHowManyThreadsThereWere) {
  const std::vector<std::string> alone = Chatter(0);
  EXPECT_EQ(alone.size(), 61U + 60 * 15) << "every visit but the last of each posts to a neighbour";
  EXPECT_EQ(Chatter(1), alone);
  EXPECT_EQ(Chatter(3), alone);
}

TEST(EventQueueTest, ALaneThatIsDueTwiceRunsOnceAtATime) {
  ThreadPool pool(3);
  Queue q;
  q.events.RunLanesOn(&pool);
  std::vector<int> order;  // of one lane only, so that it needs no lock
  for (int i = 0; i < 100; ++i) {
    q.events.PostAt(
        q.At(0), [&order, i] { order.push_back(i); }, Lane{7});
    q.events.PostAt(
        q.At(0), [] {}, static_cast<Lane>(8 + i));
  }
  q.events.RunDue();
  std::vector<int> expected(100);
  for (int i = 0; i < 100; ++i) expected[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(order, expected);
}

TEST(EventQueueTest, ALaneThatIsDueTwiceInARowLeavesTheOthersBesideIt) {
  ThreadPool pool(1);
  Queue q;
  q.events.RunLanesOn(&pool);
  std::array<std::latch, 2> both_are_at{std::latch{2}, std::latch{2}};
  std::array<std::vector<int>, 2> order;  // by lane
  for (const std::size_t lane : {std::size_t{0}, std::size_t{1}}) {
    for (const int turn : {0, 1}) {
      const auto event = [&, lane, turn] {
        both_are_at[static_cast<std::size_t>(turn)].arrive_and_wait();  // for ever, if one by one
        order[lane].push_back(turn);
        q.events.Post(q.Say(std::to_string(lane) + ", " + std::to_string(turn)));
      };
      q.events.PostAt(q.At(0), event, static_cast<Lane>(lane + 1));
    }
  }
  q.events.RunDue();
  EXPECT_THAT(order[0], ElementsAre(0, 1));
  EXPECT_THAT(order[1], ElementsAre(0, 1));
  EXPECT_THAT(q.said, ElementsAre("0, 0", "0, 1", "1, 0", "1, 1"));
}

// Lanes that are due any number of times, in a row or not.
std::vector<std::string> Turns(int num_threads) {
  constexpr Lane kLanes = 40;
  ThreadPool pool(std::max(num_threads, 1));
  Queue q;
  if (num_threads > 0) q.events.RunLanesOn(&pool);
  std::array<int, kLanes + 1> turns{};
  for (Lane i = 0; i < 1000; ++i) {
    const Lane lane = 1 + i / (1 + i % 3) % kLanes;
    const auto event = [&, lane] {
      const std::string turn = std::to_string(lane) + ": " + std::to_string(++turns[lane]);
      q.events.PostAt(q.At(0), q.Say(turn), turns[lane] % 4 == 0 ? kCommonLane : kCoordinatorLane);
    };
    q.events.PostAt(q.At(0), event, lane);
  }
  while (q.events.RunDue()) {
  }
  return q.said;
}

TEST(EventQueueTest, HowOftenLanesAreDueInARowShowsNoMoreThanTheNumberOfThreads) {
  const std::vector<std::string> alone = Turns(0);
  EXPECT_EQ(alone.size(), 1000U);
  EXPECT_EQ(Turns(1), alone);
  EXPECT_EQ(Turns(3), alone);
}

// Sites that report to the coordinator, which answers each at once or, when it has heard of all,
// all of them; some say something else before.
std::vector<std::string> Rounds(int num_threads, bool answers_at_once) {
  constexpr Lane kSites = 100;
  ThreadPool pool(std::max(num_threads, 1));
  Queue q;
  if (num_threads > 0) q.events.RunLanesOn(&pool);
  std::array<int, kSites + 1> visits{};
  Lane heard = 0;
  std::function<void(Lane)> visit = [&](Lane site) {
    if (++visits[site] > 4) return;
    if (visits[site] == 2 && site % 7 == 0) q.events.PostAt(q.clock.Now(), q.Say("aside"));
    if (visits[site] == 3) q.events.PostAt(q.At(2), q.Say("later " + std::to_string(site)));
    const auto report = [&, site] {
      q.said.push_back(std::to_string(site) + " is number " + std::to_string(++heard));
      const auto answer = [&](Lane to) {
        q.events.PostAt(
            q.clock.Now(), [&visit, to] { visit(to); }, to);
      };
      if (answers_at_once) return answer(site);
      if (heard % kSites != 0) return;
      for (Lane to = 1; to <= kSites; ++to) answer(to);
    };
    q.events.PostAt(q.clock.Now(), report, kCoordinatorLane);
  };
  for (Lane site = 1; site <= kSites; ++site) {
    q.events.PostAt(
        q.At(1), [&visit, site] { visit(site); }, site);
  }
  for (const int second : {1, 2}) {
    q.clock.AdvanceTo(q.At(second));
    while (q.events.RunDue()) {
    }
  }
  return q.said;
}

TEST(EventQueueTest, TheCoordinatorHearsOfSitesInTheOrderThatOneThreadWouldMake) {
  for (const bool at_once : {false, true}) {
    const std::vector<std::string> alone = Rounds(0, at_once);
    EXPECT_EQ(alone.size(), 4U * 100 + 14 + 100);
    EXPECT_EQ(Rounds(1, at_once), alone);
    EXPECT_EQ(Rounds(3, at_once), alone);
  }
}

TEST(EventTaskTest, WhatItHoldsMovesWithItAndGoesWithTheLastOne) {
  const auto counted = std::make_shared<int>(0);
  const std::array<int64_t, 20> many = {1, 2, 3};  // more than has room in it
  std::vector<EventTask> tasks;
  for (int i = 0; i < 10; ++i) {  // moves them as it grows
    tasks.emplace_back([counted] { ++*counted; });
    tasks.emplace_back([counted, many] { *counted += static_cast<int>(many[1]); });
  }
  EXPECT_EQ(counted.use_count(), 21);
  for (EventTask& task : tasks) task();
  EXPECT_EQ(*counted, 30);
  tasks[0] = std::move(tasks[1]);
  EXPECT_EQ(counted.use_count(), 20) << "the first has gone";
  tasks[0]();
  EXPECT_EQ(*counted, 32);
  tasks[0].Reset();
  EXPECT_EQ(counted.use_count(), 19);
  tasks.clear();
  EXPECT_EQ(counted.use_count(), 1);
}

}  // namespace
}  // namespace skerry::simulation
