#include "base/combining_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace skerry {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr std::chrono::seconds kTooLong{20};

std::optional<Timestamp> NotAgain() { return std::nullopt; }

bool Comes(const std::future<void>& event) {
  return event.wait_for(kTooLong) == std::future_status::ready;
}

// A loop in Run() on a thread of its own.
class RunningLoop {
 public:
  RunningLoop(CombiningLoop& loop, std::function<std::optional<Timestamp>()> step)
      : loop_(loop), step_(std::move(step)), thread_([this] { loop_.Run(step_); }) {}
  ~RunningLoop() {
    loop_.Quit();
    thread_.join();
  }
  std::thread::id id() const { return thread_.get_id(); }

  // Which thread runs a task that this one posts.
  std::thread::id WhoRuns() {
    std::promise<std::thread::id> ran;
    loop_.Post([&ran] { ran.set_value(std::this_thread::get_id()); });
    return ran.get_future().get();
  }
  // Sooner or later its own thread has nothing to do.
  void ComeToRest() {
    while (WhoRuns() != std::this_thread::get_id()) continue;
  }

 private:
  CombiningLoop& loop_;
  const std::function<std::optional<Timestamp>()> step_;
  std::thread thread_;
};

TEST(CombiningLoopTest, WhatWasPostedBeforeRunWaitsForItAndRunsInOrder) {
  const SystemClock clock;
  CombiningLoop loop(clock);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) loop.Post([&order, i] { order.push_back(i); });
  EXPECT_THAT(order, ElementsAre());
  loop.Quit();
  loop.Run([&]() -> std::optional<Timestamp> {
    order.push_back(-1);
    return std::nullopt;
  });
  EXPECT_THAT(order, ElementsAre(0, 1, 2, -1)) << "one batch, one step";
}

TEST(CombiningLoopTest, ATaskOfATaskBelongsToTheNextBatch) {
  const SystemClock clock;
  CombiningLoop loop(clock);
  std::vector<int> order;
  loop.Post([&] {
    loop.Post([&] {
      order.push_back(2);
      loop.Quit();
    });
    order.push_back(1);
  });
  loop.Run([&]() -> std::optional<Timestamp> {
    order.push_back(0);
    return std::nullopt;
  });
  EXPECT_THAT(order, ElementsAre(1, 0, 2, 0));
}

TEST(CombiningLoopTest, WhoPostsToALoopWithNothingToDoRunsTheTask) {
  const SystemClock clock;
  CombiningLoop loop(clock);
  RunningLoop running(loop, NotAgain);
  running.ComeToRest();
  EXPECT_EQ(running.WhoRuns(), std::this_thread::get_id());
}

TEST(CombiningLoopTest, WhatIsLeftToTheThreadInRunIsDoneByIt) {
  const SystemClock clock;
  CombiningLoop loop(clock);
  RunningLoop running(loop, NotAgain);
  running.ComeToRest();
  std::promise<std::thread::id> ran;
  loop.Leave([&ran] { ran.set_value(std::this_thread::get_id()); });
  EXPECT_EQ(ran.get_future().get(), running.id());
}

TEST(CombiningLoopTest, WhoPostsIsHeldUpByAFewBatchesHoweverManyFollow) {
  const SystemClock clock;
  CombiningLoop loop(clock);
  RunningLoop running(loop, NotAgain);
  running.ComeToRest();
  std::promise<std::thread::id> ran;
  int left = 20;
  std::function<void()> again = [&] {
    --left > 0 ? loop.Post(again) : ran.set_value(std::this_thread::get_id());
  };
  loop.Post(again);
  EXPECT_EQ(ran.get_future().get(), running.id());
}

TEST(CombiningLoopTest, TasksOfManyThreadsRunOneAtATimeAndNoneIsLost) {
  const SystemClock clock;
  CombiningLoop loop(clock);
  int ran = 0;  // no atomic: that it needs none is what is tested, with TSan at the latest
  int steps = 0;
  {
    const RunningLoop running(loop, [&steps]() -> std::optional<Timestamp> {
      ++steps;
      return std::nullopt;
    });
    std::vector<std::thread> posters;
    for (int t = 0; t < 4; ++t) {
      posters.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) loop.Post([&ran] { ++ran; });
      });
    }
    for (std::thread& poster : posters) poster.join();
    std::promise<void> last;
    loop.Post([&last] { last.set_value(); });
    last.get_future().wait();
  }
  EXPECT_EQ(ran, 4000);
  EXPECT_GT(steps, 0);
}

