#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/recording_vfs.h"
#include "storage/sqlite_client_store.h"
#include "storage/sqlite_journal.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

// The disk and the process fail at every step in turn; what was promised has to hold.
namespace skerry::storage {
namespace {

using ::testing::AnyOf;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;

// Batch i counts the run up to i and adds task i and an event, so that a torn batch shows.
WriteBatch Batch(int64_t i) {
  RunRecord run;
  run.run_id = "r";
  run.run_file = std::string(3000, 'x');
  run.rounds_committed = i;
  TaskRecord task;
  task.task_id = i;
  task.run_id = "r";
  task.header = std::string(700, 'h');
  EventRecord event;
  event.run_id = "r";
  event.message = std::to_string(i);
  return {run, task, event};
}

// A short log, so that it is moved into the file every few commits.
SqliteJournalOptions ShortLog() {
  SqliteJournalOptions options;
  options.database.log_limit_pages = 12;
  return options;
}

// The number of the last batch in a journal, all of whose earlier batches are whole.
Result<int64_t> LastBatch(const std::string& path) {
  SKERRY_ASSIGN_OR_RETURN(const auto reader, SqliteJournalReader::Open(path));
  SKERRY_ASSIGN_OR_RETURN(const std::vector<RunRecord> runs, reader->Runs());
  const int64_t last = runs.empty() ? 0 : runs.front().rounds_committed;
  SKERRY_ASSIGN_OR_RETURN(const std::vector<TaskRecord> tasks, reader->Tasks("r", 0, 0));
  SKERRY_ASSIGN_OR_RETURN(const std::vector<EventRecord> events, reader->Events("r", 1 << 20));
  if (static_cast<int64_t>(tasks.size()) != last || static_cast<int64_t>(events.size()) != last) {
    return DataLoss("a batch is torn at " + std::to_string(last));
  }
  return last;
}

// Opens the journal as a coordinator does after a crash, and looks what is in it.
Result<int64_t> Recover(const std::string& path) {
  SKERRY_ASSIGN_OR_RETURN(const auto journal, SqliteJournal::Open(path));
  return LastBatch(path);
}

struct History {
  std::vector<DiskOperation> operations;
  std::vector<std::size_t> returned;  // of commit i: the number of operations when it returned
};

History RecordCommits(int64_t num_commits) {
  const testing::TempDir directory;
  RecordingVfs vfs;
  History history;
  {
    Result<std::unique_ptr<SqliteJournal>> journal =
        SqliteJournal::Open(directory.File("journal.db"), ShortLog());
    EXPECT_OK(journal);
    history.returned.push_back(vfs.operations().size());
    for (int64_t i = 1; i <= num_commits; ++i) {
      EXPECT_OK((*journal)->Commit(Batch(i)));
      history.returned.push_back(vfs.operations().size());
    }
  }
  history.operations = vfs.operations();
  return history;
}

// How many commits had returned after so many operations.
int64_t NumReturned(const History& history, std::size_t num_operations) {
  int64_t n = 0;
  while (static_cast<std::size_t>(n) + 1 < history.returned.size() &&
         history.returned[static_cast<std::size_t>(n) + 1] <= num_operations) {
    ++n;
  }
  return n;
}

void ExpectAcknowledgedCommitsAreThere(const History& history, std::size_t num_operations,
                                       const Disk& disk) {
  const testing::TempDir directory;
  const std::string state = directory.File("state");
  WriteDisk(disk, state);
  const RecordingVfs no_syncs;
  ASSERT_OK_AND_ASSIGN(const int64_t last, Recover(state + "/journal.db"));
  const int64_t returned = NumReturned(history, num_operations);
  EXPECT_GE(last, returned);
  EXPECT_LE(last, returned + 1);
}

TEST(SqliteFaultsTest, AKillAtAnyStepLosesNoCommitThatReturned) {
  const History history = RecordCommits(10);
  ASSERT_GT(history.operations.size(), 60U);
  for (std::size_t n = 0; n <= history.operations.size(); ++n) {
    SCOPED_TRACE("killed after operation " + std::to_string(n));
    ExpectAcknowledgedCommitsAreThere(history, n,
                                      DiskAfterKill(std::span(history.operations).first(n)));
  }
}

TEST(SqliteFaultsTest, PowerLossAtAnyStepLosesNoCommitThatReturned) {
  const History history = RecordCommits(10);
  for (std::size_t n = 0; n <= history.operations.size(); ++n) {
    for (uint64_t seed = 2 * n; seed < 2 * n + 2; ++seed) {
      SCOPED_TRACE("after operation " + std::to_string(n) + ", seed " + std::to_string(seed));
      ExpectAcknowledgedCommitsAreThere(
          history, n, DiskAfterPowerLoss(std::span(history.operations).first(n), seed));
    }
  }
}

TEST(SqliteFaultsTest, AFullDiskRefusesABatchThatFitsLater) {
  bool has_failed = true;
  for (int64_t n = 1; has_failed; ++n) {
    SCOPED_TRACE("full from write " + std::to_string(n) + " on");
    const testing::TempDir directory;
    const std::string path = directory.File("journal.db");
    RecordingVfs vfs;
    ASSERT_OK_AND_ASSIGN(const auto journal, SqliteJournal::Open(path, ShortLog()));
    vfs.Fail(DiskOperation::Kind::kWrite, n, SQLITE_FULL, /*for_good=*/true);
    for (int64_t i = 1; i <= 6; ++i) {
      const Status status = journal->Commit(Batch(i));
      if (status.ok()) continue;
      EXPECT_THAT(status, Fails(Code::kResourceExhausted, HasSubstr(path)));
      EXPECT_EQ(LastBatch(path).value(), i - 1);
      EXPECT_THAT(journal->Commit(Batch(i)), HasCode(Code::kResourceExhausted));
      vfs.Heal();
      ASSERT_OK(journal->Commit(Batch(i)));
    }
    EXPECT_EQ(LastBatch(path).value(), 6);
    has_failed = vfs.has_failed();
    ASSERT_LT(n, 1000);
  }
}

struct Failure {
  DiskOperation::Kind kind;
  int code;
};

class SqliteFailureTest : public ::testing::TestWithParam<Failure> {};

INSTANTIATE_TEST_SUITE_P(
    Kinds, SqliteFailureTest,
    ::testing::Values(Failure{DiskOperation::Kind::kWrite, SQLITE_IOERR_WRITE},
                      Failure{DiskOperation::Kind::kSync, SQLITE_IOERR_FSYNC},
                      Failure{DiskOperation::Kind::kTruncate, SQLITE_IOERR_TRUNCATE}),
    [](const auto& failure) { return "Code" + std::to_string(failure.param.code); });

// The number of the commit that failed, or 0.
int64_t CommitUntilFailure(SqliteJournal& journal, int64_t num_commits) {
  for (int64_t i = 1; i <= num_commits; ++i) {
    const Status status = journal.Commit(Batch(i));
    if (status.ok()) continue;
    EXPECT_THAT(status, HasCode(Code::kInternal));
    EXPECT_THAT(journal.Commit(Batch(i)), Fails(Code::kInternal, HasSubstr("start this process")));
    return i;
  }
  return 0;
}

TEST_P(SqliteFailureTest, EndsTheJournalAndTheNextStartFindsTheBatchWholeOrAbsent) {
  bool has_failed = true;
  int64_t num_failures = 0;
  for (int64_t n = 1; has_failed; ++n) {
    SCOPED_TRACE("failure of operation " + std::to_string(n));
    const testing::TempDir directory;
    const std::string path = directory.File("journal.db");
    RecordingVfs vfs;
    int64_t failed = 0;
    {
      ASSERT_OK_AND_ASSIGN(const auto journal, SqliteJournal::Open(path, ShortLog()));
      vfs.Fail(GetParam().kind, n, GetParam().code, /*for_good=*/false);
      failed = CommitUntilFailure(*journal, 8);
    }
    has_failed = vfs.has_failed();
    vfs.Heal();
    ASSERT_OK_AND_ASSIGN(const int64_t last, Recover(path));
    if (failed == 0) {
      EXPECT_EQ(last, 8);
      continue;
    }
    ++num_failures;
    EXPECT_THAT(last, AnyOf(failed - 1, failed));
    ASSERT_LT(n, 1000);
  }
  EXPECT_GT(num_failures, 0);
}

// Commits batches after `last` for ever, and says so through the pipe.
[[noreturn]] void CommitForEver(const std::string& path, int64_t last, int out) {
  const auto journal = SqliteJournal::Open(path, ShortLog());
  for (int64_t i = last + 1; journal.ok() && (*journal)->Commit(Batch(i)).ok(); ++i) {
    if (::write(out, &i, sizeof i) != sizeof i) break;
  }
  ::_exit(1);
}

// Kills a process that commits, after its n-th commit or a little later; returns the last batch
// that it said was committed.
int64_t KillAfter(const std::string& path, int64_t last, uint64_t n) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) CommitForEver(path, last, ends[1]);
  ::close(ends[1]);
  int64_t committed = last;
  for (uint64_t i = 0; i < n; ++i) {
    EXPECT_EQ(::read(ends[0], &committed, sizeof committed), sizeof committed);
  }
  ::kill(child, SIGKILL);
  for (int64_t later = 0; ::read(ends[0], &later, sizeof later) == sizeof later;) committed = later;
  ::close(ends[0]);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  return committed;
}

