#include "storage/log_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/sqlite_journal.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::storage {
namespace {

using ::testing::AllOf;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;

constexpr int64_t kCommits = 30;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteAll(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
}

// What a journal leaves behind that is killed after its last commit.
class LogCheckTest : public ::testing::Test {
 protected:
  void SetUp() override { Write("live.db", SqliteJournalOptions()); }

  void Write(const std::string& name, const SqliteJournalOptions& options) {
    const std::string path = directory_.File(name);
    ASSERT_OK_AND_ASSIGN(const auto journal, SqliteJournal::Open(path, options));
    for (int64_t i = 1; i <= kCommits; ++i) {
      RunRecord run;
      run.run_id = "r";
      run.rounds_committed = i;
      EventRecord event;
      event.message = std::string(3000, 'e');
      ASSERT_OK(journal->Commit({run, event}));
    }
    database_ = ReadAll(path);
    log_ = ReadAll(path + "-wal");
    index_ = ReadAll(path + "-shm");
  }

  // Writes the files down and opens them as the next process does: how many commits there are.
  Result<int64_t> Recover(const std::string& log, const std::string& index) const {
    std::filesystem::remove_all(path_ + "-shm");
    WriteAll(path_, database_);
    WriteAll(path_ + "-wal", log);
    if (!index.empty()) WriteAll(path_ + "-shm", index);
    SKERRY_ASSIGN_OR_RETURN(const auto journal, SqliteJournal::Open(path_));
    SKERRY_ASSIGN_OR_RETURN(const auto reader, SqliteJournalReader::Open(path_));
    SKERRY_ASSIGN_OR_RETURN(const std::vector<RunRecord> runs, reader->Runs());
    return runs.empty() ? 0 : runs.front().rounds_committed;
  }

