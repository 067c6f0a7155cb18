// Who is gone, who is only silent, and how soon either is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <thread>

#include "linked_federation.h"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

// rpc/grpc/transport.cc: a ping after so long without traffic, and the end so long after it.
constexpr double kPingSeconds = 10;
constexpr double kPingTimeoutSeconds = 10;
// crypto/tls_probe.h: a client whose connection is gone looks for the reason before it says so.
constexpr double kProbeSeconds = 5;
// coordinator/coordinator.h: a broken connection becomes a lost site.
constexpr double kGraceSeconds = 9;

constexpr const char* kPatient = "[time]\nheartbeat = \"1s\"\nround_deadline = \"10m\"\n";

std::string Log(LinkedFederation& federation, const std::string& site) {
  return ReadAll(federation.deployment().File(site + ".log"));
}

TEST(SilenceTest, AKilledClientIsNoticedWithinTenSeconds) {
  LinkedFederation federation({"north", "south"});
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  const std::string run = federation.Submit(RunFileWith(1000, "200ms", kPatient));
  ASSERT_TRUE(federation.UntilRound(run, 2));
  federation.deployment().client("south").Kill9();
  const Stopwatch watch;
  const auto noticed = [](const nlohmann::json& shown) {
    const std::string text = shown.dump();
    return text.find("waiting for it to come back") != text.npos ||
           text.find("lost") != text.npos || text.find("not connected") != text.npos;
  };
  ASSERT_TRUE(federation.Until(run, noticed));
  const double broken = watch.Seconds();
  ASSERT_TRUE(federation.UntilSiteIs(run, "south", "lost"));
  const double lost = watch.Seconds();
  std::printf("a killed client: no connection after %.1f s, lost after %.1f s\n", broken, lost);
  EXPECT_LT(broken, 3);
  EXPECT_LT(lost, 10);
}

// A link that carries nothing any more, and nobody is told: no end, no reset.
void Silence(ChaosProxy& link) {
  link.HalfOpen();
  link.Partition();
}

TEST(SilenceTest, ASilentLinkIsNoticedByBothSidesThoughNothingWasUnderWay) {
  LinkedFederation federation({"north", "south"});
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  std::this_thread::sleep_for(std::chrono::seconds(1));  // each holds its PullTask
  Silence(federation.link("south"));
  const Stopwatch watch;
  double client = 0;
  const auto lost = [&] {
    if (client == 0 && Log(federation, "south").find("cannot reach") != std::string::npos) {
      client = watch.Seconds();
    }
    const std::string sites = federation.deployment().Skerry({"site", "list"}).out;
    return client > 0 && sites.find("lost") != std::string::npos;
  };
  while (!lost() && watch.Seconds() < 50) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  const double coordinator = watch.Seconds();
  std::printf("a silent link: the client noticed after %.1f s, it was lost after %.1f s\n", client,
              coordinator);
  EXPECT_LT(client, kPingSeconds + kPingTimeoutSeconds + kProbeSeconds + 2);
  EXPECT_LT(coordinator, kPingSeconds + kPingTimeoutSeconds + kGraceSeconds + 3);
  const std::string run = federation.Submit(RunFileWith(2, "0s", kPatient));
  federation.link("south").Heal();
  EXPECT_EQ(federation.deployment().WaitForEnd(run), 0) << federation.Story();
}

TEST(SilenceTest, ALinkThatGoesSilentInARunIsNoticedWithinTenSecondsAndTheRunEndsInTheSameBits) {
  LinkedFederation federation({"north", "south"});
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  const std::string run = federation.Submit(RunFileWith(6, "200ms", kPatient));
  ASSERT_TRUE(federation.UntilRound(run, 2));
  Silence(federation.link("south"));
  const Stopwatch watch;
  ASSERT_TRUE(federation.UntilSiteIs(run, "south", "lost")) << federation.Story();
  // The coordinator has answered a call into the silence, and no new one comes.
  std::printf("a silent link in a run: lost after %.1f s\n", watch.Seconds());
  EXPECT_LT(watch.Seconds(), kGraceSeconds + 3);
  federation.link("south").Heal();
  EXPECT_EQ(federation.deployment().WaitForEnd(run), 0) << federation.Story();
  std::printf("the run has ended %.1f s after the link went silent\n", watch.Seconds());
  EXPECT_EQ(federation.ModelSha256(run), federation.SimulatedSha256());
}

}  // namespace
}  // namespace skerry::testing