TEST(SqliteFaultsTest, ARealKillLosesNoCommitThatReturned) {
  const testing::TempDir directory;
  const std::string path = directory.File("journal.db");
  RandomStream random(1, Purpose::kFault, 0, "kill", 0);
  int64_t last = 0;
  for (int kill = 0; kill < 12; ++kill) {
    const int64_t committed = KillAfter(path, last, 1 + random.Below(25));
    ASSERT_OK_AND_ASSIGN(last, Recover(path));
    EXPECT_GE(last, committed);
    EXPECT_LE(last, committed + 1);
  }
}

// The client's store forgoes the sync: power loss may cost it the newest commits, no more.
TEST(SqliteFaultsTest, AfterPowerLossAClientFindsAnEarlierStateOfItsStore) {
  std::vector<DiskOperation> operations;
  {
    const testing::TempDir directory;
    RecordingVfs vfs;
    ASSERT_OK_AND_ASSIGN(const auto store, SqliteClientStore::Open(directory.File("client.db")));
    for (int64_t i = 1; i <= 10; ++i) {
      const ClientTask task = {i, ClientTask::State::kTaken, std::string(2000, 't'), "", ""};
      ASSERT_OK(store->Commit({task, CoordinatorId{std::to_string(i)}}));
    }
    operations = vfs.operations();
  }
  for (std::size_t n = 0; n <= operations.size(); ++n) {
    SCOPED_TRACE("after operation " + std::to_string(n));
    const testing::TempDir directory;
    const std::string state = directory.File("state");
    WriteDisk(DiskAfterPowerLoss(std::span(operations).first(n), n), state);
    const RecordingVfs no_syncs;
    ASSERT_OK_AND_ASSIGN(const auto store, SqliteClientStore::Open(state + "/client.db"));
    ASSERT_OK_AND_ASSIGN(const ClientSnapshot snapshot, store->Load());
    const std::string& id = snapshot.coordinator_id;
    EXPECT_EQ(snapshot.tasks.size(), id.empty() ? 0 : std::stoul(id));
  }
}

}  // namespace
}  // namespace skerry::storage
