// Who is gone, who is only silent, and how soon either is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "linked_federation.h"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

// rpc/grpc/transport.cc, of control calls: a ping after so long without traffic, and the end so
// long after it.
constexpr double kPingSeconds = 55;
constexpr double kPingTimeoutSeconds = 10;
// coordinator/coordinator_sites.cc: the coordinator answers a held call, and then expects a new
// one.
constexpr double kHoldSeconds = 22;
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

TEST(SilenceTest, ASilentLinkIsNoticedByBothSidesThoughNothingWasUnderWay) {
  LinkedFederation federation({"north", "south"});
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  std::this_thread::sleep_for(std::chrono::seconds(1));  // each holds its PullTask
  // It carries nothing any more, and nobody is told: no end, no reset.
  federation.link("south").HalfOpen();
  federation.link("south").Partition();
  const Stopwatch watch;
  double client = 0;
  double coordinator = 0;
  const auto lost = [&] {
    if (client == 0 && Log(federation, "south").find("cannot reach") != std::string::npos) {
      client = watch.Seconds();
    }
    const std::string sites = federation.deployment().Skerry({"site", "list"}).out;
    if (coordinator == 0 && sites.find("lost") != std::string::npos) coordinator = watch.Seconds();
    return client > 0 && coordinator > 0;
  };
  while (!lost() && watch.Seconds() < 90) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  ASSERT_TRUE(client > 0 && coordinator > 0);
  std::printf("a silent link: the client noticed after %.1f s, it was lost after %.1f s\n", client,
              coordinator);
  EXPECT_LT(client, kPingSeconds + kPingTimeoutSeconds + kProbeSeconds + 2);
  EXPECT_LT(coordinator, kHoldSeconds + kGraceSeconds + 2);
  const std::string run = federation.Submit(RunFileWith(2, "0s", kPatient));
  federation.link("south").Heal();
  EXPECT_EQ(federation.deployment().WaitForEnd(run), 0) << federation.Story();
}

