#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/memory_files.h"
#include "coordinator/backup.h"
#include "crypto/content_hash.h"
#include "rpc/chunks.h"
#include "skerry/v1/task.pb.h"
#include "storage/checkpoint_store.h"
#include "storage/sqlite_journal.h"
#include "testing/each_call.h"
#include "testing/files_vfs.h"
#include "testing/temp_dir.h"

// Every call to the disk of a backup, and of a restore, fails in turn.
namespace skerry::coordinator {
namespace {

using storage::CheckpointPart;
using testing::DiskFailure;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr testing::Failing kNoSync = {DiskFailure::kSync, true};

void Quiet(const std::string& /*step*/, uint64_t /*done*/, uint64_t /*total*/) {}

class BackupFaultsTest : public ::testing::TestWithParam<testing::Failing> {
 protected:
  // A coordinator at work: versions 0 and 1 of a run, and a kept update of its first round.
  void SetUp() override {
    vfs_.Mount(directory_.path(), &disk_);
    ASSERT_OK(files_.MakeDirectories(state_ + "/spool"));
    ASSERT_OK_AND_ASSIGN(journal_, storage::SqliteJournal::Open(state_ + "/coordinator.db"));
    CommitRound(0);
    CommitRound(1);
    KeepUpdate();
  }

  void CommitRound(int64_t version) {
    storage::CheckpointStore checkpoints(files_, state_ + "/runs");
    storage::RoundRecord round;
    round.run_id = "icu-1";
    round.round = version;
    round.phase = "committed";
    round.model_version = version;
    for (const CheckpointPart part : {CheckpointPart::kState, CheckpointPart::kModel}) {
      const bool model = part == CheckpointPart::kModel;
      const std::string bytes(5000 + static_cast<std::size_t>(version), model ? 'm' : 's');
      ASSERT_OK_AND_ASSIGN(const auto file, checkpoints.Begin({"icu-1", version, part}));
      ASSERT_OK(file->WriteAt(0, bytes));
      ASSERT_OK(checkpoints.Publish({"icu-1", version, part}, *file));
      (model ? round.model_hash : round.state_hash) =
          crypto::ContentHashOf(crypto::kFileHeader, bytes);
      (model ? round.model_size_bytes : round.state_size_bytes) = bytes.size();
    }
    storage::RunRecord run;
    run.run_id = "icu-1";
    run.number = 1;
    run.state = storage::RunState::kRunning;
    run.rounds_committed = version + 1;
    run.model_version = version;
    ASSERT_OK(journal_->Commit({round, run}));
  }

  void KeepUpdate() {
    ASSERT_OK(PublishFile(files_, state_ + "/spool/7.result", "an update"));
    ASSERT_OK_AND_ASSIGN(const auto file, files_.Open(state_ + "/spool/7.result", OpenMode::kRead));
    v1::ResultHeader header;
    header.set_task_id(7);
    header.set_size_bytes(9);
    storage::TaskRecord task;
    task.task_id = 7;
    task.run_id = "icu-1";
    task.header = header.SerializeAsString();
    task.content_hash = rpc::ResultHash(header, *file).value();
    task.outcome = storage::Outcome::kCounted;
    ASSERT_OK(journal_->Commit({task}));
  }

  void Arm(int64_t k) { faults_.Arm(std::get<0>(GetParam()), k, std::get<1>(GetParam())); }
  Result<BackupManifest> Create(const std::string& directory) {
    return CreateBackup(disk_, clock_, {state_, directory, "1.0"}, Quiet);
  }
  Result<BackupManifest> Restore(const std::string& backup, const std::string& to) {
    return RestoreBackup(disk_, clock_, backup, to, Quiet);
  }
  std::map<std::string, std::string> Contents(const std::string& directory) {
    std::map<std::string, std::string> contents;
    if (!std::filesystem::exists(directory)) return contents;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
      if (!entry.is_regular_file()) continue;
      contents[entry.path().string()] = ReadFile(files_, entry.path().string()).value();
    }
    return contents;
  }

