#include "storage/sqlite_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/random.h"
#include "storage/raw_sql.h"
#include "storage/recording_vfs.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::storage {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

RunRecord RunOf(const std::string& run_id) {
  RunRecord run;
  run.run_id = run_id;
  run.number = 1;
  run.state = RunState::kRunning;
  run.sites = {"east", "north", "west"};
  return run;
}

// What a coordinator commits when a round of three sites closes.
WriteBatch RoundBatch(int64_t round) {
  WriteBatch batch;
  RunRecord run = RunOf("r");
  run.rounds_committed = round;
  batch.emplace_back(run);
  RoundRecord record;
  record.run_id = "r";
  record.round = round;
  record.invited = run.sites;
  batch.emplace_back(record);
  for (std::size_t i = 0; i < run.sites.size(); ++i) {
    TaskRecord task;
    task.task_id = 3 * round + static_cast<int64_t>(i);
    task.run_id = "r";
    task.round = round;
    task.site = run.sites[i];
    task.outcome = Outcome::kCounted;
    task.outcome_confirmed = true;
    batch.emplace_back(task);
    EventRecord event;
    event.run_id = "r";
    event.round = round;
    event.message = "round " + std::to_string(round);
    batch.emplace_back(event);
  }
  return batch;
}

class SqliteJournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteJournal> Open() {
    Result<std::unique_ptr<SqliteJournal>> journal = SqliteJournal::Open(path_);
    EXPECT_OK(journal);
    return journal.ok() ? *std::move(journal) : nullptr;
  }
  std::unique_ptr<SqliteJournalReader> OpenReader() {
    Result<std::unique_ptr<SqliteJournalReader>> reader = SqliteJournalReader::Open(path_);
    EXPECT_OK(reader);
    return reader.ok() ? *std::move(reader) : nullptr;
  }

  testing::TempDir directory_;
  const std::string path_ = directory_.File("journal.db");
};

TEST_F(SqliteJournalTest, EverythingSurvivesTheProcess) {
  ASSERT_OK(Open()->Commit(RoundBatch(1)));
  ASSERT_OK(Open()->Commit(RoundBatch(2)));
  const auto reader = OpenReader();
  EXPECT_EQ(reader->Runs().value().at(0).rounds_committed, 2);
  EXPECT_THAT(reader->Rounds("r", 1, 2).value(), SizeIs(2));
  EXPECT_THAT(reader->Tasks("r", 1, 2).value(), SizeIs(6));
  EXPECT_THAT(reader->Events("", 100).value(), SizeIs(6));
}

TEST_F(SqliteJournalTest, ItsIdIsItsOwnAndStays) {
  { const auto journal = Open(); }
  const std::string id = OpenReader()->CoordinatorId().value();
  EXPECT_THAT(id, MatchesRegex("[0-9a-f]{32}"));
  { const auto journal = Open(); }
  EXPECT_EQ(OpenReader()->CoordinatorId().value(), id);

  const std::string other = directory_.File("other.db");
  ASSERT_OK(SqliteJournal::Open(other));
  ASSERT_OK_AND_ASSIGN(const auto other_reader, SqliteJournalReader::Open(other));
  EXPECT_NE(other_reader->CoordinatorId().value(), id);
}

TEST_F(SqliteJournalTest, TextIsReadableWithoutSkerry) {
  const auto journal = Open();
  RunRecord run = RunOf("icu-1");
  run.state = RunState::kCompletedDegraded;
  run.rounds_lacked = {{"west", 2}};
  ASSERT_OK(journal->Commit({run}));
  RawSql sql(path_);
  EXPECT_THAT(sql("SELECT state FROM run"), ElementsAre("completed_degraded"));
  EXPECT_THAT(sql("SELECT sites FROM run"), ElementsAre(R"(["east","north","west"])"));
  EXPECT_THAT(sql("SELECT rounds_lacked FROM run"), ElementsAre(R"({"west":2})"));
  EXPECT_THAT(sql("SELECT json_array_length(sites) FROM run"), ElementsAre("3"));
}

TEST_F(SqliteJournalTest, AValueThatCannotBeIsDamageThatNamesItsColumn) {
  const auto journal = Open();
  ASSERT_OK(journal->Commit(RoundBatch(1)));
  const auto reader = OpenReader();
  const auto damage = [&](const std::string& column) {
    return Fails(Code::kDataLoss, AllOf(HasSubstr(path_), HasSubstr(column),
                                        HasSubstr("skerry backup restore BACKUP")));
  };
  RawSql sql(path_);
  sql("UPDATE run SET state = 'walking'");
  EXPECT_THAT(reader->Runs(), damage("run.state holds \"walking\""));
  sql("UPDATE run SET state = 'running', sites = '[1]'");
  EXPECT_THAT(reader->Runs(), damage("run.sites"));
  sql("UPDATE run SET sites = '[', rounds_lacked = '{}'");
  EXPECT_THAT(reader->Runs(), damage("run.sites"));
  sql("UPDATE run SET sites = '[]', rounds_lacked = '{\"east\":\"x\"}'");
  EXPECT_THAT(reader->Runs(), damage("run.rounds_lacked"));
  sql("UPDATE round SET model_hash = x'00'");
  EXPECT_THAT(reader->Rounds("r", 1, 1), damage("round.model_hash"));
  sql("UPDATE task SET outcome = ''");
  EXPECT_THAT(reader->Tasks("r", 1, 1), damage("task.outcome"));

  // The reader goes on, and holds no old view of the file.
  sql("UPDATE run SET rounds_lacked = '{}'");
  EXPECT_THAT(reader->Runs().value(), SizeIs(1));
}

