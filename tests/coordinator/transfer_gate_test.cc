#include "coordinator/transfer_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using ::testing::ElementsAre;
using Place = TransferGate::Place;

constexpr Duration kPatience = 10s;

// Transfers that hold their place until the test takes it away; in the order of their turns.
class Transfers {
 public:
  Transfers(std::size_t places, std::size_t of_a_site)
      : gate_(places, of_a_site, kPatience, clock_) {}
  ~Transfers() {
    while (!held_.empty()) End(std::string(held_.begin()->first));
  }

  void Come(const std::string& site, const std::string& name) { EXPECT_OK(Enter(site, name)); }
  Status Enter(const std::string& site, const std::string& name) {
    return gate_.Enter(site, [this, name](Place place) {
      started_.push_back(name);
      held_[name] = std::move(place);
    });
  }
  void Come(const std::string& name) { Come(name, name); }
  void End(const std::string& name) {
    const Place place = std::move(held_.at(name));
    held_.erase(name);
  }

  const std::vector<std::string>& started() const { return started_; }
  TransferGate& gate() { return gate_; }
  void Wait(Duration time) {
    clock_.Advance(time);
    gate_.PassTheStalled();
  }

 private:
  ManualClock clock_;
  TransferGate gate_;
  std::vector<std::string> started_;
  std::map<std::string, Place> held_;
};

TEST(TransferGateTest, WhoComesFirstIsServedFirst) {
  Transfers transfers(2, 1);
  for (const char* site : {"a", "b", "c", "d"}) transfers.Come(site);
  EXPECT_THAT(transfers.started(), ElementsAre("a", "b"));
  EXPECT_EQ(transfers.gate().num_waiting(), 2U);
  transfers.End("b");
  EXPECT_THAT(transfers.started(), ElementsAre("a", "b", "c"));
  transfers.Come("b");  // with its next chunk: behind d
  transfers.End("a");
  transfers.End("c");
  EXPECT_THAT(transfers.started(), ElementsAre("a", "b", "c", "d", "b"));
}

TEST(TransferGateTest, ASiteThatStandsStillWithManyStreamsHoldsUpOnlyItself) {
  Transfers transfers(3, 2);
  transfers.Come("stuck", "1");
  transfers.Come("stuck", "2");
  transfers.Come("stuck", "3");
  transfers.Come("stuck", "4");
  transfers.Come("north");
  transfers.Come("south");
  EXPECT_THAT(transfers.started(), ElementsAre("1", "2", "north"));
  transfers.End("north");
  EXPECT_THAT(transfers.started(), ElementsAre("1", "2", "north", "south"));
  transfers.End("1");
  EXPECT_THAT(transfers.started(), ElementsAre("1", "2", "north", "south", "3"));
}

TEST(TransferGateTest, WhenAllWhoHaveAPlaceStandStillOthersAreLetInBesideThem) {
  Transfers transfers(2, 1);
  for (const char* site : {"a", "b", "c", "d", "e"}) transfers.Come(site);
  EXPECT_EQ(transfers.gate().NextDue(), Timestamp() + kPatience);
  transfers.Wait(kPatience - 1ms);
  EXPECT_THAT(transfers.started(), ElementsAre("a", "b"));
  transfers.Wait(1ms);
  EXPECT_THAT(transfers.started(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(transfers.gate().NextDue(), Timestamp() + 2 * kPatience);
  // What moves again does not count twice.
  transfers.End("a");
  EXPECT_THAT(transfers.started(), ElementsAre("a", "b", "c", "d"));
  transfers.End("c");
  EXPECT_THAT(transfers.started(), ElementsAre("a", "b", "c", "d", "e"));
  for (const char* site : {"b", "d", "e"}) transfers.End(site);
  EXPECT_EQ(transfers.gate().num_held(), 0U);
  EXPECT_EQ(transfers.gate().NextDue(), std::nullopt);
}

// Each of them has a chunk in memory, for as long as the site does not read it.
TEST(TransferGateTest, HowMuchOfASiteStandsStillIsBounded) {
  Transfers transfers(8, 2);
  for (int i = 0; i < 20; ++i) transfers.Come("stuck", std::to_string(i));
  for (int i = 0; i < 10; ++i) transfers.Wait(kPatience);
  EXPECT_EQ(transfers.gate().num_held(), 8U);
  transfers.Come("north");
  EXPECT_EQ(transfers.started().back(), "north");
  transfers.End("0");
  EXPECT_EQ(transfers.started().back(), "8");
}

TEST(TransferGateTest, ASiteWithManyTransfersWaitingMayNotBringMore) {
  Transfers transfers(1, 1);
  transfers.Come("north");
  int waiting = 0;
  while (waiting < 1000 && transfers.Enter("many", std::to_string(waiting)).ok()) ++waiting;
  EXPECT_EQ(waiting, 64);
  EXPECT_EQ(transfers.Enter("many", "more").code(), Code::kResourceExhausted);
  transfers.Come("south");
  transfers.End("north");
  EXPECT_EQ(transfers.started().back(), "0");
  EXPECT_OK(transfers.Enter("many", "more"));
}

TEST(TransferGateTest, APlaceIsGivenBackWithItsHolder) {
  const ManualClock clock;
  TransferGate gate(1, 1, kPatience, clock);
  {
    Place held;
    ASSERT_OK(gate.Enter("north", [&](Place place) { held = std::move(place); }));
    EXPECT_EQ(gate.num_held(), 1U);
    Place moved = std::move(held);
    held.Reset();
    EXPECT_EQ(gate.num_held(), 1U);
  }
  EXPECT_EQ(gate.num_held(), 0U);
}

// A stream whose client was killed while it waited: its turn comes and goes.
TEST(TransferGateTest, WhoNeedsItsTurnNoLongerLetsTheNextGoOn) {
  const ManualClock clock;
  TransferGate gate(1, 1, kPatience, clock);
  Place held;
  bool last = false;
  ASSERT_OK(gate.Enter("first", [&](Place place) { held = std::move(place); }));
  ASSERT_OK(gate.Enter("killed", [](const Place&) {}));
  ASSERT_OK(gate.Enter("last", [&](const Place&) { last = true; }));
  EXPECT_FALSE(last);
  held.Reset();
  EXPECT_TRUE(last);
  EXPECT_EQ(gate.num_held(), 0U);
  EXPECT_EQ(gate.num_waiting(), 0U);
}

TEST(TransferGateTest, OfManyThreadsNeverMoreHoldAPlaceThanThereAre) {
  constexpr int kThreads = 8;
  constexpr int kTurns = 500;
  constexpr int kPlaces = 3;
  const SystemClock clock;
  TransferGate gate(kPlaces, 1, kPatience, clock);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<int> turns{0};
  std::vector<std::thread> threads;
  const auto work = [&](const Place&) {
    const int now = ++inside;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
    ++turns;
    --inside;
  };
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, site = std::to_string(t)] {
      for (int turn = 0; turn < kTurns; ++turn) {
        // While the threads that hold the places do not run, a site may have too many waiting.
        Status entered = gate.Enter(site, work);
        while (entered.code() == Code::kResourceExhausted) {
          std::this_thread::yield();
          entered = gate.Enter(site, work);
        }
        EXPECT_OK(entered);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(turns, kThreads * kTurns);
  EXPECT_LE(most, kPlaces);
  EXPECT_EQ(gate.num_held(), 0U);
  EXPECT_EQ(gate.num_waiting(), 0U);
}

}  // namespace
}  // namespace skerry::coordinator
