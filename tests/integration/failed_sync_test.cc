// A sync fails under a real process: it ends by itself, has told nobody anything that is not on the
// disk, and its next start goes on to the same bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <set>

#include "base/text.h"
#include "deployment.h"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

constexpr int kSyncFailed = 1;  // docs/exit-codes.md

class FailedSyncTest : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "AddressSanitizer's own library has to be loaded first";
#endif
  }
  // For the start of a program whose syncs shall fail from Fail() on.
  Deployment::Environment Shim() const {
    return {{"LD_PRELOAD", SKERRY_FAILING_SYNC_LIBRARY}, {"SKERRY_FAILING_SYNC", trigger_}};
  }
  void Fail(const std::string& ending) const { WriteAll(trigger_, ending + "\n"); }
  void Heal() const {
    std::filesystem::remove(trigger_);
    std::filesystem::remove(trigger_ + ".log");
  }
  // The paths whose sync failed, in the order of the calls.
  std::vector<std::string> Failed() const {
    std::vector<std::string> paths = Split(ReadAll(trigger_ + ".log"), '\n');
    std::erase(paths, "");
    return paths;
  }

  void StartCoordinatorWithShim() {
    federation_.StartCoordinator();  // tells the sites its port
    federation_.LaunchCoordinator(Shim());
    ASSERT_TRUE(federation_.coordinator().WaitFor("listens on port"));
  }
  void StartClients(const Deployment::Environment& south = {}) {
    federation_.StartClient("north");
    federation_.StartClient("south", south);
    for (const char* site : {"north", "south"}) {
      ASSERT_TRUE(federation_.client(site).WaitFor("joined as site"));
    }
  }
  std::string Submit(int rounds, const std::string& min_round, const std::string& hidden = "",
                     const std::string& training = "") {
    std::string file = Deployment::WithLargerModel(Deployment::RunFile(rounds, training));
    const std::string layers = "[200, 120]";
    if (!hidden.empty()) file.replace(file.find(layers), layers.size(), hidden);
    file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"" + min_round + "\"");
    return federation_.Submit(file);
  }
  // It has ended, soon, with the code for it, naming the file; no sync was tried a second time.
  void ExpectEnded(Process& process) const {
    ASSERT_TRUE(Eventually([&] { return !Failed().empty(); })) << process.Output();
    EXPECT_EQ(process.Wait(std::chrono::seconds(5)), kSyncFailed) << process.Output();
    const std::vector<std::string> failed = Failed();
    EXPECT_THAT(process.Output(), HasSubstr("error: "));
    EXPECT_THAT(process.Output(), HasSubstr(NameInWords(failed.front())));
    EXPECT_EQ(std::set<std::string>(failed.begin(), failed.end()).size(), failed.size())
        << "tried again: " << ReadAll(trigger_ + ".log");
  }
  void ExpectTheSameBits(const std::string& run) const {
    ASSERT_EQ(federation_.WaitForEnd(run), 0) << federation_.Skerry({"run", "show", run}).out;
    const Finished simulated = federation_.Skerry(
        {"simulate", federation_.File("run.toml"), "--out", federation_.File("sim")});
    EXPECT_EQ(federation_.ModelSha256(run), Field(simulated.out, "sha256"));
  }

  Deployment federation_{{"north", "south"}};

 private:
  // Of a database's log people are told the database.
  static std::string NameInWords(const std::string& path) {
    return path.ends_with("-wal") ? path.substr(0, path.size() - 4) : path;
  }

  const std::string trigger_ = federation_.File("failing-sync");
};

class CoordinatorsFailedSyncTest : public FailedSyncTest,
                                   public ::testing::WithParamInterface<const char*> {};

TEST_P(CoordinatorsFailedSyncTest, EndsItAndTheNextStartGoesOnToTheSameBits) {
  ASSERT_NO_FATAL_FAILURE(StartCoordinatorWithShim());
  ASSERT_NO_FATAL_FAILURE(StartClients());
  const std::string run = Submit(8, "50ms");
  ASSERT_EQ(federation_.Skerry({"run", "wait", run, "--round", "2"}).exit_code, 0);
  Fail(GetParam());
  ASSERT_NO_FATAL_FAILURE(ExpectEnded(federation_.coordinator()));
  Heal();
  federation_.StartCoordinator();
  ExpectTheSameBits(run);
}

std::string NameOf(const ::testing::TestParamInfo<const char*>& parameter) {
  constexpr std::array<const char*, 3> kNames = {"Journal", "Model", "Directory"};
  return kNames[parameter.index];
}

// The journal, a model's file, and the directory that has its name.
INSTANTIATE_TEST_SUITE_P(All, CoordinatorsFailedSyncTest,
                         ::testing::Values("/coordinator.db-wal", ".safetensors.tmp",
                                           "/runs/patients-1"),
                         NameOf);

TEST_F(FailedSyncTest, ACoordinatorThatStartsOnSuchADiskEndsAndNamesTheFile) {
  federation_.StartCoordinator();
  federation_.StopCoordinator();
  Fail("/state");
  federation_.LaunchCoordinator(Shim());
  ASSERT_NO_FATAL_FAILURE(ExpectEnded(federation_.coordinator()));
}

// What is under way is committed then, and nobody would hear of it.
TEST_F(FailedSyncTest, AtTheOrderlyEndOfACoordinatorIsSaidAndAtOnce) {
  std::string run;
  for (int i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    ASSERT_NO_FATAL_FAILURE(StartCoordinatorWithShim());
    if (i == 0) {
      ASSERT_NO_FATAL_FAILURE(StartClients());
      run = Submit(60, "20ms", "[4, 3]");
    }
    ASSERT_EQ(
        federation_.Skerry({"run", "wait", run, "--round", std::to_string(5 * i + 5)}).exit_code,
        0);
    Fail("/coordinator.db-wal");
    federation_.coordinator().Signal(SIGTERM);
    ASSERT_NO_FATAL_FAILURE(ExpectEnded(federation_.coordinator()));
    Heal();
  }
  federation_.StartCoordinator();
  ExpectTheSameBits(run);
}

// A client syncs what it keeps of a run between rounds, and when it moves its log into its
// database: now and then, and at its end.
TEST_F(FailedSyncTest, EndsAClientAndItsNextStartGoesOnToTheSameBits) {
  federation_.StartCoordinator();
  ASSERT_NO_FATAL_FAILURE(StartClients(Shim()));
  Fail("/client.db-wal");
  const std::string run = Submit(40, "0s", "[100, 60]", "strategy = \"scaffold\"\n");
  ASSERT_NO_FATAL_FAILURE(ExpectEnded(federation_.client("south")));
  EXPECT_TRUE(federation_.coordinator().IsRunning());
  Heal();
  federation_.StartClient("south");
  ExpectTheSameBits(run);
}

// Nothing is under way any more, and the next start finds the log as it was.
TEST_F(FailedSyncTest, AtTheEndOfAClientCostsNothing) {
  federation_.StartCoordinator();
  ASSERT_NO_FATAL_FAILURE(StartClients(Shim()));
  const std::string run = Submit(8, "100ms");
  ASSERT_EQ(federation_.Skerry({"run", "wait", run, "--round", "2"}).exit_code, 0);
  Fail("/client.db-wal");
  federation_.client("south").Signal(SIGTERM);
  EXPECT_EQ(federation_.client("south").Wait(std::chrono::seconds(10)), 0);
  EXPECT_EQ(Failed().size(), 1U);
  Heal();
  federation_.StartClient("south");
  ExpectTheSameBits(run);
}

}  // namespace
}  // namespace skerry::testing