// The backup of docs/storage.md.
TEST_F(SqliteJournalTest, ACopyByVacuumIntoIsAJournalOfThatMoment) {
  const auto journal = Open();
  ASSERT_OK(journal->Commit(RoundBatch(1)));
  const std::string backup = directory_.File("backup.db");
  QueryFile(path_, "VACUUM INTO '" + backup + "'");
  ASSERT_OK(journal->Commit(RoundBatch(2)));
  ASSERT_OK_AND_ASSIGN(const auto restored, SqliteJournal::Open(backup));
  ASSERT_OK_AND_ASSIGN(const auto reader, SqliteJournalReader::Open(backup));
  EXPECT_EQ(reader->CoordinatorId().value(), OpenReader()->CoordinatorId().value());
  EXPECT_EQ(reader->Runs().value().at(0).rounds_committed, 1);
  ASSERT_OK(restored->Commit(RoundBatch(5)));
  EXPECT_EQ(reader->Runs().value().at(0).rounds_committed, 5);
}

TEST_F(SqliteJournalTest, AReaderMayLookWhileTheJournalIsWritten) {
  const auto journal = Open();
  const auto first = OpenReader();
  const auto second = OpenReader();
  for (int64_t round = 1; round <= 5; ++round) {
    ASSERT_OK(journal->Commit(RoundBatch(round)));
    EXPECT_EQ(first->Runs().value().at(0).rounds_committed, round);
    EXPECT_THAT(second->Tasks("r", round, round).value(), SizeIs(3));
  }
}

// The work of a commit and of the queries for the newest round, as SQLite's reads and writes of
// files, is the same after 10 000 rounds as after 200.
TEST_F(SqliteJournalTest, TheWorkDoesNotGrowWithTheNumberOfRounds) {
  struct Work {
    std::size_t commit_writes;
    int64_t reads;
  };
  RecordingVfs vfs;
  const auto journal = Open();
  const auto measure = [&](int64_t round) {
    const std::size_t before = vfs.operations().size();
    EXPECT_OK(journal->Commit(RoundBatch(round)));
    Work work{vfs.operations().size() - before, 0};
    const auto reader = OpenReader();  // a new one, that remembers no page
    const int64_t reads_before = vfs.num_reads();
    EXPECT_THAT(reader->Rounds("r", round, round).value(), SizeIs(1));
    EXPECT_THAT(reader->Tasks("r", round, round).value(), SizeIs(3));
    EXPECT_THAT(reader->UnconfirmedOutcomes().value(), SizeIs(0));
    EXPECT_THAT(reader->Events("r", 20).value(), SizeIs(20));
    EXPECT_EQ(reader->LargestTaskId().value(), 3 * round + 2);
    work.reads = vfs.num_reads() - reads_before;
    return work;
  };
  const auto commit_until = [&](int64_t first, int64_t last) {
    WriteBatch many;
    for (int64_t round = first; round <= last; ++round) {
      for (Record& record : RoundBatch(round)) many.push_back(std::move(record));
    }
    ASSERT_OK(journal->Commit(many));
  };
  commit_until(1, 199);
  const Work early = measure(200);
  commit_until(201, 9'999);
  const Work late = measure(10'000);
  // A b-tree of a hundred times as many rows is a level or two deeper.
  EXPECT_LE(late.commit_writes, 2 * early.commit_writes);
  EXPECT_LE(late.reads, 2 * early.reads);
}

// SQLite has no checksums, so a changed letter may pass; what must not happen is a crash, a hang,
// or an error that does not say that the file is damaged.
TEST_F(SqliteJournalTest, FlippedBytesAreDamageOrHarmlessButNeverACrash) {
  {
    const auto journal = Open();
    for (int64_t round = 1; round <= 60; ++round) ASSERT_OK(journal->Commit(RoundBatch(round)));
  }
  PosixFiles files;
  ASSERT_OK_AND_ASSIGN(const std::string good, ReadFile(files, path_));
  const auto sound =
      AnyOf(testing::IsOk(), HasCode(Code::kDataLoss), HasCode(Code::kFailedPrecondition));
  int num_damaged = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStream random(seed, Purpose::kFault, 0, "flip", 0);
    std::string bad = good;
    for (int i = 0; i < 20; ++i) {
      char& byte = bad[random.Below(bad.size())];
      byte = static_cast<char>(byte ^ (1 << random.Below(8)));
    }
    const std::string path = directory_.Write("bad.db", bad);
    const auto reader = SqliteJournalReader::Open(path);
    EXPECT_THAT(reader, sound);
    if (!reader.ok()) {
      ++num_damaged;
      continue;
    }
    const auto rounds = (*reader)->Rounds("r", 0, 1000);
    const auto tasks = (*reader)->Tasks("r", 0, 1000);
    const auto events = (*reader)->Events("", 1000);
    EXPECT_THAT(rounds, sound);
    EXPECT_THAT(tasks, sound);
    EXPECT_THAT(events, sound);
    if (!rounds.ok() || !tasks.ok() || !events.ok()) ++num_damaged;
  }
  EXPECT_GT(num_damaged, 100);
}

}  // namespace
}  // namespace skerry::storage
