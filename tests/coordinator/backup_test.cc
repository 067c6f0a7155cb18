#include "coordinator/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/bytes_file.h"
#include "coordinator/backup_manifest.h"
#include "coordinator/copy_file.h"
#include "coordinator/small_spool.h"
#include "crypto/content_hash.h"
#include "rpc/chunks.h"
#include "skerry/v1/task.pb.h"
#include "storage/checkpoint_store.h"
#include "storage/database.h"
#include "storage/migrations.h"
#include "storage/sqlite_journal.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using skerry::testing::HasCode;
using storage::CheckpointPart;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A state directory as a coordinator fills it.
class BackupTest : public ::testing::Test {
 protected:
  void Open() {
    ASSERT_OK(files_.MakeDirectories(state_));
    ASSERT_OK_AND_ASSIGN(journal_, storage::SqliteJournal::Open(state_ + "/coordinator.db"));
  }
  void Close() { journal_.reset(); }

  std::string ModelPath(int64_t version, const std::string& run = "icu-1") const {
    return state_ + "/runs/" + run + "/model-" + std::to_string(version) + ".safetensors";
  }

  // Writes version `v` as a coordinator does, and removes the one before the last three.
  void CommitRound(int64_t v, storage::RunState state = storage::RunState::kRunning,
                   const std::string& run_id = "icu-1") {
    storage::CheckpointStore checkpoints(files_, state_ + "/runs");
    storage::RoundRecord round;
    round.run_id = run_id;
    round.round = v;
    round.phase = "committed";
    round.model_version = v;
    for (const CheckpointPart part : {CheckpointPart::kState, CheckpointPart::kModel}) {
      const std::string bytes(300'000 + static_cast<std::size_t>(v),
                              static_cast<char>(part == CheckpointPart::kModel ? 'm' : 's'));
      ASSERT_OK_AND_ASSIGN(const auto file, checkpoints.Begin({run_id, v, part}));
      ASSERT_OK(file->WriteAt(0, bytes));
      ASSERT_OK(checkpoints.Publish({run_id, v, part}, *file));
      const crypto::Digest hash = crypto::ContentHashOf(crypto::kFileHeader, bytes);
      (part == CheckpointPart::kModel ? round.model_hash : round.state_hash) = hash;
      (part == CheckpointPart::kModel ? round.model_size_bytes : round.state_size_bytes) =
          bytes.size();
    }
    storage::RunRecord run;
    run.run_id = run_id;
    run.number = 1;
    run.state = state;
    run.rounds_committed = v + 1;
    run.model_version = v;
    ASSERT_OK(journal_->Commit({round, run}));
    if (v < 3) return;
    for (const auto part : {CheckpointPart::kState, CheckpointPart::kModel}) {
      ASSERT_OK(checkpoints.Remove({run_id, v - 3, part}));
    }
  }

  Result<BackupManifest> Create(const std::string& directory) {
    return CreateBackup(files_, clock_, {state_, directory, "1.0"}, Quiet());
  }
  Result<BackupManifest> Create() { return Create(backup_); }
  Result<BackupManifest> Verify() { return VerifyBackup(files_, backup_, Quiet()); }
  Result<BackupManifest> Restore() {
    return RestoreBackup(files_, clock_, backup_, restored_, Quiet());
  }
  static BackupProgress Quiet() {
    return [](const std::string&, uint64_t, uint64_t) {};
  }
  void Flip(const std::string& path, std::size_t at) {
    std::string bytes = ReadAll(path);
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  const skerry::testing::TempDir directory_{"/dev/shm"};
  const std::string state_ = directory_.File("state");
  const std::string backup_ = directory_.File("backup/monday");
  const std::string restored_ = directory_.File("restored");
  PosixFiles files_;
  SystemClock clock_;
  std::unique_ptr<storage::SqliteJournal> journal_;
};

TEST_F(BackupTest, ACopyOfAStoppedCoordinatorIsRestoredWithAnIdentityOfItsOwn) {
  Open();
  for (int64_t v = 0; v <= 5; ++v) CommitRound(v);
  Close();
  ASSERT_OK_AND_ASSIGN(const BackupManifest made, Create());
  EXPECT_THAT(made.files, SizeIs(1 + 2 * 3)) << "the journal, and three versions of two files";
  EXPECT_THAT(made.left_out, IsEmpty());
  ASSERT_THAT(made.runs, SizeIs(1));
  EXPECT_EQ(made.runs[0].model_version, 5);
  EXPECT_OK(Verify());
  ASSERT_OK(Restore());
  ASSERT_OK_AND_ASSIGN(const auto reader,
                       storage::SqliteJournalReader::Open(restored_ + "/coordinator.db"));
  ASSERT_OK_AND_ASSIGN(const std::string id, reader->CoordinatorId());
  EXPECT_NE(id, made.coordinator_id);
  EXPECT_THAT(id, SizeIs(32));
  EXPECT_EQ(ReadAll(restored_ + "/runs/icu-1/model-5.safetensors"), ReadAll(ModelPath(5)));
  ASSERT_OK_AND_ASSIGN(const auto events, reader->Events("", 10));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].code, "restored_from_backup");
  EXPECT_THAT(events[0].message, HasSubstr(made.coordinator_id));
  EXPECT_OK(CheckNotRestoring(files_, restored_));
}

