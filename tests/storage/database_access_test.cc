#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "storage/sqlite_journal.h"
#include "storage/unprivileged.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

// Who may open which file, and what is said to those who may not.
namespace skerry::storage {
namespace {

using ::testing::AllOf;
using testing::Fails;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class DatabaseAccessTest : public ::testing::Test {
 protected:
  void SetUp() override { SetMode(directory_.path(), 0755); }

  static void SetMode(const std::string& path, mode_t mode) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  void MakeJournal() { ASSERT_OK(SqliteJournal::Open(path_)); }
  // What somebody without rights is told who opens the journal to write or to read.
  std::string WriteAsNobody() {
    return AsNobody([&] { return SqliteJournal::Open(path_).status().ToString(); });
  }
  std::string ReadAsNobody() {
    return AsNobody([&] {
      const auto reader = SqliteJournalReader::Open(path_);
      return reader.ok() ? (*reader)->Runs().status().ToString() : reader.status().ToString();
    });
  }

  testing::TempDir directory_;
  const std::string path_ = directory_.File("journal.db");
};

TEST_F(DatabaseAccessTest, AMissingDirectoryIsNamed) {
  const std::string missing = directory_.File("missing");
  EXPECT_THAT(SqliteJournal::Open(missing + "/journal.db"),
              Fails(Code::kNotFound, HasSubstr(missing)));
}

TEST_F(DatabaseAccessTest, AMissingFileIsNamedToAReaderAndNotMade) {
  EXPECT_THAT(SqliteJournalReader::Open(path_), Fails(Code::kNotFound, HasSubstr(path_)));
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

TEST_F(DatabaseAccessTest, ADirectoryThatMayNotBeWrittenIsNamedWithOwnerAndMode) {
  SetMode(directory_.path(), 0555);
  EXPECT_THAT(WriteAsNobody(),
              AllOf(StartsWith("PERMISSION_DENIED"), HasSubstr(directory_.path() + " belongs to "),
                    HasSubstr("mode 0555"), HasSubstr("this process runs as")));
  SetMode(directory_.path(), 0755);
}

TEST_F(DatabaseAccessTest, AFileThatMayNotBeWrittenIsNamedWithOwnerAndMode) {
  MakeJournal();
  SetMode(path_, 0444);
  SetMode(directory_.path(), 0777);
  SetMode(path_ + ".lock", 0666);
  EXPECT_THAT(WriteAsNobody(), AllOf(StartsWith("PERMISSION_DENIED"),
                                     HasSubstr(path_ + " belongs to "), HasSubstr("mode 0444")));
}

TEST_F(DatabaseAccessTest, AFileThatMayNotBeReadIsNamedWithOwnerAndMode) {
  MakeJournal();
  SetMode(path_, 0000);
  EXPECT_THAT(ReadAsNobody(), AllOf(StartsWith("PERMISSION_DENIED"),
                                    HasSubstr(path_ + " belongs to "), HasSubstr("mode 0000")));
}

TEST_F(DatabaseAccessTest, WhileACoordinatorRunsThoseWhoMayReadTheFilesCanLook) {
  ASSERT_OK_AND_ASSIGN(const auto journal, SqliteJournal::Open(path_));
  for (const std::string suffix : {"", "-wal", "-shm"}) SetMode(path_ + suffix, 0444);
  SetMode(directory_.path(), 0555);
  EXPECT_EQ(ReadAsNobody(), "OK");
  SetMode(directory_.path(), 0755);
}

TEST_F(DatabaseAccessTest, WithoutACoordinatorTheyAreToldWhoCan) {
  MakeJournal();
  SetMode(path_, 0444);
  SetMode(directory_.path(), 0555);
  EXPECT_THAT(ReadAsNobody(), AllOf(StartsWith("PERMISSION_DENIED"), HasSubstr(path_ + "-wal"),
                                    HasSubstr(directory_.path() + " belongs to "),
                                    HasSubstr("while its writer is running")));
  SetMode(directory_.path(), 0755);
}

TEST_F(DatabaseAccessTest, WithoutACoordinatorItsOwnerCanLook) {
  MakeJournal();
  ASSERT_OK_AND_ASSIGN(const auto reader, SqliteJournalReader::Open(path_));
  EXPECT_OK(reader->Runs());
}

}  // namespace
}  // namespace skerry::storage
