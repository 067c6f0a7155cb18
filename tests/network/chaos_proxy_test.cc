#include "testing/chaos_proxy.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "echo_server.h"

namespace skerry::testing {
namespace {

class ChaosProxyTest : public ::testing::Test {
 protected:
  // Gives the link's thread the time to do what is expected of it.
  static bool Soon(const std::function<bool()>& holds) {
    for (int i = 0; i < 500; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  double SecondsToEcho(PlainClient& client, const std::string& bytes) const {
    const Timestamp began = clock_.Now();
    EXPECT_TRUE(client.Send(bytes));
    EXPECT_EQ(client.Receive(bytes.size()).size(), bytes.size());
    return ToSeconds(clock_.Now() - began);
  }

  const SystemClock clock_{};
  EchoServer server_;
  ChaosProxy proxy_{ChaosProxyOptions{.to = server_.address()}};
};

TEST_F(ChaosProxyTest, BytesArriveUnchangedBothWaysAndAreCounted) {
  PlainClient client(proxy_.port());
  std::string bytes;
  for (int64_t i = 0; i < 300'000; ++i) bytes += static_cast<char>(i * i % 251);
  std::thread sender([&] { EXPECT_TRUE(client.Send(bytes)); });
  EXPECT_EQ(client.Receive(bytes.size()), bytes);
  sender.join();
  const ConnectionTraffic traffic = proxy_.total();
  EXPECT_EQ(traffic.up_sent, bytes.size());
  EXPECT_EQ(traffic.up_passed, bytes.size());
  EXPECT_EQ(traffic.down_passed, bytes.size());
  EXPECT_TRUE(traffic.open);
}

TEST_F(ChaosProxyTest, TheEndOfOneSideReachesTheOther) {
  {
    PlainClient client(proxy_.port());
    SecondsToEcho(client, "hello");
  }
  EXPECT_TRUE(Soon([&] { return !proxy_.total().open; }));
}

TEST_F(ChaosProxyTest, ADelayedLinkIsLateEachWay) {
  proxy_.Delay(100ms);
  PlainClient client(proxy_.port());
  EXPECT_GE(SecondsToEcho(client, "hello"), 0.2);
}

TEST_F(ChaosProxyTest, AThrottledLinkIsSharedByItsConnections) {
  proxy_.Throttle(200'000);
  PlainClient one(proxy_.port());
  PlainClient other(proxy_.port());
  const Timestamp began = clock_.Now();
  std::thread thread([&] { SecondsToEcho(other, std::string(100'000, 'b')); });
  SecondsToEcho(one, std::string(100'000, 'a'));
  thread.join();
  EXPECT_GE(ToSeconds(clock_.Now() - began), 0.6)
      << "200 kB at 200 kB/s, less what may be saved up";
}

TEST_F(ChaosProxyTest, EachConnectionMayHaveALimitOfItsOwn) {
  proxy_.Do({LinkFault::Kind::kThrottleEach, 100'000});
  PlainClient client(proxy_.port());
  EXPECT_GE(SecondsToEcho(client, std::string(80'000, 'a')), 0.6);
}

TEST_F(ChaosProxyTest, AResetIsNoOrderlyEnd) {
  PlainClient client(proxy_.port());
  SecondsToEcho(client, "hello");
  proxy_.Reset();
  EXPECT_EQ(client.Receive(1), "");
  EXPECT_EQ(client.error(), ECONNRESET);
}

TEST_F(ChaosProxyTest, AHalfOpenConnectionIsSilentForEverAndANewOneWorks) {
  PlainClient old(proxy_.port());
  SecondsToEcho(old, "hello");
  proxy_.HalfOpen();
  EXPECT_TRUE(old.Send("is anybody there?"));
  EXPECT_EQ(old.Receive(1, 1), "");
  EXPECT_EQ(old.error(), EAGAIN) << "neither an end nor a reset";
  PlainClient young(proxy_.port());
  SecondsToEcho(young, "hello");
  proxy_.Heal();
  EXPECT_EQ(old.Receive(1, 1), "");
  EXPECT_EQ(old.error(), EAGAIN);
}

TEST_F(ChaosProxyTest, WhatWaitedDuringAPartitionArrivesWhenItHeals) {
  PlainClient old(proxy_.port());
  SecondsToEcho(old, "hello");
  proxy_.Partition();
  PlainClient young(proxy_.port());
  EXPECT_TRUE(old.Send("old"));
  EXPECT_TRUE(young.Send("young"));
  EXPECT_EQ(old.Receive(1, 1), "");
  EXPECT_EQ(old.error(), EAGAIN);
  proxy_.Heal();
  EXPECT_EQ(old.Receive(3), "old");
  EXPECT_EQ(young.Receive(5), "young");
}

TEST_F(ChaosProxyTest, ATruncatedConnectionEndsAfterSoManyBytes) {
  proxy_.Do({LinkFault::Kind::kTruncate, 1000});
  PlainClient client(proxy_.port());
  client.Send(std::string(5000, 'a'));
  while (!client.Receive(5000).empty()) {
  }
  EXPECT_TRUE(
      Soon([&] { return server_.heard() == std::vector<std::string>{std::string(1000, 'a')}; }));
  PlainClient next(proxy_.port());
  SecondsToEcho(next, "whole again");
}

TEST_F(ChaosProxyTest, ADuplicatedConnectionIsHeardTwiceByTheServerOnly) {
  proxy_.Do({LinkFault::Kind::kDuplicate, 4});
  PlainClient client(proxy_.port());
  client.Send("hello");
  EXPECT_EQ(client.Receive(5), "hello");
  EXPECT_TRUE(Soon([&] { return server_.heard() == std::vector<std::string>{"hello", "hell"}; }));
}

TEST_F(ChaosProxyTest, CutAfterResetsEverythingOnceSoManyBytesWereSent) {
  PlainClient client(proxy_.port());
  SecondsToEcho(client, std::string(3000, 'a'));
  proxy_.CutAfter(Way::kUp, 2000);
  SecondsToEcho(client, std::string(1000, 'b'));
  EXPECT_EQ(proxy_.num_cuts(), 0);
  client.Send(std::string(1500, 'c'));
  while (!client.Receive(1500).empty()) {
  }
  EXPECT_EQ(client.error(), ECONNRESET);
  EXPECT_EQ(proxy_.num_cuts(), 1);
  PlainClient next(proxy_.port());
  SecondsToEcho(next, std::string(5000, 'd'));
}

TEST_F(ChaosProxyTest, APlanIsCarriedOutAtItsTimes) {
  const auto plan = ParseLinkPlan("300ms reset; 0s delay 20ms");
  ASSERT_TRUE(plan.ok());
  const Timestamp began = clock_.Now();
  ChaosProxy proxy(ChaosProxyOptions{.to = server_.address(), .plan = *plan});
  PlainClient client(proxy.port());
  EXPECT_GE(SecondsToEcho(client, "hello"), 0.04);
  EXPECT_EQ(client.Receive(1), "");
  EXPECT_EQ(client.error(), ECONNRESET);
  EXPECT_GE(ToSeconds(clock_.Now() - began), 0.25);
}

}  // namespace
}  // namespace skerry::testing
