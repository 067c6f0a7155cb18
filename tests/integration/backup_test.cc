// Backups of a coordinator at work, and what becomes of a federation that starts from one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "deployment.h"

namespace skerry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kRounds = 14;

class BackupTest : public ::testing::Test {
 protected:
  // A run whose rounds take a while, committed up to `round`.
  void BeginRun(int round) {
    federation_.StartAll();
    std::string file = Deployment::RunFile(kRounds);
    file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"120ms\"");
    run_ = federation_.Submit(file);
    WaitForRound(round);
  }
  void WaitForRound(int round) {
    ASSERT_EQ(federation_.Skerry({"run", "wait", run_, "--round", std::to_string(round)}).exit_code,
              0);
  }
  std::string State() const { return federation_.Kit("coordinator") + "/state"; }
  std::string Backup() const { return federation_.File("backup"); }

  // The state directory is lost, and made anew from the backup under the same name.
  void Restore() {
    std::filesystem::rename(State(), State() + ".lost");
    const Finished restored =
        federation_.Skerry({"backup", "restore", Backup(), "--state-dir", State()});
    ASSERT_EQ(restored.exit_code, 0) << restored.err;
    EXPECT_THAT(restored.out, AllOf(HasSubstr("next:"), HasSubstr(run_)));
  }

  void ExpectTheUndisturbedModel() {
    ASSERT_EQ(federation_.WaitForEnd(run_), 0) << federation_.coordinator().Output();
    const Finished simulated = federation_.Skerry(
        {"simulate", federation_.File("run.toml"), "--out", federation_.File("sim")});
    EXPECT_EQ(federation_.ModelSha256(run_), Field(simulated.out, "sha256"));
  }

  Deployment federation_{{"north", "south", "west"}};
  std::string run_;
};

TEST_F(BackupTest, OfARunUnderWayIsRestoredAfterEverythingWasLostAndEndsInTheSameBits) {
  BeginRun(4);
  const Finished made = federation_.Skerry({"backup", "create", Backup(), "--state-dir", State()});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr(run_ + ": running"));
  WaitForRound(8);
  for (const char* site : {"north", "south", "west"}) federation_.client(site).Kill9();
  federation_.coordinator().Kill9();
  Restore();
  federation_.StartCoordinator();
  // The clients remember tasks that this coordinator has not given out yet.
  for (const char* site : {"north", "south", "west"}) federation_.StartClient(site);
  ExpectTheUndisturbedModel();
}

TEST_F(BackupTest, ClientsThatWereNeverStoppedComeBackToTheRestoredCoordinatorByThemselves) {
  BeginRun(4);
  ASSERT_EQ(federation_.Skerry({"backup", "create", Backup(), "--state-dir", State()}).exit_code,
            0);
  WaitForRound(8);
  federation_.coordinator().Kill9();
  Restore();
  federation_.StartCoordinator();
  ExpectTheUndisturbedModel();
  for (const char* site : {"north", "south", "west"}) {
    EXPECT_TRUE(federation_.client(site).IsRunning()) << federation_.client(site).Output();
  }
}

TEST_F(BackupTest, ManyBackupsUnderLoadAreAllGood) {
  BeginRun(1);
  for (int i = 0; i < 8; ++i) {
    const std::string directory = federation_.File("backup-" + std::to_string(i));
    // The state directory is found beside the admin socket.
    const Finished made = federation_.Skerry({"backup", "create", directory, "--format", "json"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("\"format\": \"skerry backup 1\""));
    const Finished verified = federation_.Skerry({"backup", "verify", directory});
    EXPECT_EQ(verified.exit_code, 0) << verified.err;
    EXPECT_THAT(verified.out, HasSubstr("is good"));
  }
  ExpectTheUndisturbedModel();
}

TEST_F(BackupTest, WorksWhenTheCoordinatorIsStoppedToo) {
  BeginRun(3);
  federation_.coordinator().Signal(SIGTERM);
  ASSERT_EQ(federation_.coordinator().Wait(), 0);
  ASSERT_EQ(federation_.Skerry({"backup", "create", Backup(), "--state-dir", State()}).exit_code,
            0);
  Restore();
  federation_.StartCoordinator();
  ExpectTheUndisturbedModel();
}

TEST_F(BackupTest, ErrorsNameWhatIsInTheWay) {
  BeginRun(1);
  const Finished lost = federation_.Skerry(
      {"backup", "create", Backup(), "--state-dir", federation_.File("nowhere")});
  EXPECT_EQ(lost.exit_code, 3);
  EXPECT_THAT(lost.err, AllOf(HasSubstr("there is no coordinator.db in "), HasSubstr("nowhere"),
                              HasSubstr("hint: --state-dir")));
  ASSERT_EQ(federation_.Skerry({"backup", "create", Backup(), "--state-dir", State()}).exit_code,
            0);
  const Finished again = federation_.Skerry({"backup", "create", Backup(), "--state-dir", State()});
  EXPECT_EQ(again.exit_code, 6);
  EXPECT_THAT(again.err, AllOf(HasSubstr(Backup()), HasSubstr("hint:")));
  const Finished occupied =
      federation_.Skerry({"backup", "restore", Backup(), "--state-dir", State()});
  EXPECT_EQ(occupied.exit_code, 6);
  EXPECT_THAT(occupied.err, AllOf(HasSubstr("is not empty"), HasSubstr("nothing was changed")));
  const Finished none = federation_.Skerry({"backup", "verify", federation_.File("data")});
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_THAT(none.err, HasSubstr("no finished backup"));
  EXPECT_TRUE(federation_.coordinator().IsRunning());
}

TEST_F(BackupTest, ACoordinatorDoesNotStartOnHalfARestore) {
  BeginRun(1);
  ASSERT_EQ(federation_.Skerry({"backup", "create", Backup(), "--state-dir", State()}).exit_code,
            0);
  federation_.coordinator().Kill9();
  Restore();
  WriteAll(State() + "/restoring", "");
  const Finished started = RunToEnd({Program("skerry-coordinator"), "--config",
                                     federation_.Kit("coordinator") + "/coordinator.toml"},
                                    federation_.path());
  EXPECT_EQ(started.exit_code, 6);
  EXPECT_THAT(started.err, AllOf(HasSubstr("did not finish"), HasSubstr("skerry backup restore")));
}

}  // namespace
}  // namespace skerry::testing
