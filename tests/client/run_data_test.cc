#include "client/run_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stop_token>
#include <thread>

#include "client/data/spec.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using skerry::testing::HasCode;

// As a task does: takes the data, reads them if nobody has. Whether it had to.
bool ReadsAnew(RunDataCache& cache, const std::string& run) {
  Result<RunDataCache::Lease> lease = cache.Take(run, {});
  EXPECT_OK(lease);
  const bool anew = (*lease)->data == nullptr;
  if (anew) {
    Result<SiteData> data = TestData(TestFile(TestRows(20, 1)), TestSpec());
    EXPECT_OK(data);
    (*lease)->data = std::make_unique<SiteData>(*std::move(data));
  }
  return anew;
}

TEST(RunDataCacheTest, ARunIsReadOnce) {
  RunDataCache cache(1);
  EXPECT_TRUE(ReadsAnew(cache, "a"));
  EXPECT_FALSE(ReadsAnew(cache, "a"));
}

TEST(RunDataCacheTest, NoMoreRunsAreKeptThanItsLimitAndTheOneUsedTheLongestAgoGoes) {
  RunDataCache cache(2);
  EXPECT_TRUE(ReadsAnew(cache, "a"));
  EXPECT_TRUE(ReadsAnew(cache, "b"));
  EXPECT_FALSE(ReadsAnew(cache, "a"));
  EXPECT_TRUE(ReadsAnew(cache, "c"));  // b goes
  EXPECT_FALSE(ReadsAnew(cache, "a"));
  EXPECT_TRUE(ReadsAnew(cache, "b"));
}

TEST(RunDataCacheTest, MoreRunsAreKeptWhileTheyAreSmall) {
  RunDataCache cache(1, 1 << 20);
  for (const char* run : {"a", "b", "c"}) EXPECT_TRUE(ReadsAnew(cache, run));
  for (const char* run : {"a", "b", "c"}) EXPECT_FALSE(ReadsAnew(cache, run));
  RunDataCache small(1, 500);
  EXPECT_TRUE(ReadsAnew(small, "a"));  // 20 rows of 5 doubles: 800 bytes
  EXPECT_TRUE(ReadsAnew(small, "b"));
  EXPECT_FALSE(ReadsAnew(small, "b"));
  EXPECT_TRUE(ReadsAnew(small, "a"));
}

TEST(RunDataCacheTest, DataThatATaskHasAreNotTakenAwayFromIt) {
  RunDataCache cache(1);
  {
    ASSERT_TRUE(ReadsAnew(cache, "a"));
    ASSERT_OK_AND_ASSIGN(const RunDataCache::Lease in_use, cache.Take("a", {}));
    EXPECT_TRUE(ReadsAnew(cache, "b"));
    EXPECT_NE(in_use->data, nullptr);
  }
  EXPECT_FALSE(ReadsAnew(cache, "a"));
}

TEST(RunDataCacheTest, WhatATaskForgetsOrNeverReadIsReadByTheNext) {
  RunDataCache cache(1);
  EXPECT_TRUE(ReadsAnew(cache, "a"));
  {
    ASSERT_OK_AND_ASSIGN(RunDataCache::Lease lease, cache.Take("a", {}));
    lease.Forget();
  }
  { ASSERT_OK(cache.Take("a", {})); }
  EXPECT_TRUE(ReadsAnew(cache, "a"));
}

TEST(RunDataCacheTest, ATaskWaitsForAnotherOfItsRun) {
  RunDataCache cache(2);
  ASSERT_TRUE(ReadsAnew(cache, "a"));
  std::atomic<bool> given_back = false;
  auto first = cache.Take("a", {});
  ASSERT_OK(first);
  std::thread second([&] {
    EXPECT_FALSE(ReadsAnew(cache, "a"));
    EXPECT_TRUE(given_back);
  });
  EXPECT_TRUE(ReadsAnew(cache, "b")) << "which another run does not";
  given_back = true;
  { const RunDataCache::Lease end = *std::move(first); }
  second.join();
}

TEST(RunDataCacheTest, ATaskThatIsStoppedDoesNotWaitOn) {
  RunDataCache cache(1);
  ASSERT_OK_AND_ASSIGN(const RunDataCache::Lease in_use, cache.Take("a", {}));
  std::stop_source stop;
  std::thread waiting(
      [&] { EXPECT_THAT(cache.Take("a", stop.get_token()), HasCode(Code::kCancelled)); });
  stop.request_stop();
  waiting.join();
  EXPECT_THAT(cache.Take("b", stop.get_token()), HasCode(Code::kCancelled)) << "nor begin";
}

}  // namespace
}  // namespace skerry::client
