// Real processes, real TLS, real disks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "deployment.h"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

TEST(FederationTest, ADeployedRunAndASimulatedOneMakeTheSameModelByteForByte) {
  Deployment federation({"north", "south", "west"});
  federation.StartAll();
  const std::string run = federation.Submit(Deployment::RunFile(8));
  EXPECT_EQ(run, "patients-1");
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  const Finished simulated =
      federation.Skerry({"simulate", federation.File("run.toml"), "--out", federation.File("sim")});
  ASSERT_EQ(simulated.exit_code, 0) << simulated.err;
  EXPECT_EQ(federation.ModelSha256(run), Field(simulated.out, "sha256"));
  EXPECT_EQ(ReadAll(federation.File("exported.safetensors")),
            ReadAll(federation.File("sim/model.safetensors")));
}

TEST(FederationTest, ClientsAndTheCoordinatorAreKilledAndTheRunEndsInTheSameBits) {
  Deployment federation({"north", "south", "west"});
  federation.StartAll();
  std::string file = Deployment::RunFile(12);
  file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"150ms\"");
  const std::string run = federation.Submit(file);
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "3"}).exit_code, 0);
  federation.client("south").Kill9();
  federation.StartClient("south");
  ASSERT_TRUE(federation.client("south").WaitFor("joined as site"));
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "6"}).exit_code, 0);
  federation.coordinator().Kill9();
  federation.StartCoordinator();
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "9"}).exit_code, 0);
  federation.client("west").Kill9();
  federation.coordinator().Kill9();
  federation.StartCoordinator();
  federation.StartClient("west");
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  const Finished simulated =
      federation.Skerry({"simulate", federation.File("run.toml"), "--out", federation.File("sim")});
  EXPECT_EQ(federation.ModelSha256(run), Field(simulated.out, "sha256"));
}

TEST(FederationTest, AHistoryWithAnAbsentSiteIsReplayedToTheSameModel) {
  Deployment federation({"north", "south", "west"});
  federation.StartAll();
  std::string file = Deployment::RunFile(8,
                                         "[participation]\nmin_sites = 2\nquorum = 2\n"
                                         "[time]\nheartbeat = \"1s\"\nround_deadline = \"3s\"\n");
  file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"100ms\"");
  const std::string run = federation.Submit(file);
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "3"}).exit_code, 0);
  federation.client("south").Kill9();
  EXPECT_EQ(federation.WaitForEnd(run), 20) << "completed_degraded";
  const Finished history = federation.Skerry({"run", "export-history", run});
  ASSERT_EQ(history.exit_code, 0);
  WriteAll(federation.File("history.json"), history.out);
  const Finished replayed =
      federation.Skerry({"simulate", federation.File("run.toml"), "--history",
                         federation.File("history.json"), "--out", federation.File("sim")});
  EXPECT_EQ(replayed.exit_code, 0) << replayed.err;
  EXPECT_EQ(federation.ModelSha256(run), Field(replayed.out, "sha256"));
  const Finished shown = federation.Skerry({"run", "show", run, "--rounds", "-1"});
  EXPECT_THAT(shown.out, HasSubstr("completed_degraded"));
  EXPECT_THAT(shown.out, HasSubstr("south lost"));
}

TEST(FederationTest, TerminatingTheCoordinatorDrainsItAndTheRunGoesOnAtTheNextStart) {
  Deployment federation({"north", "south"});
  federation.StartAll();
  std::string file = Deployment::RunFile(6);
  file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"200ms\"");
  const std::string run = federation.Submit(file);
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "2"}).exit_code, 0);
  federation.coordinator().Signal(SIGTERM);
  EXPECT_EQ(federation.coordinator().Wait(), 0) << federation.coordinator().Output();
  EXPECT_THAT(federation.coordinator().Output(), HasSubstr("every run goes on"));
  federation.StartCoordinator();
  EXPECT_EQ(federation.WaitForEnd(run), 0);
}

TEST(FederationTest, AClientEndsWithZeroWhenItIsAskedTo) {
  Deployment federation({"north"});
  federation.StartAll();
  federation.client("north").Signal(SIGTERM);
  EXPECT_EQ(federation.client("north").Wait(), 0);
}