TEST(SilenceTest, ALinkThatGoesSilentInARunIsNoticedWithinTenSecondsAndTheRunEndsInTheSameBits) {
  LinkedFederation federation({"north", "south"});
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  const std::string run = federation.Submit(RunFileWith(6, "200ms", kPatient));
  ASSERT_TRUE(federation.UntilRound(run, 2));
  federation.link("south").Partition();
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

// The older process cannot hear that it has been replaced; the newer need not wait until it can.
TEST(SilenceTest, ANewerProcessTakesOverAtOnceThoughTheOlderOnesLinkIsSilent) {
  LinkedFederation federation({"north", "south"});
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  const std::string run = federation.Submit(RunFileWith(20, "200ms", kPatient));
  ASSERT_TRUE(federation.UntilRound(run, 2));
  federation.link("south").Partition();
  // Another machine of the site, with a link of its own.
  Deployment& deployment = federation.deployment();
  const std::string agent = deployment.Kit("south") + "/agent.toml";
  Edit(agent, "state_dir = \"state\"", "state_dir = \"state2\"");
  Edit(agent, "localhost:" + std::to_string(federation.link("south").port()),
       "localhost:" + std::to_string(deployment.port()));
  const Stopwatch watch;
  const int64_t before = federation.Show(run)["round"];
  Process newer({Program("skerry-client"), "--config", agent}, deployment.File("newer.log"));
  ASSERT_TRUE(newer.WaitFor("joined as site"));
  ASSERT_TRUE(federation.UntilRound(run, static_cast<int>(before) + 2)) << federation.Story();
  std::printf("a newer process on another link: two rounds later after %.1f s\n", watch.Seconds());
  EXPECT_LT(watch.Seconds(), 8);
  EXPECT_TRUE(deployment.client("south").IsRunning()) << "it knows of nothing yet";
  federation.link("south").Heal();
  EXPECT_EQ(deployment.client("south").Wait(), 10) << Log(federation, "south");
  EXPECT_EQ(deployment.WaitForEnd(run), 0) << federation.Story();
  EXPECT_TRUE(newer.IsRunning());
  EXPECT_EQ(federation.ModelSha256(run), federation.SimulatedSha256());
}

// Seconds that the training of a run took whose steps are many and small.
double SecondsOfTraining(LinkedFederation& federation, int local_epochs) {
  const std::string run = federation.Submit(
      BigModel(RunFileWith(1, "0s",
                           "local_epochs = " + std::to_string(local_epochs) +
                               "\n[time]\nheartbeat = \"1s\"\nno_progress = \"1s\"\n"
                               "round_deadline = \"10m\"\n"),
               "[300, 200]"));
  EXPECT_EQ(federation.deployment().WaitForEnd(run), 0) << federation.Story();
  const nlohmann::json shown = federation.Show(run);
  double seconds = 0;
  for (const nlohmann::json& round : shown["rounds"]) {
    if (round["kind"] == "train") seconds = round["seconds"];
  }
  return seconds;
}

// Thousands of steps: many times no_progress, each step a sign of progress.
TEST(SilenceTest, ATrainerThatComputesForLongWithProgressIsNeverLost) {
  LinkedFederation federation({"north", "south"});
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  // A stalled task is looked for every 5 s: long enough, on whatever machine this is.
  constexpr int kTrial = 500;
  constexpr double kSeconds = 12;
  const double trial = SecondsOfTraining(federation, kTrial);
  const int epochs = std::max(kTrial, static_cast<int>(kTrial * kSeconds / trial));
  const double seconds = SecondsOfTraining(federation, epochs);
  std::printf("no_progress 1 s, training %.1f s\n", seconds);
  EXPECT_GT(seconds, 6) << "too short for a trial";
}

// Its agent is well and says so; only nothing comes of it: the data sits on something that hangs.
TEST(SilenceTest, ATrainerWithoutProgressFailsAfterNoProgressWithTheReason) {
  LinkedFederation federation({"north", "south", "west"});
  const std::string data = federation.deployment().File("data/south.csv");
  std::filesystem::remove(data);
  ASSERT_EQ(::mkfifo(data.c_str(), 0600), 0);
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  const std::string run = federation.Submit(
      RunFileWith(2, "0s",
                  "[participation]\nmin_sites = 2\nquorum = 2\n"
                  "[time]\nheartbeat = \"1s\"\nno_progress = \"2s\"\nround_deadline = \"10m\"\n"));
  const Stopwatch watch;
  ASSERT_TRUE(federation.UntilRound(run, 0)) << federation.Story();
  std::printf("no_progress 2 s: the round has closed without the site after %.1f s\n",
              watch.Seconds());
  EXPECT_GT(watch.Seconds(), 1.9);
  EXPECT_LT(watch.Seconds(), 10) << "a stalled task is looked for every 5 s";
  EXPECT_THAT(federation.Show(run)["rounds"][0].dump(), HasSubstr("no progress for 2s"));
  const std::string sites = federation.deployment().Skerry({"site", "list"}).out;
  EXPECT_THAT(sites, ::testing::Not(HasSubstr("lost")));
}

// What is said one way arrives, and what is said the other way does not: neither side is told.
class OneWayLossTest : public ::testing::TestWithParam<Way> {};

TEST_P(OneWayLossTest, IsNoticedAndTheRunEndsInTheSameBits) {
  LinkedFederation federation({"north", "south"});
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  const std::string run = federation.Submit(RunFileWith(6, "200ms", kPatient));
  ASSERT_TRUE(federation.UntilRound(run, 2));
  federation.link("south").Lose(GetParam());
  const Stopwatch watch;
  ASSERT_TRUE(federation.UntilSiteIs(run, "south", "lost", std::chrono::seconds(50)))
      << federation.Story();
  std::printf("loss one way: the site was lost after %.1f s\n", watch.Seconds());
  EXPECT_LT(watch.Seconds(), kHoldSeconds + kGraceSeconds + 2);
  federation.link("south").Heal();
  EXPECT_EQ(federation.deployment().WaitForEnd(run), 0) << federation.Story();
  EXPECT_EQ(federation.ModelSha256(run), federation.SimulatedSha256());
}

INSTANTIATE_TEST_SUITE_P(All, OneWayLossTest, ::testing::Values(Way::kUp, Way::kDown),
                         [](const auto& way) {
                           return way.param == Way::kUp ? "TowardsTheCoordinator"
                                                        : "TowardsTheSite";
                         });

}  // namespace
}  // namespace skerry::testing
