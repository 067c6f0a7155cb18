#include "base/pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "testing/manual_executor.h"

namespace skerry {
namespace {

using ::testing::ElementsAre;
using testing::ManualExecutor;

class PairsTest : public ::testing::Test {
 protected:
  Pairs<int>::Handle Note() {
    return [this](std::span<int> things) { calls_.emplace_back(things.begin(), things.end()); };
  }

  ManualExecutor executor_;
  std::vector<std::vector<int>> calls_;
};

TEST_F(PairsTest, WhatComesByItselfIsDealtWithByItself) {
  InlineExecutor at_once;
  Pairs<int> pairs(at_once, 1, Note());
  pairs.Add(1);
  pairs.Add(2);
  EXPECT_THAT(calls_, ElementsAre(ElementsAre(1), ElementsAre(2)));
}

TEST_F(PairsTest, WhatComesMeanwhileIsDealtWithByTwoInTheOrderOfComing) {
  Pairs<int> pairs(executor_, 1, Note());
  for (int i = 1; i <= 5; ++i) pairs.Add(i);
  executor_.RunAll();
  EXPECT_THAT(calls_, ElementsAre(ElementsAre(1, 2), ElementsAre(3, 4), ElementsAre(5)));
}

TEST_F(PairsTest, WhatComesWhileTheLastIsDealtWithIsNotForgotten) {
  std::optional<Pairs<int>> pairs;
  pairs.emplace(executor_, 1, [&](std::span<int> things) {
    calls_.emplace_back(things.begin(), things.end());
    if (things.front() == 1) pairs->Add(2);
  });
  pairs->Add(1);
  executor_.RunAll();
  pairs->Add(3);
  executor_.RunAll();
  EXPECT_THAT(calls_, ElementsAre(ElementsAre(1), ElementsAre(2), ElementsAre(3)));
}

TEST_F(PairsTest, NoMoreCallsThanAllowedAreOnTheirWay) {
  Pairs<int> pairs(executor_, 2, Note());
  for (int i = 1; i <= 5; ++i) pairs.Add(i);
  EXPECT_EQ(executor_.waiting(), 2U);
}

TEST_F(PairsTest, BetweenTwoCallsOthersOfTheExecutorHaveTheirTurn) {
  Pairs<int> pairs(executor_, 1, Note());
  for (int i = 1; i <= 4; ++i) pairs.Add(i);
  executor_.Post([&] { calls_.push_back({0}); });
  executor_.RunAll();
  EXPECT_THAT(calls_, ElementsAre(ElementsAre(1, 2), ElementsAre(0), ElementsAre(3, 4)));
}

TEST_F(PairsTest, WhatHasComeIsDealtWithAfterItIsDestroyed) {
  std::optional<Pairs<int>> pairs;
  pairs.emplace(executor_, 1, Note());
  pairs->Add(1);
  pairs.reset();
  executor_.RunAll();
  EXPECT_THAT(calls_, ElementsAre(ElementsAre(1)));
}

TEST_F(PairsTest, OfManyThreadsEverythingIsDealtWithOnce) {
  constexpr int kThreads = 4;
  constexpr int kEach = 1000;
  std::vector<int> times(kThreads * kEach);
  Mutex mutex;
  {
    ThreadPool pool(2);
    Pairs<int> pairs(pool, 2, [&](std::span<int> things) {
      MutexLock lock(mutex);
      for (const int thing : things) ++times[static_cast<std::size_t>(thing)];
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&pairs, t] {
        for (int i = 0; i < kEach; ++i) pairs.Add(t * kEach + i);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(times, std::vector<int>(times.size(), 1));
}

}  // namespace
}  // namespace skerry
