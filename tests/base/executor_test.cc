#include "base/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "testing/manual_executor.h"

namespace skerry {
namespace {

using ::testing::ElementsAre;
using testing::ManualExecutor;

TEST(InlineExecutorTest, ATaskHasRunWhenPostReturns) {
  InlineExecutor executor;
  bool ran = false;
  executor.Post([&] { ran = true; });
  EXPECT_TRUE(ran);
}

TEST(ThreadPoolTest, OneThreadKeepsTheOrderOfPosting) {
  std::vector<int> order;
  {
    ThreadPool pool(1);
    for (int i = 0; i < 1000; ++i) pool.Post([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 1000U);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(ThreadPoolTest, ItsThreadsWorkBesideEachOther) {
  ThreadPool pool(3);
  EXPECT_EQ(pool.num_threads(), 3);
  std::latch all_there(4);  // nobody passes unless all three tasks run at the same time
  std::atomic<int> passed{0};
  for (int i = 0; i < 3; ++i) {
    pool.Post([&] {
      all_there.arrive_and_wait();
      ++passed;
    });
  }
  all_there.arrive_and_wait();
  std::latch done(1);
  pool.Post([&] { done.count_down(); });
  done.wait();
  EXPECT_GE(passed.load(), 1);
}

TEST(ThreadPoolTest, TheDestructorFinishesWhatWasPostedAndWhatThatPosts) {
  std::atomic<int> ran{0};
  {
    ThreadPool pool(2);
    for (int i = 0; i < 100; ++i) {
      pool.Post([&] {
        ++ran;
        pool.Post([&] { ++ran; });
      });
    }
  }
  EXPECT_EQ(ran.load(), 200);
}

TEST(ThreadPoolTest, ManyThreadsMayPost) {
  std::atomic<int> ran{0};
  {
    ThreadPool pool(2);
    std::vector<std::thread> posters;
    posters.reserve(4);
    for (int t = 0; t < 4; ++t) {
      posters.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) pool.Post([&] { ++ran; });
      });
    }
    for (std::thread& poster : posters) poster.join();
  }
  EXPECT_EQ(ran.load(), 4000);
}

TEST(StrandTest, TasksRunInOrderAndNeverTwoAtOnce) {
  struct Lane {
    std::unique_ptr<Strand> strand;
    std::vector<int> order;  // no lock: the strand is the lock
    std::atomic<int> inside{0};
    std::atomic<bool> overlapped{false};
  };
  std::vector<Lane> lanes(4);
  {
    ThreadPool pool(4);
    for (Lane& lane : lanes) lane.strand = std::make_unique<Strand>(pool);
    for (int i = 0; i < 2000; ++i) {
      for (Lane& lane : lanes) {
        lane.strand->Post([&lane, i] {
          if (lane.inside.fetch_add(1) != 0) lane.overlapped = true;
          lane.order.push_back(i);
          lane.inside.fetch_sub(1);
        });
      }
    }
  }
  for (const Lane& lane : lanes) {
    EXPECT_FALSE(lane.overlapped);
    ASSERT_EQ(lane.order.size(), 2000U);
    for (int i = 0; i < 2000; ++i) ASSERT_EQ(lane.order[static_cast<std::size_t>(i)], i);
  }
}

TEST(StrandTest, StrandsOfOnePoolRunBesideEachOther) {
  ThreadPool pool(2);
  Strand first(pool);
  Strand second(pool);
  std::latch both_there(2);  // each task waits for the other one
  std::latch done(2);
  for (Strand* strand : {&first, &second}) {
    strand->Post([&] {
      both_there.arrive_and_wait();
      done.count_down();
    });
  }
  done.wait();
  EXPECT_TRUE(done.try_wait());
}

TEST(StrandTest, OneTaskATurnSoThatABusyStrandKeepsNobodyWaiting) {
  ManualExecutor executor;
  Strand busy(executor);
  Strand other(executor);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) busy.Post([&order, i] { order.push_back(i); });
  other.Post([&order] { order.push_back(100); });
  EXPECT_EQ(executor.waiting(), 2U);
  executor.RunAll();
  EXPECT_THAT(order, ElementsAre(0, 100, 1, 2));
}

TEST(StrandTest, ATaskPostedByATaskRunsAfterThoseBeforeIt) {
  ManualExecutor executor;
  Strand strand(executor);
  std::vector<int> order;
  strand.Post([&] {
    order.push_back(1);
    strand.Post([&] { order.push_back(3); });
  });
  strand.Post([&] { order.push_back(2); });
  executor.RunAll();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(StrandTest, OnTheCallersStackATaskMayPostToItsOwnStrand) {
  InlineExecutor executor;
  Strand strand(executor);
  std::vector<int> order;
  strand.Post([&] {
    strand.Post([&] { order.push_back(2); });
    order.push_back(1);  // the posted task waits until this one is done
  });
  EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST(StrandTest, AStrandMayGoBeforeItsTasksHaveRun) {
  ManualExecutor executor;
  std::vector<int> order;
  {
    Strand strand(executor);
    for (int i = 0; i < 3; ++i) strand.Post([&order, i] { order.push_back(i); });
  }
  executor.RunAll();
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST(StrandTest, WhatATaskHoldsIsLetGoOfBeforeTheNextRuns) {
  ManualExecutor executor;
  Strand strand(executor);
  const auto held = std::make_shared<int>(0);
  std::weak_ptr<int> seen;
  bool gone = false;
  {
    auto mine = std::make_shared<int>(1);
    seen = mine;
    strand.Post([mine = std::move(mine)] { ++*mine; });
  }
  strand.Post([&] { gone = seen.expired(); });
  executor.RunAll();
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace skerry
