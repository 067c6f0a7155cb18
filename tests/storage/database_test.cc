#include "storage/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/files.h"
#include "storage/log_check.h"
#include "storage/raw_sql.h"
#include "storage/sqlite_error.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::storage {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::array<std::string_view, 1> kScripts = {
    "CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"};
constexpr Schema kSchema = {"a list of words", 0x12345678, kScripts};

class DatabaseTest : public ::testing::Test {
 protected:
  std::unique_ptr<Database> OpenWriter(const DatabaseOptions& options = {}) {
    Result<std::unique_ptr<Database>> database = Database::OpenWriter(path_, kSchema, options);
    EXPECT_OK(database);
    return database.ok() ? *std::move(database) : nullptr;
  }
  std::unique_ptr<Database> OpenReader() {
    Result<std::unique_ptr<Database>> database = Database::OpenReader(path_, kSchema);
    EXPECT_OK(database);
    return database.ok() ? *std::move(database) : nullptr;
  }
  static Status AddWord(Database& database, const std::string& text) {
    return database.Transaction([&]() -> Status {
      SKERRY_ASSIGN_OR_RETURN(Statement add, database.Prepare("INSERT INTO word(text) VALUES (?)"));
      return add.BindText(text).Run();
    });
  }
  static int64_t NumWords(Database& database) {
    const Result<int64_t> count = database.QueryInteger("SELECT count(*) FROM word");
    EXPECT_OK(count);
    return count.ok() ? *count : -1;
  }
  // A copy of the files as they are now, as after a kill: what comes later does not reach it.
  std::string CopyOfTheFiles() {
    std::string copy = directory_.File("copy/words.db");
    std::filesystem::create_directories(directory_.File("copy"));
    for (const std::string suffix : {"", "-wal"}) {
      if (std::filesystem::exists(path_ + suffix)) {
        std::filesystem::copy_file(path_ + suffix, copy + suffix);
      }
    }
    return copy;
  }
  // Overwrites the second page, which is the root of the first table.
  static void SpoilAPage(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(4096, '\x77');
    ASSERT_TRUE(file.good());
  }
  uint64_t LogBytes() const {
    const std::string log = path_ + "-wal";
    return std::filesystem::exists(log) ? std::filesystem::file_size(log) : 0;
  }

  testing::TempDir directory_;
  const std::string path_ = directory_.File("words.db");
};

