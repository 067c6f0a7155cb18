#include "base/event_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace skerry {
namespace {

using ::testing::ElementsAre;

std::optional<Timestamp> NotAgain() { return std::nullopt; }

TEST(EventLoopTest, TasksRunInOrderOnTheThreadThatRunsTheLoop) {
  const SystemClock clock;
  EventLoop loop(clock);
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  for (int i = 0; i < 3; ++i) {
    loop.Post([&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    });
  }
  loop.Quit();
  loop.Run(NotAgain);
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
  EXPECT_THAT(threads, ::testing::Each(std::this_thread::get_id()));
}

TEST(EventLoopTest, WhatWasPostedTogetherIsOneBatchWithOneStepAfterIt) {
  const SystemClock clock;
  EventLoop loop(clock);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) loop.Post([&order, i] { order.push_back(i); });
  loop.Quit();
  loop.Run([&]() -> std::optional<Timestamp> {
    order.push_back(-1);
    return std::nullopt;
  });
  EXPECT_THAT(order, ElementsAre(-1, 0, 1, 2, -1));
}

TEST(EventLoopTest, ATaskOfATaskBelongsToTheNextBatch) {
  const SystemClock clock;
  EventLoop loop(clock);
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
  EXPECT_THAT(order, ElementsAre(0, 1, 0, 2, 0));
}

TEST(EventLoopTest, TheStepIsCalledAgainWhenItAskedToBe) {
  const SystemClock clock;
  EventLoop loop(clock);
  std::vector<Timestamp> calls;
  loop.Run([&]() -> std::optional<Timestamp> {
    calls.push_back(clock.Now());
    if (calls.size() == 4) loop.Quit();
    return calls.back() + 5ms;
  });
  ASSERT_EQ(calls.size(), 4U);
  for (std::size_t i = 1; i < calls.size(); ++i) EXPECT_GE(calls[i] - calls[i - 1], 5ms);
}

TEST(EventLoopTest, ATaskFromAnotherThreadWakesALoopThatWouldWaitForEver) {
  const SystemClock clock;
  EventLoop loop(clock);
  std::atomic<int> ran{0};
  std::thread poster([&] {
    for (int i = 0; i < 1000; ++i) loop.Post([&] { ++ran; });
    loop.Post([&] { loop.Quit(); });
  });
  loop.Run(NotAgain);
  poster.join();
  EXPECT_EQ(ran.load(), 1000);
}

TEST(EventLoopTest, ALoopMayRunAgainAfterItWasLeft) {
  const SystemClock clock;
  EventLoop loop(clock);
  int ran = 0;
  for (int i = 0; i < 3; ++i) {
    loop.Post([&] {
      ++ran;
      loop.Quit();
    });
    loop.Run(NotAgain);
  }
  EXPECT_EQ(ran, 3);
}

}  // namespace
}  // namespace skerry
