// Asynchronous runs with real processes: a site that stands still, a coordinator that is killed
// while it waits for the rest of a buffer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "deployment.h"

namespace skerry::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string FedBuff(int num_rounds, const std::string& strategy) {
  return Deployment::RunFile(num_rounds, strategy +
                                             "[keep]\nupdates = 100\ncheckpoints = 100\n"
                                             "[time]\nheartbeat = \"1s\"\n");
}

json Shown(const Deployment& federation, const std::string& run) {
  return json::parse(federation.Skerry({"run", "show", run, "--format", "json"}).out);
}

bool OnlyNorthsUpdateWaits(const json& shown) {
  if (shown.value("buffered", 0) != 1) return false;
  const json& sites = shown.at("sites");
  return std::any_of(sites.begin(), sites.end(), [](const json& site) {
    return site.at("site") == "north" && site.at("state") == "reported";
  });
}

// Replays what happened; the SHA-256 of its model.
std::string ReplayedModel(const Deployment& federation, const std::string& run) {
  const Finished history = federation.Skerry({"run", "export-history", run});
  EXPECT_EQ(history.exit_code, 0) << history.err;
  EXPECT_THAT(history.out, HasSubstr("\"base_version\""));
  WriteAll(federation.File("history.json"), history.out);
  const Finished replayed =
      federation.Skerry({"simulate", federation.File("run.toml"), "--history",
                         federation.File("history.json"), "--out", federation.File("sim")});
  EXPECT_EQ(replayed.exit_code, 0) << replayed.err;
  return Field(replayed.out, "sha256");
}

TEST(AsyncTest, ACoordinatorKilledInMidBufferGoesOnWithWhatItHasAndTheReplayHasTheSameBits) {
  Deployment federation({"north", "south", "west"});
  federation.StartAll();
  std::string file = FedBuff(8, "strategy = \"fedbuff\"\nasync = { buffer = 2 }\n");
  file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"300ms\"");
  const std::string run = federation.Submit(file);
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "2"}).exit_code, 0);
  // Two of three stand still: a buffer of two cannot fill, once what they had sent is taken in.
  federation.client("south").Signal(SIGSTOP);
  federation.client("west").Signal(SIGSTOP);
  int looks_in_a_row = 0;
  EXPECT_TRUE(Eventually([&] {
    looks_in_a_row = OnlyNorthsUpdateWaits(Shown(federation, run)) ? looks_in_a_row + 1 : 0;
    return looks_in_a_row == 10;
  }));
  federation.coordinator().Kill9();
  federation.StartCoordinator();
  EXPECT_EQ(Shown(federation, run).at("buffered"), 1) << "north's update is there still";
  federation.client("south").Signal(SIGCONT);
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "6"}).exit_code, 0);
  federation.client("west").Signal(SIGCONT);
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  EXPECT_EQ(federation.ModelSha256(run), ReplayedModel(federation, run));
  const Finished verified = federation.Skerry({"run", "verify", run});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

TEST(AsyncTest, WithFedAsyncASlowSiteIsOvertakenAndClientsMayBeKilled) {
  Deployment federation({"north", "south"});
  federation.StartAll();
  std::string file = FedBuff(12, "strategy = \"fedasync\"\n");
  file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"150ms\"");
  const std::string run = federation.Submit(file);
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "2"}).exit_code, 0);
  federation.client("south").Kill9();
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "6"}).exit_code, 0);
  federation.StartClient("south");
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  EXPECT_EQ(federation.ModelSha256(run), ReplayedModel(federation, run));
  const Finished verified = federation.Skerry({"run", "verify", run});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

}  // namespace
}  // namespace skerry::testing
