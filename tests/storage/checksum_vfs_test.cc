#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/database_vfs.h"
#include "storage/raw_sql.h"
#include "storage/sqlite_journal.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::storage {
namespace {

using ::testing::AllOf;
using testing::Fails;
using ::testing::HasSubstr;

constexpr std::size_t kPageBytes = 4096;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteAll(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
}

// A journal of some pages that was closed in good order, so that its log is empty.
class ChecksumVfsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(const auto journal, SqliteJournal::Open(path_));
    for (int64_t i = 0; i < 40; ++i) {
      RunRecord run;
      run.run_id = "run-" + std::to_string(i % 3);
      run.number = i % 3;
      run.run_file = std::string(9000, static_cast<char>('a' + i % 26));  // overflows its page
      RoundRecord round;
      round.run_id = run.run_id;
      round.round = i;
      round.metrics = std::string(500, 'm');
      TaskRecord task;
      task.task_id = i + 1;
      task.run_id = run.run_id;
      task.round = i;
      task.header = std::string(300, 'h');
      EventRecord event;
      event.message = "something happened " + std::to_string(i);
      ASSERT_OK(journal->Commit({run, round, task, event}));
    }
  }

  // All that the journal tells; or why it does not.
  Result<std::string> ReadJournal() const {
    SKERRY_ASSIGN_OR_RETURN(const auto writer, SqliteJournal::Open(path_));
    SKERRY_ASSIGN_OR_RETURN(const auto reader, SqliteJournalReader::Open(path_));
    SKERRY_ASSIGN_OR_RETURN(std::string all, reader->CoordinatorId());
    SKERRY_ASSIGN_OR_RETURN(const std::vector<RunRecord> runs, reader->Runs());
    for (const RunRecord& run : runs) {
      all += run.run_id + std::to_string(run.number) + run.run_file;
      SKERRY_ASSIGN_OR_RETURN(const auto rounds, reader->Rounds(run.run_id, 0, 1000));
      for (const RoundRecord& round : rounds) all += std::to_string(round.round) + round.metrics;
      SKERRY_ASSIGN_OR_RETURN(const auto tasks, reader->Tasks(run.run_id, 0, 1000));
      for (const TaskRecord& task : tasks) all += std::to_string(task.task_id) + task.header;
    }
    SKERRY_ASSIGN_OR_RETURN(const auto events, reader->Events("", 1000));
    for (const EventRecord& event : events) all += event.message;
    return all;
  }

  // The file as it was, and nothing beside it.
  void Restore(const std::string& contents) const {
    for (const char* beside : {"-wal", "-shm"}) std::filesystem::remove(path_ + beside);
    WriteAll(path_, contents);
  }

  const testing::TempDir directory_{"/dev/shm"};
  const std::string path_ = directory_.File("coordinator.db");
};

TEST_F(ChecksumVfsTest, AFlippedBitAnywhereIsRefusedByNameOrWithoutEffect) {
  const std::string contents = ReadAll(path_);
  ASSERT_EQ(contents.size() % kPageBytes, 0U);
  ASSERT_GT(contents.size() / kPageBytes, 20U);
  ASSERT_OK_AND_ASSIGN(const std::string original, ReadJournal());
  RandomStream random(1, Purpose::kFault, 0, "flip", 0);
  int refused = 0;
  constexpr int kFlips = 1000;
  for (int i = 0; i < kFlips; ++i) {
    const uint64_t bit = random.Below(8 * contents.size());
    std::string flipped = contents;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    Restore(flipped);
    const Result<std::string> read = ReadJournal();
    SCOPED_TRACE("bit " + std::to_string(bit));
    if (read.ok()) {
      ASSERT_EQ(*read, original);
      continue;
    }
    ++refused;
    ASSERT_THAT(read, Fails(Code::kDataLoss, AllOf(HasSubstr(path_ + " is damaged"),
                                                   HasSubstr("skerry backup restore"))));
  }
  std::printf("%d of %d flips refused, the others without effect\n", refused, kFlips);
  EXPECT_GT(refused, kFlips / 2);
}

TEST_F(ChecksumVfsTest, EveryPageIsCheckedToItsLastByte) {
  const std::string contents = ReadAll(path_);
  const auto pages = contents.size() / kPageBytes;
  for (const std::size_t byte : {std::size_t{30}, kPageBytes - 9, kPageBytes - 8, kPageBytes - 1}) {
    for (std::size_t page = 0; page < pages; ++page) {
      std::string flipped = contents;
      flipped[page * kPageBytes + byte] = static_cast<char>(flipped[page * kPageBytes + byte] ^ 1);
      Restore(flipped);
      RawSql(path_).TryExecute("PRAGMA integrity_check");  // reads every page
      EXPECT_EQ(LastDamagedPage(), static_cast<int64_t>(page) + 1) << "byte " << byte;
    }
  }
}

TEST_F(ChecksumVfsTest, APageInThePlaceOfAnotherIsDamaged) {
  std::string contents = ReadAll(path_);
  std::copy_n(contents.begin() + 4 * kPageBytes, kPageBytes, contents.begin() + 6 * kPageBytes);
  Restore(contents);
  RawSql(path_).TryExecute("PRAGMA integrity_check");
  EXPECT_EQ(LastDamagedPage(), 7);
}

TEST_F(ChecksumVfsTest, ADamagedPageIsNotUsedEvenIfTheHeaderClaimsThatThereAreNoChecksums) {
  std::string contents = ReadAll(path_);
  contents[20] = 0;
  Restore(contents);
  EXPECT_THAT(ReadJournal(), Fails(Code::kDataLoss, HasSubstr("page 1 has changed")));
}

TEST_F(ChecksumVfsTest, OtherProgramsReadTheFileAsUsual) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open_v2(path_.c_str(), &connection, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  std::string answer;
  const auto take = [](void* out, int, char** values, char**) {
    *static_cast<std::string*>(out) = values[0];
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(connection, "PRAGMA integrity_check", take, &answer, nullptr), SQLITE_OK);
  EXPECT_EQ(answer, "ok");
  sqlite3_close(connection);
}

TEST_F(ChecksumVfsTest, AFileThatWasMadeWithoutRoomForThemIsLeftAlone) {
  const std::string other = directory_.File("other.db");
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(other.c_str(), &connection), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(connection, "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(20000))",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(connection);
  RawSql sql(other);
  sql("INSERT INTO t VALUES (1)");
  EXPECT_THAT(sql("PRAGMA integrity_check"), ::testing::ElementsAre("ok"));
  EXPECT_EQ(ReadAll(other).find("skC1"), std::string::npos);
}

}  // namespace
}  // namespace skerry::storage