TEST(CombiningLoopTest, TheStepIsCalledAgainWhenItAskedToBe) {
  const SystemClock clock;
  CombiningLoop loop(clock);
  std::vector<Timestamp> calls;
  loop.Run([&]() -> std::optional<Timestamp> {
    calls.push_back(clock.Now());
    if (calls.size() == 4) loop.Quit();
    return calls.back() + 5ms;
  });
  ASSERT_EQ(calls.size(), 4U);
  for (std::size_t i = 1; i < calls.size(); ++i) EXPECT_GE(calls[i] - calls[i - 1], 5ms);
}

// Else a timer that a task sets would wait for the next post, or for one that was set before.
TEST(CombiningLoopTest, AStepOnAPostersThreadWakesTheLoopForASoonerTime) {
  const SystemClock clock;
  using Due = std::optional<Duration>;
  for (const Due before : {Due(), Due(1h)}) {
    CombiningLoop loop(clock);
    Due wanted = before;
    std::optional<Timestamp> due;
    std::promise<std::thread::id> in_time;
    RunningLoop running(loop, [&]() -> std::optional<Timestamp> {
      if (due && clock.Now() >= *due) {
        in_time.set_value(std::this_thread::get_id());
        wanted = before;
      }
      due = wanted ? std::optional(clock.Now() + *wanted) : std::nullopt;
      return due;
    });
    while (running.WhoRuns() != std::this_thread::get_id()) {
    }
    loop.Post([&wanted] { wanted = 1ms; });
    auto stepped = in_time.get_future();
    ASSERT_EQ(stepped.wait_for(kTooLong), std::future_status::ready);
    EXPECT_EQ(stepped.get(), running.id());
  }
}

// What its caller destroys next, a poster may still be using.
TEST(CombiningLoopTest, RunWaitsForThePosterAtWork) {
  const SystemClock clock;
  CombiningLoop loop(clock);
  std::promise<void> returned;
  std::thread runner([&] {
    loop.Run(NotAgain);
    returned.set_value();
  });
  auto has_returned = returned.get_future();
  std::promise<void> at_work;
  std::promise<void> go_on;
  std::thread poster([&] {
    // Sooner or later the runner has come to rest, and the task is this thread's.
    for (bool own = false; !own;) {
      std::promise<void> ran;
      loop.Post([&, me = std::this_thread::get_id()] {
        own = std::this_thread::get_id() == me;
        if (own) {
          at_work.set_value();
          go_on.get_future().wait();
        }
        ran.set_value();
      });
      ran.get_future().wait();
    }
  });
  ASSERT_TRUE(Comes(at_work.get_future()));
  loop.Quit();
  EXPECT_EQ(has_returned.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  go_on.set_value();
  EXPECT_TRUE(Comes(has_returned));
  runner.join();
  poster.join();
}

TEST(CombiningLoopTest, AStepOnAPostersThreadMayEndIt) {
  const SystemClock clock;
  CombiningLoop loop(clock);
  bool over = false;
  bool late = false;
  {
    RunningLoop running(loop, [&]() -> std::optional<Timestamp> {
      if (over) loop.Quit();
      return std::nullopt;
    });
    while (running.WhoRuns() != std::this_thread::get_id()) {
    }
    loop.Post([&] {
      over = true;
      loop.Post([&late] { late = true; });
    });
  }
  loop.Post([&late] { late = true; });
  EXPECT_FALSE(late) << "after the batch that ended it";
}

TEST(CombiningLoopTest, AfterRunNoTaskRunsUntilTheNextRun) {
  const SystemClock clock;
  CombiningLoop loop(clock);
  std::vector<std::thread::id> ran;
  for (int i = 1; i <= 3; ++i) {
    std::thread([&] {
      loop.Post([&] {
        ran.push_back(std::this_thread::get_id());
        loop.Quit();
      });
    }).join();
    EXPECT_EQ(ran.size() + 1, static_cast<std::size_t>(i));
    loop.Run(NotAgain);
  }
  EXPECT_EQ(ran.size(), 3U);
  EXPECT_THAT(ran, Each(std::this_thread::get_id()));
}

}  // namespace
}  // namespace skerry
