#include "storage/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "storage/database.h"
#include "storage/raw_sql.h"
#include "storage/recording_vfs.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::storage {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Fails;
using ::testing::HasSubstr;

// Scripts that show when they run twice, or out of order.
constexpr std::array<std::string_view, 3> kScripts = {
    "CREATE TABLE word (text TEXT NOT NULL) STRICT;",
    "ALTER TABLE word ADD COLUMN length INTEGER; UPDATE word SET length = length(text);"
    "INSERT INTO word VALUES ('by script 2', 11);",
    "INSERT INTO word SELECT text || '!', length + 1 FROM word;"};
constexpr std::array<std::string_view, 3> kBrokenScripts = {
    kScripts[0], kScripts[1],
    "INSERT INTO word VALUES ('half', 4); INSERT INTO sentence VALUES ('none');"};

Schema Version(std::size_t n) {
  return {"a list of words", 0x12345678, std::span(kScripts).first(n)};
}
Status Open(const std::string& path, const Schema& schema) {
  return Database::OpenWriter(path, schema, {}).status();
}

class MigrationsTest : public ::testing::Test {
 protected:
  testing::TempDir directory_;
  const std::string path_ = directory_.File("words.db");
};

TEST_F(MigrationsTest, ANewFileGetsEveryScript) {
  ASSERT_OK(Open(path_, Version(3)));
  RawSql sql(path_);
  EXPECT_THAT(sql("SELECT text FROM word"), ElementsAre("by script 2", "by script 2!"));
  EXPECT_THAT(sql("PRAGMA user_version"), ElementsAre("3"));
  EXPECT_THAT(sql("PRAGMA application_id"), ElementsAre(std::to_string(0x12345678)));
}

TEST_F(MigrationsTest, AnOlderFileGetsTheScriptsItLacksAndKeepsItsRows) {
  ASSERT_OK(Open(path_, Version(1)));
  QueryFile(path_, "INSERT INTO word VALUES ('mine')");
  ASSERT_OK(Open(path_, Version(2)));
  ASSERT_OK(Open(path_, Version(2)));
  EXPECT_THAT(QueryFile(path_, "SELECT text || length FROM word"),
              ElementsAre("mine4", "by script 211"));
}

TEST_F(MigrationsTest, AScriptThatFailsLeavesTheFileAsItWas) {
  ASSERT_OK(Open(path_, Version(1)));
  const Schema broken = {"a list of words", 0x12345678, kBrokenScripts};
  EXPECT_THAT(Open(path_, broken),
              Fails(Code::kInternal, AllOf(HasSubstr("upgrading to format 3"), HasSubstr(path_),
                                           HasSubstr("sentence"))));
  {
    RawSql sql(path_);
    EXPECT_THAT(sql("PRAGMA user_version"), ElementsAre("1"));
    EXPECT_THAT(sql("SELECT count(*) FROM word"), ElementsAre("0")) << "script 2 went well";
    EXPECT_THAT(sql("SELECT name FROM pragma_table_info('word')"), ElementsAre("text"));
  }
  EXPECT_OK(Open(path_, Version(3)));
}

TEST_F(MigrationsTest, AFileOfANewerProgramIsRefused) {
  ASSERT_OK(Open(path_, Version(3)));
  const auto refused =
      Fails(Code::kFailedPrecondition,
            AllOf(HasSubstr(path_ + " was written by a newer Skerry (format 3, this program knows "
                                    "formats up to 2)"),
                  HasSubstr("start the newer program")));
  EXPECT_THAT(Open(path_, Version(2)), refused);
  EXPECT_THAT(Database::OpenReader(path_, Version(2)), refused);
  EXPECT_THAT(QueryFile(path_, "PRAGMA user_version"), ElementsAre("3"));
}