TEST_F(BackupTest, VersionsThatStandInTheJournalAloneAreFilesOfTheBackup) {
  for (const auto state_of_run : {storage::RunState::kRunning, storage::RunState::kCompleted}) {
    SCOPED_TRACE(Name(state_of_run));
    for (const std::string& path : {state_, backup_, restored_}) std::filesystem::remove_all(path);
    Open();
    CommitRound(0);
    CommitRound(1, state_of_run);
    for (const int64_t v : {0, 1}) {
      const std::string state = state_ + "/runs/icu-1/state-" + std::to_string(v) + ".safetensors";
      storage::SmallVersion small{"icu-1", v, ReadAll(ModelPath(v)), ReadAll(state)};
      ASSERT_OK(journal_->Commit({small}));
      ASSERT_OK(files_.Remove(ModelPath(v)));
      ASSERT_OK(files_.Remove(state));
    }
    ASSERT_OK_AND_ASSIGN(const BackupManifest made, Create());
    EXPECT_THAT(made.files, SizeIs(1 + 2 * 2));
    EXPECT_THAT(made.left_out, IsEmpty());
    EXPECT_OK(Verify());
    ASSERT_OK(Restore());
    EXPECT_THAT(ReadAll(restored_ + "/runs/icu-1/model-1.safetensors"), SizeIs(300'001));
    Close();
  }
}

TEST_F(BackupTest, FilesAreForTheirOwnerAlone) {
  Open();
  CommitRound(0);
  ASSERT_OK(Create());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(backup_)) {
    EXPECT_EQ(entry.status().permissions() &
                  (std::filesystem::perms::group_all | std::filesystem::perms::others_all),
              std::filesystem::perms::none)
        << entry.path();
  }
}

TEST_F(BackupTest, UnderLoadEveryBackupIsAWholeMoment) {
  Open();
  CommitRound(0);
  std::atomic<bool> stop{false};
  std::atomic<int64_t> version{0};
  std::thread coordinator([&] {
    while (!stop) CommitRound(++version);
  });
  for (int i = 0; i < 20; ++i) {
    const std::string directory = directory_.File("backup/" + std::to_string(i));
    const int64_t before = version - 1;  // whose commit has returned
    const Result<BackupManifest> made = Create(directory);
    EXPECT_OK(made);
    if (!made.ok()) break;
    EXPECT_GE(made->runs[0].model_version, before);
    EXPECT_THAT(made->left_out, IsEmpty());
    EXPECT_OK(VerifyBackup(files_, directory, Quiet()));
  }
  stop = true;
  coordinator.join();
  EXPECT_GT(version, 20);
}

TEST_F(BackupTest, UpdatesThatWereKeptAreCopiedAndResultsOnTheirWayAreNot) {
  Open();
  CommitRound(0);
  ASSERT_OK(files_.MakeDirectories(state_ + "/spool"));
  for (const int64_t task_id : {7, 8}) {
    const std::string path = state_ + "/spool/" + std::to_string(task_id) + ".result";
    ASSERT_OK_AND_ASSIGN(const auto file, files_.Open(path, OpenMode::kCreate));
    ASSERT_OK(file->WriteAt(0, "an update"));
    v1::ResultHeader header;
    header.set_task_id(task_id);
    header.set_size_bytes(9);
    storage::TaskRecord task;
    task.task_id = task_id;
    task.run_id = "icu-1";
    task.header = header.SerializeAsString();
    task.content_hash = rpc::ResultHash(header, *file).value();
    task.outcome = task_id == 7 ? storage::Outcome::kCounted : storage::Outcome::kNone;
    ASSERT_OK(journal_->Commit({task}));
  }
  ASSERT_OK(Create());
  EXPECT_EQ(ReadAll(backup_ + "/spool/7.result"), "an update");
  EXPECT_FALSE(std::filesystem::exists(backup_ + "/spool/8.result"));
}

TEST_F(BackupTest, OfUpdatesThatShareAFileEachThatIsKeptGetsItsOwn) {
  Open();
  CommitRound(0);
  ASSERT_OK(files_.MakeDirectories(state_ + "/spool"));
  SmallSpool spool(files_, SmallSpoolPath(state_));
  for (const int64_t task_id : {7, 8}) {
    const BytesFile update("an update");
    ASSERT_OK(spool.Append(task_id, update.bytes()));
    v1::ResultHeader header;
    header.set_task_id(task_id);
    header.set_size_bytes(update.bytes().size());
    storage::TaskRecord task;
    task.task_id = task_id;
    task.run_id = "icu-1";
    task.header = header.SerializeAsString();
    task.content_hash = rpc::ResultHash(header, update).value();
    task.outcome = task_id == 7 ? storage::Outcome::kCounted : storage::Outcome::kNone;
    ASSERT_OK(journal_->Commit({task}));
  }
  ASSERT_OK(Create());
  EXPECT_EQ(ReadAll(backup_ + "/spool/7.result"), "an update");
  EXPECT_FALSE(std::filesystem::exists(backup_ + "/spool/8.result"));
  EXPECT_FALSE(std::filesystem::exists(backup_ + "/spool/small"));
}

TEST_F(BackupTest, WhatARunNeedsMustBeWhole) {
  Open();
  for (int64_t v = 0; v <= 2; ++v) CommitRound(v);
  Flip(ModelPath(2), 1000);
  EXPECT_THAT(Create(), Fails(Code::kDataLoss, AllOf(HasSubstr("model-2.safetensors is damaged"),
                                                     HasSubstr("skerry backup restore"))));
  EXPECT_FALSE(std::filesystem::exists(backup_ + "/manifest.json"));
  EXPECT_FALSE(std::filesystem::exists(backup_ + "/coordinator.db")) << "nothing stays behind";
  Flip(ModelPath(2), 1000);
  EXPECT_OK(Create()) << "into the same directory";
}

TEST_F(BackupTest, AnotherFileThatIsDamagedIsLeftOutByName) {
  Open();
  for (int64_t v = 0; v <= 2; ++v) CommitRound(v);
  Flip(ModelPath(1), 1000);
  ASSERT_OK_AND_ASSIGN(const BackupManifest made, Create());
  ASSERT_THAT(made.left_out, SizeIs(1));
  EXPECT_THAT(made.left_out[0], HasSubstr("model-1.safetensors is damaged"));
  EXPECT_FALSE(std::filesystem::exists(backup_ + "/runs/icu-1/model-1.safetensors"));
  EXPECT_OK(Verify());
}

TEST_F(BackupTest, ARunThatHasEndedNeedsNothing) {
  Open();
  for (int64_t v = 0; v <= 2; ++v) CommitRound(v, storage::RunState::kCompleted);
  Flip(ModelPath(2), 1000);
  ASSERT_OK_AND_ASSIGN(const BackupManifest made, Create());
  EXPECT_THAT(made.left_out, SizeIs(1));
}

TEST_F(BackupTest, ADamagedJournalIsNotCopied) {
  Open();
  for (int64_t v = 0; v <= 30; ++v) CommitRound(v);
  Close();
  Flip(state_ + "/coordinator.db", 3 * 4096 + 500);
  EXPECT_THAT(Create(), Fails(Code::kDataLoss, HasSubstr("state/coordinator.db is damaged")));
}

TEST_F(BackupTest, ATargetThatIsNotEmptyIsRefusedAndKept) {
  Open();
  CommitRound(0);
  ASSERT_OK(Create());
  EXPECT_THAT(Create(), Fails(Code::kFailedPrecondition, HasSubstr("holds a backup already")));
  ASSERT_OK(files_.Remove(backup_ + "/manifest.json"));
  EXPECT_THAT(Create(), Fails(Code::kFailedPrecondition, HasSubstr("no finished backup")));
  EXPECT_THAT(Verify(), HasCode(Code::kNotFound));
  ASSERT_OK(Create(directory_.File("tuesday")));
  EXPECT_THAT(RestoreBackup(files_, clock_, directory_.File("tuesday"), state_, Quiet()),
              Fails(Code::kFailedPrecondition, HasSubstr("state is not empty")));
}

TEST_F(BackupTest, AStateDirectoryWithoutAJournalIsNotFound) {
  EXPECT_THAT(Create(), HasCode(Code::kNotFound));
}

TEST_F(BackupTest, AFlippedByteInAnyFileOfABackupIsRefusedByName) {
  Open();
  for (int64_t v = 0; v <= 3; ++v) CommitRound(v);
  ASSERT_OK_AND_ASSIGN(const BackupManifest made, Create());
  for (const BackupFile& file : made.files) {
    Flip(backup_ + "/" + file.path, file.size_bytes / 2);
    EXPECT_THAT(Verify(), Fails(Code::kDataLoss, HasSubstr(file.path + " is damaged")));
    EXPECT_THAT(Restore(), HasCode(Code::kDataLoss));
    EXPECT_FALSE(std::filesystem::exists(restored_)) << "nothing is begun";
    Flip(backup_ + "/" + file.path, file.size_bytes / 2);
  }
  std::filesystem::remove(backup_ + "/runs/icu-1/model-3.safetensors");
  EXPECT_THAT(Verify(), Fails(Code::kDataLoss, HasSubstr("model-3.safetensors is missing")));
}

TEST_F(BackupTest, AManifestThatIsSpoiltIsRefused) {
  Open();
  CommitRound(0);
  ASSERT_OK(Create());
  const std::string path = backup_ + "/manifest.json";
  const std::string good = ReadAll(path);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    std::ofstream(path, std::ios::trunc) << text;
    return Verify();
  };
  EXPECT_THAT(with("{", "["), HasCode(Code::kDataLoss));
  EXPECT_THAT(with("skerry backup 1", "skerry backup 9"), HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(with("\"path\": \"coordinator.db\"", "\"path\": \"../coordinator.db\""),
              HasCode(Code::kDataLoss));
  EXPECT_THAT(with("\"path\": \"coordinator.db\"", "\"path\": \"/etc/passwd\""),
              HasCode(Code::kDataLoss));
  EXPECT_THAT(with("\"sha256\": \"", "\"sha256\": \"X"), HasCode(Code::kDataLoss));
  EXPECT_THAT(with("\"runs\"", "\"ruins\""), HasCode(Code::kDataLoss));
}

// It would be copied, and then refuse to be opened.
TEST_F(BackupTest, ABackupWhoseJournalIsTooOldIsRefusedBeforeAnythingIsWritten) {
  Open();
  CommitRound(0);
  Close();
  ASSERT_OK_AND_ASSIGN(BackupManifest manifest, Create());
  const std::string database = backup_ + "/coordinator.db";
  ASSERT_OK(files_.Remove(database));
  storage::Schema old = storage::JournalSchema();
  old.migrations = old.migrations.first(static_cast<std::size_t>(old.oldest) - 1);
  old.oldest = 0;
  ASSERT_OK(storage::Database::OpenWriter(database, old, {}).status());
  ASSERT_OK_AND_ASSIGN(const auto file, files_.Open(database, OpenMode::kRead));
  ASSERT_OK_AND_ASSIGN(const FileHashes hashes, HashFile(*file, ""));
  for (BackupFile& entry : manifest.files) {
    if (entry.path == "coordinator.db") entry = {entry.path, hashes.size_bytes, hashes.sha256};
  }
  ASSERT_OK(WriteManifest(files_, backup_, manifest));
  const auto refused = Fails(Code::kFailedPrecondition,
                             AllOf(HasSubstr(database + " was written by an older Skerry"),
                                   HasSubstr("knows formats from")));
  EXPECT_THAT(Verify(), refused);
  EXPECT_THAT(Restore(), refused);
  EXPECT_THAT(files_.List(restored_), HasCode(Code::kNotFound));
}

TEST_F(BackupTest, ARestoreThatWasInterruptedIsNoticedAndRunAgain) {
  Open();
  CommitRound(0);
  ASSERT_OK(Create());
  ASSERT_OK(files_.MakeDirectories(restored_));
  ASSERT_OK(PublishFile(files_, restored_ + "/restoring", "here"));
  ASSERT_OK(PublishFile(files_, restored_ + "/coordinator.db", "half of it"));
  EXPECT_THAT(CheckNotRestoring(files_, restored_),
              Fails(Code::kFailedPrecondition, HasSubstr("skerry backup restore")));
  ASSERT_OK(Restore());
  EXPECT_OK(CheckNotRestoring(files_, restored_));
  EXPECT_OK(storage::SqliteJournal::Open(restored_ + "/coordinator.db"));
}

// SQLite would play it onto the restored journal.
TEST_F(BackupTest, TheLogOfAnInterruptedRestoreIsNotMixedIntoTheNext) {
  Open();
  CommitRound(0);
  ASSERT_OK(Create());
  CommitRound(1);
  ASSERT_OK(files_.MakeDirectories(restored_));
  ASSERT_OK(PublishFile(files_, restored_ + "/restoring", "here"));
  std::filesystem::copy_file(state_ + "/coordinator.db-wal", restored_ + "/coordinator.db-wal");
  ASSERT_OK(Restore());
  ASSERT_OK_AND_ASSIGN(const auto reader,
                       storage::SqliteJournalReader::Open(restored_ + "/coordinator.db"));
  ASSERT_OK_AND_ASSIGN(const auto rounds, reader->Rounds("icu-1", 0, INT64_MAX));
  ASSERT_THAT(rounds, SizeIs(1));
  EXPECT_EQ(rounds[0].round, 0);
}

}  // namespace
}  // namespace skerry::coordinator
