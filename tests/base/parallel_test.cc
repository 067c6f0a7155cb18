#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <latch>
#include <thread>
#include <vector>

#include "base/time.h"

namespace skerry {
namespace {

TEST(ParallelForTest, EveryIndexRunsExactlyOnce) {
  ThreadPool pool(4);
  for (const std::size_t count : {0U, 1U, 2U, 7U, 1000U}) {
    for (const int helpers : {0, 1, 3, 100}) {
      std::vector<std::atomic<int>> runs(count);
      ParallelFor(pool, helpers, count, [&](std::size_t i) { ++runs[i]; });
      for (const std::atomic<int>& run : runs) ASSERT_EQ(run.load(), 1);
    }
  }
}

TEST(ParallelForTest, HelpersWorkBesideTheCaller) {
  ThreadPool pool(1);
  std::latch both_there(2);  // each of the two waits for the other
  std::atomic<int> passed{0};
  ParallelFor(pool, 1, 2, [&](std::size_t) {
    both_there.arrive_and_wait();
    ++passed;
  });
  EXPECT_EQ(passed.load(), 2);
}

TEST(ParallelForTest, ATaskOfABusyPoolNeedsNoHelper) {
  ThreadPool pool(1);  // its only thread is the one that asks
  std::atomic<int> runs{0};
  std::latch done(1);
  pool.Post([&] {
    ParallelFor(pool, 4, 100, [&](std::size_t) { ++runs; });
    done.count_down();
  });
  done.wait();
  EXPECT_EQ(runs.load(), 100);
}

TEST(ParallelForTest, LateHelpersTouchNothingOfACallerThatHasGone) {
  ThreadPool pool(1);
  std::latch release(1);
  pool.Post([&] { release.wait(); });  // the helpers come after this
  {
    std::vector<int> results(50);
    ParallelFor(pool, 3, results.size(), [&](std::size_t i) { results[i] = 1; });
    for (const int result : results) EXPECT_EQ(result, 1);
  }
  release.count_down();
}

TEST(ParallelInOrderTest, WhatFollowsComesInOrderAndAfterItsBody) {
  ThreadPool pool(4);
  for (const std::size_t count : {0U, 1U, 2U, 7U, 1000U}) {
    for (const int helpers : {0, 1, 3, 100}) {
      std::vector<std::atomic<int>> runs(count);
      std::vector<std::size_t> followed;
      ParallelInOrder(
          pool, helpers, count, [&](std::size_t i) { ++runs[i]; },
          [&](std::size_t i) {
            ASSERT_EQ(runs[i].load(), 1);
            followed.push_back(i);
          });
      ASSERT_EQ(followed.size(), count);
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(followed[i], i);
    }
  }
}

// Whether `flag` became true in time.
bool Await(const std::atomic<bool>& flag) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!flag && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
  return flag;
}

// The helper has the last body in hand until the first has been followed up. The first, which the
// caller takes, ends only when the helper is there.
TEST(ParallelInOrderTest, WhatFollowsDoesNotWaitForLaterBodies) {
  ThreadPool pool(1);
  std::atomic<bool> first_begun{false};
  std::atomic<bool> last_begun{false};
  std::atomic<bool> first_followed{false};
  bool met = false;
  bool followed_in_time = false;
  pool.Post([&] { Await(first_begun); });  // the helper comes after this
  ParallelInOrder(
      pool, 1, 2,
      [&](std::size_t i) {
        if (i == 0) {
          first_begun = true;
          met = Await(last_begun);
        } else {
          last_begun = true;
          followed_in_time = Await(first_followed);
        }
      },
      [&](std::size_t i) {
        if (i == 0) first_followed = true;
      });
  EXPECT_TRUE(met);
  EXPECT_TRUE(followed_in_time);
}

// Bodies that take equally long: each two neighbours wait for each other.
TEST(ParallelInOrderTest, WithOneHelperTheSameBodiesRunOnTheSameThreadsAgain) {
  constexpr std::size_t kCount = 64;
  ThreadPool pool(1);
  for (int time = 0; time < 2; ++time) {
    std::deque<std::latch> both_there;
    for (std::size_t pair = 0; pair < kCount / 2; ++pair) both_there.emplace_back(2);
    std::vector<std::thread::id> threads(kCount);
    ParallelInOrder(
        pool, 1, kCount,
        [&](std::size_t i) {
          threads[i] = std::this_thread::get_id();
          both_there[i / 2].arrive_and_wait();
        },
        [](std::size_t) {});
    for (std::size_t i = 0; i < kCount; ++i) {
      EXPECT_EQ(threads[i] == std::this_thread::get_id(), i % 2 == 0) << i;
    }
  }
}

}  // namespace
}  // namespace skerry