TEST_F(MigrationsTest, AFileOlderThanTheOldestIsRefusedAndKept) {
  ASSERT_OK(Open(path_, Version(1)));
  Schema schema = Version(3);
  schema.oldest = 2;
  const auto refused =
      Fails(Code::kFailedPrecondition,
            AllOf(HasSubstr(path_ + " was written by an older Skerry (format 1, "
                                    "this program knows formats from 2 on)"),
                  HasSubstr("export what you need with the program that wrote it")));
  EXPECT_THAT(Open(path_, schema), refused);
  EXPECT_THAT(Database::OpenReader(path_, schema), refused);
  EXPECT_THAT(QueryFile(path_, "PRAGMA user_version"), ElementsAre("1"));
}

TEST_F(MigrationsTest, TheOldestFormatAndANewFileAreTaken) {
  Schema schema = Version(2);
  schema.oldest = 2;
  ASSERT_OK(Open(path_, schema));
  Schema next = Version(3);
  next.oldest = 2;
  EXPECT_OK(Open(path_, next));
}

// Names of format 1 are none that this program makes: a run would end at its next start.
TEST_F(MigrationsTest, AJournalWithContentHashesOfFormat1IsRefused) {
  Schema before = JournalSchema();
  before.migrations = before.migrations.first(3);
  before.oldest = 0;
  ASSERT_OK(Open(path_, before));
  EXPECT_THAT(Open(path_, JournalSchema()),
              Fails(Code::kFailedPrecondition, HasSubstr("this program knows formats from 4 on")));
}

TEST_F(MigrationsTest, AClientWorksAgainOnTasksWhoseResultsHaveNamesOfFormat1) {
  Schema before = ClientSchema();
  before.migrations = before.migrations.first(2);
  ASSERT_OK(Open(path_, before));
  QueryFile(path_, "INSERT INTO task (task_id, state, task, header) VALUES (1, 'done', x'', x'')");
  ASSERT_OK(Open(path_, ClientSchema()));
  EXPECT_THAT(QueryFile(path_, "SELECT count(*) FROM task"), ElementsAre("0"));
}

TEST_F(MigrationsTest, AReaderDoesNotUpgrade) {
  ASSERT_OK(Open(path_, Version(1)));
  EXPECT_THAT(Database::OpenReader(path_, Version(2)),
              Fails(Code::kFailedPrecondition, AllOf(HasSubstr("an older Skerry (format 1"),
                                                     HasSubstr("that upgrades the file"))));
  EXPECT_THAT(QueryFile(path_, "PRAGMA user_version"), ElementsAre("1"));
}

TEST_F(MigrationsTest, AnEmptyFileIsNewToAWriterAndNothingToAReader) {
  directory_.Write("words.db", "");
  EXPECT_THAT(Database::OpenReader(path_, Version(1)),
              Fails(Code::kFailedPrecondition, HasSubstr(path_ + " is empty")));
  EXPECT_OK(Open(path_, Version(1)));
  EXPECT_OK(Database::OpenReader(path_, Version(1)));
}

TEST_F(MigrationsTest, AnotherProgramsDatabaseIsRefusedAndKept) {
  QueryFile(path_, "CREATE TABLE bookmark (url TEXT); INSERT INTO bookmark VALUES ('x')");
  PosixFiles files;
  ASSERT_OK_AND_ASSIGN(const std::string before, ReadFile(files, path_));
  const auto refused =
      Fails(Code::kFailedPrecondition, AllOf(HasSubstr(path_ + " is not a list of words"),
                                             HasSubstr("nothing in the file was changed")));
  EXPECT_THAT(Open(path_, Version(1)), refused);
  EXPECT_THAT(Database::OpenReader(path_, Version(1)), refused);
  EXPECT_EQ(ReadFile(files, path_).value(), before);
}

TEST_F(MigrationsTest, AClientsStoreIsNoJournal) {
  ASSERT_OK(Open(path_, ClientSchema()));
  EXPECT_THAT(Open(path_, JournalSchema()),
              Fails(Code::kFailedPrecondition, HasSubstr("is not a coordinator's journal")));
}