TEST(FederationTest, ANewerProcessOfASiteTakesOverAndTheOlderEndsWithItsOwnCode) {
  Deployment federation({"north"});
  federation.StartAll();
  // Another machine of the site: the same kit, a state directory of its own.
  Edit(federation.Kit("north") + "/agent.toml", "state_dir = \"state\"", "state_dir = \"state2\"");
  Process newer({Program("skerry-client"), "--config", federation.Kit("north") + "/agent.toml"},
                federation.File("newer.log"));
  ASSERT_TRUE(newer.WaitFor("joined as site"));
  EXPECT_EQ(federation.client("north").Wait(), 10);
  EXPECT_TRUE(newer.IsRunning());
}

TEST(FederationTest, AnAdminReachesTheCoordinatorOverTheNetwork) {
  Deployment federation({"north"});
  federation.StartAll();
  const Finished sites = RunToEnd(
      {Program("skerry"), "site", "list", "--admin", federation.Kit("admin-ada") + "/admin.toml"},
      federation.path());
  EXPECT_EQ(sites.exit_code, 0) << sites.err;
  EXPECT_THAT(sites.out, HasSubstr("north"));
  // A site's certificate is no admin's.
  Edit(federation.Kit("admin-ada") + "/admin.toml", "ada.pem", "../north/north.pem");
  Edit(federation.Kit("admin-ada") + "/admin.toml", "ada.key", "../north/north.key");
  const Finished refused = RunToEnd(
      {Program("skerry"), "site", "list", "--admin", federation.Kit("admin-ada") + "/admin.toml"},
      federation.path());
  EXPECT_EQ(refused.exit_code, 5) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("admin's certificate"));
}

TEST(FederationTest, TheExportedModelIsAStrictSafetensorsFileWithItsPreprocessing) {
  Deployment federation({"north", "south"});
  federation.StartAll();
  const std::string run = federation.Submit(Deployment::RunFile(2));
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  ASSERT_NE(federation.ModelSha256(run), "");
  const std::string file = ReadAll(federation.File("exported.safetensors"));
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), 8);
  const std::string header = file.substr(8, header_bytes);
  for (const char* tensor : {"input.mean", "input.scale", "input.fill", "weight", "bias"}) {
    EXPECT_THAT(header, HasSubstr("\"" + std::string(tensor) + "\""));
  }
  // Five inputs: age, score, and sex in two columns; three vectors in double, then floats.
  EXPECT_EQ(file.size(), 8 + header_bytes + 3 * 4 * 8 + (4 + 1) * 4);
}

TEST(FederationTest, CommandsPrintJsonThatHoldsWhatTheTextShows) {
  Deployment federation({"north", "south"});
  federation.StartAll();
  const std::string run = federation.Submit(Deployment::RunFile(2));
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  const Finished shown = federation.Skerry({"run", "show", "latest", "--format", "json"});
  EXPECT_THAT(shown.out, HasSubstr("\"state\": \"completed\""));
  EXPECT_THAT(shown.out, HasSubstr("\"name\": \"test.auc\""));
  EXPECT_THAT(shown.out, HasSubstr("\"counted\": true"));
  EXPECT_THAT(federation.Skerry({"run", "list", "--format", "json"}).out, HasSubstr(run));
  const Finished report = federation.Skerry({"run", "report", run, "--out", federation.File("r")});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(ReadAll(federation.File("r/curve.svg")), HasSubstr("<polyline"));
  EXPECT_THAT(ReadAll(federation.File("r/rounds.csv")), HasSubstr("test.auc"));
}

TEST(FederationTest, AClientThatTrainsEndsAtOnceWhenItIsAskedTo) {
  Deployment federation({"north"});
  federation.StartAll();
  std::string file = Deployment::RunFile(2);
  file.replace(file.find("batch_size = 16"), 15, "batch_size = 1\nlocal_epochs = 1000000");
  federation.Submit(file);
  ASSERT_TRUE(federation.client("north").WaitFor("round 1 training: taken"));
  ::usleep(300'000);  // it is at it
  federation.client("north").Signal(SIGTERM);
  EXPECT_EQ(federation.client("north").Wait(std::chrono::seconds(5)), 0);
}

}  // namespace
}  // namespace skerry::testing