  const skerry::testing::TempDir directory_{"/dev/shm"};
  const std::string state_ = directory_.File("state");
  PosixFiles files_;
  testing::DiskFaults faults_;
  testing::FaultyFiles disk_{files_, faults_};
  testing::FilesVfs vfs_;
  SystemClock clock_;
  std::unique_ptr<storage::SqliteJournal> journal_;
};

TEST_P(BackupFaultsTest, ABackupThatCannotBeMadeSaysSoAndLeavesNothing) {
  const auto before = Contents(state_);
  const std::string target = directory_.File("backup");
  const bool cannot_remove = GetParam() == testing::Failing{DiskFailure::kBroken, true};
  const int64_t num_calls = testing::FailEachCall(faults_, [&](int64_t k) {
    Arm(k);
    const Result<BackupManifest> made = Create(target);
    faults_.Heal();
    EXPECT_EQ(Contents(state_), before);
    if (!made.ok()) {
      testing::ExpectTold(made.status(), GetParam(), faults_);
      EXPECT_FALSE(std::filesystem::exists(target + "/manifest.json"));
      EXPECT_TRUE(cannot_remove || Contents(target).empty());
      EXPECT_OK(Create(cannot_remove ? directory_.File("another") : target));
    }
    const std::string good = made.ok() || !cannot_remove ? target : directory_.File("another");
    const Result<BackupManifest> verified = VerifyBackup(disk_, good, Quiet);
    ASSERT_OK(verified);
    EXPECT_THAT(verified->files, SizeIs(1 + 4 + 1)) << "and nothing is left out in silence";
    for (const char* name : {"backup", "another"}) {
      std::filesystem::remove_all(directory_.File(name));
    }
  });
  EXPECT_GT(num_calls, 10);
  std::printf("%lld calls failed in turn\n", static_cast<long long>(num_calls));
}

// What an interrupted one left is taken by another, of a later backup too.
TEST_P(BackupFaultsTest, ARestoreThatFailsSaysSoAndMayBeRunAgain) {
  const std::string monday = directory_.File("monday");
  const std::string tuesday = directory_.File("tuesday");
  ASSERT_OK(Create(monday));
  CommitRound(2);
  ASSERT_OK(Create(tuesday));
  const auto backups = [&] { return std::pair(Contents(monday), Contents(tuesday)); };
  const auto before = backups();
  const std::string target = directory_.File("restored");
  const int64_t num_calls = testing::FailEachCall(faults_, [&](int64_t k) {
    Arm(k);
    const Result<BackupManifest> restored = Restore(monday, target);
    faults_.Heal();
    if (!restored.ok()) {
      // A journal whose end fails is well; what fails after it is told then.
      testing::ExpectTold(restored.status(), GetParam(), faults_,
                          GetParam() == kNoSync ? target : testing::NameToTell(faults_));
      const bool begun = std::filesystem::exists(target + "/coordinator.db") ||
                         std::filesystem::exists(target + "/runs");
      if (begun) {
        EXPECT_THAT(CheckNotRestoring(files_, target),
                    testing::Fails(Code::kFailedPrecondition, HasSubstr("skerry backup restore")));
      }
      ASSERT_OK(Restore(tuesday, target));
    }
    EXPECT_EQ(backups(), before);
    EXPECT_OK(CheckNotRestoring(files_, target));
    ASSERT_OK_AND_ASSIGN(const auto journal,
                         storage::SqliteJournal::Open(target + "/coordinator.db"));
    ASSERT_OK_AND_ASSIGN(const auto reader,
                         storage::SqliteJournalReader::Open(target + "/coordinator.db"));
    EXPECT_OK(reader->CheckWholly());
    EXPECT_THAT(reader->Rounds("icu-1", 0, INT64_MAX).value(), SizeIs(restored.ok() ? 2 : 3));
    EXPECT_THAT(reader->Events("", 10).value(), SizeIs(1)) << "of this restore alone";
    std::filesystem::remove_all(target);
  });
  EXPECT_GT(num_calls, 10);
  std::printf("%lld calls failed in turn\n", static_cast<long long>(num_calls));
}

INSTANTIATE_TEST_SUITE_P(EveryCall, BackupFaultsTest, testing::EveryFailing(), testing::NameOf);

// As long as nobody can tell whether a restore is under way there, it is not a state directory.
TEST(RestoringTest, ADirectoryThatCannotBeReadKeepsACoordinatorOut) {
  MemoryFiles files;
  testing::DiskFaults faults;
  testing::FaultyFiles disk(files, faults);
  ASSERT_OK(files.MakeDirectories("state"));
  ASSERT_OK(PublishFile(files, "state/restoring", "from there"));
  faults.Arm(DiskFailure::kBroken, 1, false);
  EXPECT_THAT(CheckNotRestoring(disk, "state"),
              testing::Fails(Code::kInternal, HasSubstr("state/restoring")));
}

}  // namespace
}  // namespace skerry::coordinator