// Upgrades a file with a row from version 1 to 3 and writes down how.
std::vector<DiskOperation> RecordUpgrade() {
  const testing::TempDir directory;
  const std::string path = directory.File("words.db");
  RecordingVfs vfs;
  EXPECT_OK(Open(path, Version(1)));
  QueryFile(path, "INSERT INTO word VALUES ('mine')");
  EXPECT_OK(Open(path, Version(3)));
  return vfs.operations();
}

void ExpectTheUpgradeGoesOn(const Disk& disk) {
  const testing::TempDir directory;
  const std::string state = directory.File("state");
  WriteDisk(disk, state);
  const std::string path = state + "/words.db";
  const RecordingVfs no_syncs;
  ASSERT_OK(Open(path, Version(3)));
  RawSql sql(path);
  EXPECT_THAT(sql("PRAGMA user_version"), ElementsAre("3"));
  const auto scripted = sql("SELECT text FROM word WHERE text LIKE 'by script%' ORDER BY text");
  EXPECT_THAT(scripted, ElementsAre("by script 2", "by script 2!"));
  const auto mine = sql("SELECT count(*) FROM word WHERE text LIKE 'mine%'");
  EXPECT_THAT(mine, ElementsAre(::testing::AnyOf("0", "2")));
}

TEST_F(MigrationsTest, AnUpgradeThatIsKilledAtAnyStepIsFinishedByTheNextStart) {
  const std::vector<DiskOperation> operations = RecordUpgrade();
  ASSERT_GT(operations.size(), 20U);
  for (std::size_t n = 0; n <= operations.size(); ++n) {
    SCOPED_TRACE("killed after operation " + std::to_string(n));
    ExpectTheUpgradeGoesOn(DiskAfterKill(std::span(operations).first(n)));
    ExpectTheUpgradeGoesOn(DiskAfterPowerLoss(std::span(operations).first(n), n));
  }
}

// On its way it would be of a format that is too old.
TEST_F(MigrationsTest, ANewFileWhoseMakingIsKilledAtAnyStepIsMadeByTheNextStart) {
  Schema schema = Version(3);
  schema.oldest = 3;
  std::vector<DiskOperation> operations;
  {
    RecordingVfs vfs;
    ASSERT_OK(Open(path_, schema));
    operations = vfs.operations();
  }
  ASSERT_GT(operations.size(), 5U);
  for (std::size_t n = 0; n <= operations.size(); ++n) {
    SCOPED_TRACE("killed after operation " + std::to_string(n));
    for (const Disk& disk : {DiskAfterKill(std::span(operations).first(n)),
                             DiskAfterPowerLoss(std::span(operations).first(n), n)}) {
      const testing::TempDir directory;
      WriteDisk(disk, directory.File("state"));
      const RecordingVfs no_syncs;
      EXPECT_OK(Open(directory.File("state") + "/words.db", schema));
    }
  }
}

// A released script may not change: files made by it are out there. A change of format is a new
// script at the end of the list.
TEST_F(MigrationsTest, TheDocumentTellsTheMeaningOfEveryColumn) {
  PosixFiles files;
  ASSERT_OK_AND_ASSIGN(const std::string document,
                       ReadFile(files, std::string(SKERRY_DOCS_DIRECTORY) + "/storage.md"));
  for (const Schema& schema : {JournalSchema(), ClientSchema()}) {
    const std::string path = directory_.File(std::to_string(schema.application_id));
    ASSERT_OK(Open(path, schema));
    RawSql sql(path);
    for (const std::string& table :
         sql("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")) {
      EXPECT_THAT(document, HasSubstr("`" + table + "`"));
      for (const std::string& column : sql("SELECT name FROM pragma_table_info('" + table + "')")) {
        EXPECT_THAT(document, HasSubstr("`" + column + "`")) << table;
      }
    }
  }
}

}  // namespace
}  // namespace skerry::storage
