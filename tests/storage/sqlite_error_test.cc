#include "storage/sqlite_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cerrno>
#include <string>

#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::storage {
namespace {

using ::testing::AllOf;
using testing::Fails;
using ::testing::HasSubstr;

Status Error(int code, int error_number) {
  return FromSqlite(code, error_number, "some text", "/state/journal.db");
}

TEST(SqliteErrorTest, AFullDiskMayBeTriedAgain) {
  const auto full = Fails(Code::kResourceExhausted,
                          AllOf(HasSubstr("/state/journal.db"), HasSubstr("free some disk space")));
  EXPECT_THAT(Error(SQLITE_FULL, 0), full);
  EXPECT_THAT(Error(SQLITE_IOERR_WRITE, EDQUOT), full);
  EXPECT_THAT(Error(SQLITE_IOERR_SHMSIZE, ENOSPC), full);
}

TEST(SqliteErrorTest, AFailedSyncMayNotEvenIfTheDiskWasFull) {
  EXPECT_THAT(Error(SQLITE_IOERR_FSYNC, ENOSPC), Fails(Code::kInternal, HasSubstr("1034")));
  EXPECT_THAT(Error(SQLITE_IOERR_DIR_FSYNC, EDQUOT), Fails(Code::kInternal, HasSubstr("1290")));
}

TEST(SqliteErrorTest, DamageNamesTheFileAndTheWayOut) {
  const auto damaged =
      Fails(Code::kDataLoss,
            AllOf(HasSubstr("/state/journal.db is damaged: some text"),
                  HasSubstr("restore it from a backup, or move it away to start empty")));
  EXPECT_THAT(Error(SQLITE_CORRUPT, 0), damaged);
  EXPECT_THAT(Error(SQLITE_CORRUPT_INDEX, 0), damaged);
  EXPECT_THAT(Error(SQLITE_NOTADB, 0), damaged);
}

TEST(SqliteErrorTest, ALockedFileIsUnavailable) {
  EXPECT_THAT(Error(SQLITE_BUSY, 0), Fails(Code::kUnavailable, HasSubstr("other program")));
}

TEST(SqliteErrorTest, AMissingRightNamesOwnerAndMode) {
  const testing::TempDir directory;
  const std::string path = directory.Write("journal.db", "");
  for (const Status& status :
       {FromSqlite(SQLITE_READONLY_DIRECTORY, 0, "text", path),
        FromSqlite(SQLITE_PERM, 0, "text", path), FromSqlite(SQLITE_CANTOPEN, EACCES, "text", path),
        FromSqlite(SQLITE_IOERR_WRITE, EROFS, "text", path)}) {
    EXPECT_THAT(status, Fails(Code::kPermissionDenied,
                              AllOf(HasSubstr(path + " belongs to "), HasSubstr("mode 0"),
                                    HasSubstr("this process runs as "), HasSubstr("run this as"))));
  }
}

TEST(SqliteErrorTest, WhatIsLeftIsInternal) {
  EXPECT_THAT(Error(SQLITE_IOERR_READ, EIO), Fails(Code::kInternal, HasSubstr("266")));
  EXPECT_THAT(Error(SQLITE_CANTOPEN, EMFILE), Fails(Code::kInternal, HasSubstr("some text")));
  EXPECT_THAT(Error(SQLITE_NOMEM, 0), Fails(Code::kInternal, HasSubstr("/state/journal.db")));
  EXPECT_THAT(Error(SQLITE_MISUSE, 0), Fails(Code::kInternal, HasSubstr("21")));
}

}  // namespace
}  // namespace skerry::storage