  const testing::TempDir directory_{"/dev/shm"};
  const std::string path_ = directory_.File("coordinator.db");
  std::string database_;
  std::string log_;
  std::string index_;
};

TEST_F(LogCheckTest, AWholeLogIsTaken) {
  EXPECT_EQ(Recover(log_, index_).value(), kCommits);
  EXPECT_EQ(Recover(log_, "").value(), kCommits);
  EXPECT_EQ(Recover("", "").value(), 0);
}

TEST_F(LogCheckTest, AFlippedBitAnywhereIsRefusedByNameAsLongAsTheIndexIsThere) {
  RandomStream random(1, Purpose::kFault, 0, "flip", 0);
  constexpr int kFlips = 300;
  int refused = 0;
  for (int i = 0; i < kFlips; ++i) {
    // The header and the first frame are hit more often than by chance.
    const uint64_t bit = random.Below(8 * (i % 3 == 0 ? 100 : log_.size()));
    std::string flipped = log_;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    SCOPED_TRACE("bit " + std::to_string(bit));
    const Result<int64_t> commits = Recover(flipped, index_);
    if (commits.ok()) {
      ASSERT_EQ(*commits, kCommits);
      continue;
    }
    ++refused;
    ASSERT_THAT(commits, Fails(Code::kDataLoss, AllOf(HasSubstr(path_ + "-wal is damaged"),
                                                      HasSubstr("skerry backup restore"))));
  }
  std::printf("%d of %d flips refused, the others without effect\n", refused, kFlips);
  EXPECT_GT(refused, kFlips / 2);
}

TEST_F(LogCheckTest, WithoutTheIndexOnlyTheNewestCommitMayPassForOneThatWasCutShort) {
  RandomStream random(2, Purpose::kFault, 0, "flip", 0);
  for (int i = 0; i < 300; ++i) {
    const uint64_t bit = random.Below(8 * (i % 3 == 0 ? 100 : log_.size()));
    std::string flipped = log_;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    SCOPED_TRACE("bit " + std::to_string(bit));
    const Result<int64_t> commits = Recover(flipped, "");
    if (commits.ok()) {
      ASSERT_GE(*commits, kCommits - 1);
    } else {
      ASSERT_THAT(commits, HasCode(Code::kDataLoss));
    }
  }
}

TEST_F(LogCheckTest, WhatALogHeldBeforeItBeganAnewIsNoCommitOfIts) {
  SqliteJournalOptions options;
  options.database.log_limit_pages = 12;
  Write("short.db", options);
  ASSERT_LT(log_.size(), 20U * 4120U);
  for (const std::string& index : {index_, std::string()}) {
    EXPECT_EQ(Recover(log_, index).value(), kCommits);
    RandomStream random(3, Purpose::kFault, 0, "flip", 0);
    for (int i = 0; i < 300; ++i) {
      const uint64_t bit = random.Below(8 * (i % 3 == 0 ? 100 : log_.size()));
      std::string flipped = log_;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      SCOPED_TRACE("bit " + std::to_string(bit));
      const Result<int64_t> commits = Recover(flipped, index);
      if (commits.ok()) {
        ASSERT_GE(*commits, index.empty() ? kCommits - 1 : kCommits);
      } else {
        ASSERT_THAT(commits, HasCode(Code::kDataLoss));
      }
    }
  }
}

TEST_F(LogCheckTest, AHeaderThatIsTornWhileTheLogBeginsAnewHoldsUpNobody) {
  const std::string header = log_.substr(0, 32);
  SqliteJournalOptions options;
  options.database.log_limit_pages = 1;
  Write("emptied.db", options);
  ASSERT_EQ(log_.substr(0, 56), std::string(56, '\0'));
  for (std::size_t torn = 0; torn <= header.size(); ++torn) {
    SCOPED_TRACE(torn);
    const std::string log = header.substr(0, torn) + log_.substr(torn);
    EXPECT_EQ(Recover(log, index_).value(), kCommits);
    EXPECT_EQ(Recover(log, "").value(), kCommits);
  }
}

TEST_F(LogCheckTest, ALogThatWasBeingEmptiedWhenAWriteFailedIsEmpty) {
  SqliteJournalOptions options;
  options.database.log_limit_pages = 1;
  Write("emptied.db", options);
  // As it was before, but for the part of the zeros that was written.
  const std::string before = std::string(56, '7') + log_.substr(56);
  for (const std::size_t zeros : {4U, 28U, 31U, 33U, 55U}) {
    SCOPED_TRACE(zeros);
    const std::string torn = std::string(zeros, '\0') + before.substr(zeros);
    EXPECT_EQ(Recover(torn, "").value(), kCommits);
    WriteAll(path_ + "-wal", torn);
    ASSERT_OK(CutEmptiedLog(path_));
    EXPECT_EQ(ReadAll(path_ + "-wal"), "") << "or old frames would lie under the next header";
  }
}

TEST_F(LogCheckTest, AByteOfTheHeaderThatBecameZeroIsDamage) {
  for (std::size_t at = 0; at < 4; ++at) {
    std::string damaged = log_;
    damaged[at] = '\0';
    EXPECT_THAT(Recover(damaged, index_), HasCode(Code::kDataLoss)) << at;
    EXPECT_THAT(Recover(damaged, ""), HasCode(Code::kDataLoss)) << at;
  }
}

TEST_F(LogCheckTest, OnlyAnEmptiedLogIsCut) {
  ASSERT_OK(CutEmptiedLog(path_)) << "there is none";
  WriteAll(path_ + "-wal", log_);
  ASSERT_OK(CutEmptiedLog(path_));
  EXPECT_EQ(ReadAll(path_ + "-wal"), log_);
}

TEST_F(LogCheckTest, ALogThatWasCutShortBeforeItsLastSyncIsTheEndOfTheLog) {
  // Power went in the middle of the last commit, whose frames came in any order.
  for (std::size_t lost = 1; lost < 9000; lost += 500) {
    EXPECT_OK(Recover(log_.substr(0, log_.size() - lost), ""));
  }
}

}  // namespace
}  // namespace skerry::storage