TEST_F(DatabaseTest, ANewFileIsForItsOwnerAlone) {
  const auto database = OpenWriter();
  ASSERT_OK(AddWord(*database, "one"));
  for (const std::string suffix : {"", "-wal", "-shm", ".lock"}) {
    struct stat info {};
    ASSERT_EQ(::stat((path_ + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << suffix;
  }
}

TEST_F(DatabaseTest, TheRulesForSafetyAreInForce) {
  const auto database = OpenWriter();
  EXPECT_EQ(database->QueryText("PRAGMA journal_mode").value(), "wal");
  EXPECT_EQ(database->QueryInteger("PRAGMA synchronous").value(), 2);  // FULL
  EXPECT_EQ(database->QueryInteger("PRAGMA foreign_keys").value(), 1);
  EXPECT_EQ(database->QueryInteger("PRAGMA trusted_schema").value(), 0);
  EXPECT_EQ(database->QueryInteger("PRAGMA cell_size_check").value(), 1);
  EXPECT_EQ(database->QueryInteger("PRAGMA wal_autocheckpoint").value(), 0);
  EXPECT_FALSE(database->Execute("PRAGMA writable_schema=ON; DELETE FROM sqlite_schema").ok());
}

TEST_F(DatabaseTest, AClientsDatabaseDoesNotWaitForTheDisk) {
  DatabaseOptions options;
  options.durability = Durability::kProcessDeath;
  const auto database = OpenWriter(options);
  EXPECT_EQ(database->QueryInteger("PRAGMA synchronous").value(), 1);  // NORMAL
}

TEST_F(DatabaseTest, ASecondWriterIsRefused) {
  const auto database = OpenWriter();
  EXPECT_THAT(Database::OpenWriter(path_, kSchema, {}),
              Fails(Code::kAlreadyExists, HasSubstr(path_ + ".lock is held by process")));
}

TEST_F(DatabaseTest, AReaderSeesCommitsAndCannotWrite) {
  const auto writer = OpenWriter();
  const auto reader = OpenReader();
  EXPECT_EQ(NumWords(*reader), 0);
  ASSERT_OK(AddWord(*writer, "one"));
  EXPECT_EQ(NumWords(*reader), 1);
  EXPECT_FALSE(reader->Execute("DELETE FROM word").ok());
  EXPECT_EQ(NumWords(*writer), 1);
}

TEST_F(DatabaseTest, AReaderLeavesTheFileAsItIs) {
  ASSERT_OK(AddWord(*OpenWriter(), "one"));
  PosixFiles files;
  ASSERT_OK_AND_ASSIGN(const std::string before, ReadFile(files, path_));
  EXPECT_EQ(NumWords(*OpenReader()), 1);
  ASSERT_OK_AND_ASSIGN(const std::string after, ReadFile(files, path_));
  EXPECT_EQ(before, after);
}

TEST_F(DatabaseTest, AReaderFindsTheCommitsOfAKilledWriter) {
  const auto writer = OpenWriter();
  ASSERT_OK(AddWord(*writer, "one"));
  const std::string copy = CopyOfTheFiles();
  ASSERT_GT(std::filesystem::file_size(copy + "-wal"), 0U);
  ASSERT_OK_AND_ASSIGN(const auto reader, Database::OpenReader(copy, kSchema));
  EXPECT_EQ(NumWords(*reader), 1);
  ASSERT_OK_AND_ASSIGN(const auto next_writer, Database::OpenWriter(copy, kSchema, {}));
  EXPECT_EQ(NumWords(*next_writer), 1);
}

TEST_F(DatabaseTest, ATransactionThatFailsLeavesNothingAndIsTheLast) {
  const auto database = OpenWriter();
  const Status failed = database->Transaction([&]() -> Status {
    SKERRY_RETURN_IF_ERROR(database->Execute("INSERT INTO word(text) VALUES ('half')"));
    return database->Execute("INSERT INTO word(text) VALUES (NULL)");
  });
  EXPECT_THAT(failed, Fails(Code::kInternal, HasSubstr("NOT NULL")));
  EXPECT_EQ(NumWords(*database), 0);
  EXPECT_THAT(AddWord(*database, "more"), Fails(Code::kInternal, HasSubstr("start this process")));
}

TEST_F(DatabaseTest, AStatementIsUsableAgainAfterAnError) {
  const auto database = OpenWriter();
  ASSERT_OK_AND_ASSIGN(Statement add, database->Prepare("INSERT INTO word VALUES (?, ?)"));
  ASSERT_OK(add.BindInteger(1).BindText("one").Run());
  EXPECT_THAT(add.BindInteger(1).BindText("again").Run(), HasCode(Code::kInternal));
  EXPECT_THAT(add.BindInteger(2).BindText("too").BindText("many").Run(), HasCode(Code::kInternal));
  ASSERT_OK(add.BindInteger(2).BindText("two").Run());
  EXPECT_EQ(NumWords(*database), 2);
}

TEST_F(DatabaseTest, AMissingTableIsDamage) {
  const auto database = OpenWriter();
  EXPECT_THAT(database->Prepare("SELECT * FROM sentence").status(),
              Fails(Code::kDataLoss, AllOf(HasSubstr(path_), HasSubstr("sentence"))));
}

TEST_F(DatabaseTest, MetaFactsSurviveAndMissingOnesAreEmpty) {
  {
    const auto database = OpenWriter();
    EXPECT_EQ(database->ReadMeta("colour").value(), "");
    ASSERT_OK(database->Transaction([&] { return database->WriteMeta("colour", "red"); }));
    ASSERT_OK(database->Transaction([&] { return database->WriteMeta("colour", "blue"); }));
  }
  EXPECT_EQ(OpenReader()->ReadMeta("colour").value(), "blue");
}

TEST_F(DatabaseTest, TheFileSaysWhetherItWasClosedInGoodOrder) {
  const std::string query = "SELECT value FROM meta WHERE key = 'clean_shutdown'";
  {
    const auto database = OpenWriter();
    EXPECT_THAT(QueryFile(path_, query), ElementsAre("0"));
  }
  EXPECT_THAT(QueryFile(path_, query), ElementsAre("1"));
  EXPECT_EQ(LogBytes(), 0U);
}

TEST_F(DatabaseTest, AFileThatWasInUseWhenItsProcessDiedIsChecked) {
  std::string copy;
  {
    const auto database = OpenWriter();
    ASSERT_OK(AddWord(*database, "one"));
    copy = CopyOfTheFiles();
  }
  QueryFile(copy, "PRAGMA wal_checkpoint(TRUNCATE)");
  SpoilAPage(copy);
  EXPECT_THAT(Database::OpenWriter(copy, kSchema, {}),
              Fails(Code::kDataLoss, AllOf(HasSubstr(copy), HasSubstr("restore it"))));
}

TEST_F(DatabaseTest, AFileTooLargeToCheckAtOnceIsOpenedUnchecked) {
  std::string copy;
  {
    const auto database = OpenWriter();
    ASSERT_OK(database->Execute("CREATE TABLE other (x)"));  // its page is not read at the start
    copy = CopyOfTheFiles();
  }
  QueryFile(copy, "PRAGMA wal_checkpoint(TRUNCATE)");
  const uint64_t size = std::filesystem::file_size(copy);
  {
    std::fstream file(copy, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size - 4096));
    file << std::string(4096, '\x77');
  }
  DatabaseOptions options;
  options.check_limit_bytes = static_cast<int64_t>(size);
  EXPECT_THAT(Database::OpenWriter(copy, kSchema, options), HasCode(Code::kDataLoss));
  options.check_limit_bytes = static_cast<int64_t>(size) - 1;
  EXPECT_OK(Database::OpenWriter(copy, kSchema, options));
}

TEST_F(DatabaseTest, TheLogIsWrittenOverWhenItIsLong) {
  DatabaseOptions options;
  options.log_limit_pages = 8;
  const auto database = OpenWriter(options);
  const uint64_t file_bytes = std::filesystem::file_size(path_);
  for (int i = 0; i < 40; ++i) {
    ASSERT_OK(AddWord(*database, std::string(3000, 'w')));
    EXPECT_LT(LogBytes(), 14U * 4200U);
  }
  EXPECT_GT(LogBytes(), 8U * 4096U) << "it keeps its blocks";
  EXPECT_GT(std::filesystem::file_size(path_), file_bytes + 20U * 4096U) << "and was moved";
  EXPECT_EQ(NumWords(*database), 40);
}

TEST_F(DatabaseTest, WhatAnOlderLogHeldDoesNotComeBackWhenTheProcessIsKilled) {
  DatabaseOptions options;
  options.log_limit_pages = 8;
  const auto database = OpenWriter(options);
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(AddWord(*database, std::string(3000, 'w')));
    const std::string copy = directory_.File("killed-" + std::to_string(i) + ".db");
    for (const std::string suffix : {"", "-wal"}) {  // the index is lost
      std::filesystem::copy_file(path_ + suffix, copy + suffix);
    }
    ASSERT_OK(CheckLog(copy));
    ASSERT_OK_AND_ASSIGN(const auto restarted, Database::OpenWriter(copy, kSchema, options));
    EXPECT_EQ(NumWords(*restarted), i + 1);
  }
}

TEST_F(DatabaseTest, AReaderInTheMiddleOfAQueryHoldsUpNoCommit) {
  DatabaseOptions options;
  options.log_limit_pages = 8;
  const auto database = OpenWriter(options);
  ASSERT_OK(AddWord(*database, "one"));
  {
    RawSql reader(path_);
    ASSERT_THAT(reader("BEGIN; SELECT text FROM word"), ElementsAre("one"));
    for (int i = 0; i < 20; ++i) ASSERT_OK(AddWord(*database, std::string(3000, 'w')));
    EXPECT_THAT(reader("SELECT text FROM word"), ElementsAre("one"));
    EXPECT_GT(LogBytes(), 20U * 4096U);
  }
  for (int i = 0; i < 20; ++i) ASSERT_OK(AddWord(*database, "more"));
  EXPECT_LT(LogBytes(), 14U * 4200U) << "it is cut as soon as nobody needs the rest";
}

TEST_F(DatabaseTest, TextThatIsNoDatabaseIsRefusedAndKept) {
  const std::string text(5000, 'x');
  directory_.Write("words.db", text);
  const auto not_ours = Fails(Code::kDataLoss, AllOf(HasSubstr(path_ + " is damaged"),
                                                     HasSubstr("move it away to start empty")));
  EXPECT_THAT(Database::OpenWriter(path_, kSchema, {}), not_ours);
  EXPECT_THAT(Database::OpenReader(path_, kSchema), not_ours);
  PosixFiles files;
  EXPECT_EQ(ReadFile(files, path_).value(), text);
}

}  // namespace
}  // namespace skerry::storage
