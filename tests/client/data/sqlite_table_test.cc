#include "client/data/sqlite_table.h"

#include <sqlite3.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

#include "base/files.h"
#include "base/text.h"
#include "client/data/number.h"
#include "client/data/site_data.h"
#include "client/data/spec.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::client {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

std::string Contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class SqliteTableTest : public ::testing::Test {
 protected:
  ~SqliteTableTest() override { sqlite3_close(database_); }

  // Runs SQL in the database, which stays open until the test ends or Close().
  void Run(const std::string& sql) {
    if (database_ == nullptr) {
      ASSERT_EQ(sqlite3_open(path_.c_str(), &database_), SQLITE_OK);
    }
    ASSERT_EQ(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database_);
  }
  void Close() {
    sqlite3_close(database_);
    database_ = nullptr;
  }

  Result<std::unique_ptr<Table>> Read(const std::string& table,
                                      const std::vector<std::string>& columns) {
    DataSource source{.name = "icu", .csv = "", .sqlite = path_, .table = table, .rename = rename_};
    return ReadSqlite(source, columns, 0);
  }

  // The cells of a table's only column, "-" where missing.
  std::vector<std::string> Column(const std::string& table, const std::string& column) {
    const auto result = Read(table, {column});
    EXPECT_OK(result);
    std::vector<std::string> cells;
    for (std::size_t row = 0; result.ok() && row < (*result)->num_rows(); ++row) {
      cells.emplace_back((*result)->Cell(row, 0).value_or("-"));
    }
    return cells;
  }

  testing::TempDir dir_;
  const std::string path_ = dir_.File("icu.db");
  std::map<std::string, std::string> rename_;
  sqlite3* database_ = nullptr;
};

TEST_F(SqliteTableTest, CellsOfEveryKindBecomeText) {
  Run("CREATE TABLE patients (id, value);"
      "INSERT INTO patients VALUES (1, 68), (2, -9223372036854775808), (3, 0.5), (4, 17.0),"
      "(5, 'medical'), (6, NULL), (7, ''), (8, ' NA '), (9, 1e30), (10, 100000.0), (11, -0.0)");
  EXPECT_THAT(Column("patients", "value"),
              ElementsAre("68", "-9223372036854775808", "0.5", "17", "medical", "-", "-", "-",
                          "1e+30", "100000", "-0"));
}

TEST_F(SqliteTableTest, ARealReadsBackToTheSameDouble) {
  const std::vector<double> values = {0.1,
                                      1.0 / 3,
                                      1e-300,
                                      5e-324,
                                      123456789.123456789,
                                      -2.5e17,
                                      1e22,
                                      1e29,
                                      std::nextafter(1.0, 2.0)};
  Run("CREATE TABLE t (x REAL)");
  sqlite3_stmt* insert = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(database_, "INSERT INTO t VALUES (?)", -1, &insert, nullptr),
            SQLITE_OK);
  for (const double value : values) {
    sqlite3_bind_double(insert, 1, value);
    ASSERT_EQ(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  const std::vector<std::string> cells = Column("t", "x");
  ASSERT_EQ(cells.size(), values.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    EXPECT_THAT(ParseNumber(cells[i]), Optional(values[i])) << cells[i];
  }
}

TEST_F(SqliteTableTest, ColumnsComeInTheOrderAskedForAndUnderTheirNamesHere) {
  Run("CREATE TABLE patients (id, ApacheIIScore, age);"
      "INSERT INTO patients VALUES (1, 20, 68), (2, 22, 57)");
  rename_ = {{"apache2", "ApacheIIScore"}, {"again", "age"}};
  ASSERT_OK_AND_ASSIGN(const auto table, Read("patients", {"age", "apache2", "again"}));
  ASSERT_EQ(table->num_rows(), 2u);
  EXPECT_THAT(table->Cell(0, 0), Optional(std::string_view("68")));
  EXPECT_THAT(table->Cell(1, 1), Optional(std::string_view("22")));
  EXPECT_THAT(table->Cell(1, 2), Optional(std::string_view("57")));
  EXPECT_EQ(table->Place(1, 0), "patients row 2, column age");
  EXPECT_EQ(table->Place(0, 1), "patients row 1, column apache2 (here ApacheIIScore)");
}

TEST_F(SqliteTableTest, NamesMayHoldQuotesSpacesAndKeywords) {
  Run("CREATE TABLE \"my \"\"odd\"\" table; --\" (\"select\", \"a \"\"b\"\" c\", \"it's\");"
      "INSERT INTO \"my \"\"odd\"\" table; --\" VALUES (1, 2, 3)");
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Read("my \"odd\" table; --", {"it's", "a \"b\" c", "select"}));
  EXPECT_THAT(table->Cell(0, 0), Optional(std::string_view("3")));
  EXPECT_THAT(table->Cell(0, 1), Optional(std::string_view("2")));
  EXPECT_THAT(table->Cell(0, 2), Optional(std::string_view("1")));
}

TEST_F(SqliteTableTest, AnIndexDoesNotChangeTheNumbersOfTheRows) {
  // The notes make the index the cheaper way to the ages.
  Run("CREATE TABLE patients (id INTEGER PRIMARY KEY, note, age);"
      "INSERT INTO patients SELECT column1, printf('%.*c', 3000, 'x'), column2"
      "  FROM (VALUES (1, 90), (2, 20), (3, 55));"
      "CREATE INDEX by_age ON patients (age)");
  EXPECT_THAT(Column("patients", "age"), ElementsAre("90", "20", "55"));
}

TEST_F(SqliteTableTest, AViewIsReadLikeATable) {
  Run("CREATE TABLE patients (id, born); INSERT INTO patients VALUES (1, 1950), (2, 1970);"
      "CREATE VIEW adults AS SELECT id, 2007 - born AS age FROM patients");
  EXPECT_THAT(Column("adults", "age"), ElementsAre("57", "37"));
}

TEST_F(SqliteTableTest, ADatabaseInWalModeIsReadWhileItsWriterHasItOpen) {
  Run("PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1);"
      "BEGIN IMMEDIATE; INSERT INTO t VALUES (2)");
  EXPECT_THAT(Column("t", "x"), ElementsAre("1"));
}

TEST_F(SqliteTableTest, ReadingLeavesTheFileAndItsFolderAsTheyWere) {
  Run("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  Close();
  const std::string before = Contents(path_);
  EXPECT_OK(Read("t", {"x"}));
  EXPECT_EQ(Contents(path_), before);
  PosixFiles files;
  ASSERT_OK_AND_ASSIGN(const auto names, files.List(dir_.path()));
  EXPECT_THAT(names, ElementsAre("icu.db"));
}

TEST_F(SqliteTableTest, TheLogOfAWriterThatWasKilledIsReadAndKept) {
  Run("PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  const std::string database = Contents(path_);
  const std::string log = Contents(path_ + "-wal");
  Close();
  dir_.Write("icu.db", database);
  dir_.Write("icu.db-wal", log);
  ASSERT_GT(log.size(), 0u);
  EXPECT_THAT(Column("t", "x"), ElementsAre("1"));
  EXPECT_EQ(Contents(path_), database);
  EXPECT_EQ(Contents(path_ + "-wal"), log);
}

TEST_F(SqliteTableTest, AMissingTableNamesTheNearestOne) {
  Run("CREATE TABLE patients (x); CREATE VIEW patient_view AS SELECT x FROM patients");
  EXPECT_THAT(Read("Patients", {"x"}),
              Fails(Code::kNotFound,
                    AllOf(HasSubstr("no table or view \"Patients\""),
                          HasSubstr("the nearest is \"patients\""), HasSubstr("[data.icu]"))));
  EXPECT_THAT(Read("patientview", {"x"}),
              Fails(Code::kNotFound, HasSubstr("the nearest is \"patient_view\"")));
}

TEST_F(SqliteTableTest, AMissingColumnNamesTheNearestOneAndTheWayToRename) {
  Run("CREATE TABLE patients (Age, died); INSERT INTO patients VALUES (1, 0)");
  EXPECT_THAT(Read("patients", {"age"}),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("table patients has no column \"age\""),
                          HasSubstr("the nearest is \"Age\""),
                          HasSubstr("rename = { \"age\" = \"Age\" } under [data.icu]"))));
}

TEST_F(SqliteTableTest, ABlobIsRefusedWithItsPlace) {
  Run("CREATE TABLE patients (age); INSERT INTO patients VALUES (68), (x'00ff')");
  EXPECT_THAT(Read("patients", {"age"}),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("table patients, column age: a cell holds a BLOB"),
                          HasSubstr("(patients row 2, column age: "))));
}

TEST_F(SqliteTableTest, ATextOfMoreThan16MegabytesIsRefusedWithItsPlace) {
  Run("CREATE TABLE t (x); INSERT INTO t VALUES (' ' || printf('%.*c', 16777215, 'x'))");
  EXPECT_OK(Read("t", {"x"}));
  Run("INSERT INTO t VALUES (printf('%.*c', 16777216, 'x'))");
  EXPECT_THAT(Read("t", {"x"}),
              Fails(Code::kInvalidArgument,
                    HasSubstr("a cell holds more than 16 MB of text (t row 2, column x: ")));
}

TEST_F(SqliteTableTest, ATableWithoutRowsSaysSo) {
  Run("CREATE TABLE patients (age)");
  EXPECT_THAT(Read("patients", {"age"}),
              Fails(Code::kInvalidArgument, HasSubstr("table patients has no rows")));
}

TEST_F(SqliteTableTest, AFileThatIsNoDatabaseSaysSo) {
  dir_.Write("icu.db", std::string(4096, 'x'));
  EXPECT_THAT(Read("patients", {"age"}),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("icu.db"), HasSubstr("file is not a database"))));
}

TEST_F(SqliteTableTest, ADamagedFileIsDataLoss) {
  Run("CREATE TABLE t (x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
      "5000) INSERT INTO t SELECT i FROM n");
  Close();
  std::string bytes = Contents(path_);
  ASSERT_GT(bytes.size(), 3 * 4096u);
  bytes.replace(4096, bytes.size() - 4096, bytes.size() - 4096, '\x7F');
  dir_.Write("icu.db", bytes);
  EXPECT_THAT(Read("t", {"x"}), Fails(Code::kDataLoss, HasSubstr("malformed")));
}

TEST_F(SqliteTableTest, ALockedDatabaseIsUnavailable) {
  Run("CREATE TABLE t (x); INSERT INTO t VALUES (1); BEGIN EXCLUSIVE");
  EXPECT_THAT(Read("t", {"x"}), Fails(Code::kUnavailable, HasSubstr("it is tried again")));
}

TEST_F(SqliteTableTest, WhatSqliteItselfSaysStaysAtTheSite) {
  Run("CREATE TABLE t (x); CREATE VIEW v AS SELECT secret AS x FROM t");
  const Status status = Read("v", {"x"}).status();
  EXPECT_THAT(status, Fails(Code::kInternal, HasSubstr("no such column: secret")));
  EXPECT_THAT(status.message(), ::testing::Not(HasSubstr("secret")));
}

TEST_F(SqliteTableTest, TheSameRowsInCsvGiveTheSameSiteData) {
  const std::vector<std::string> rows = TestRows(200, 1);
  v1::DataSpec spec = TestSpec();
  spec.mutable_split()->set_train(0.7);
  spec.mutable_split()->set_test(0.3);
  Run("CREATE TABLE icu (id TEXT, age REAL, bmi REAL, admission TEXT, died REAL)");
  for (const std::string& row : rows) {
    const std::vector<std::string> cells = Split(row, ',');
    Run("INSERT INTO icu VALUES ('" + cells[0] + "', " + cells[1] + ", " + cells[2] + ", '" +
        cells[3] + "', " + cells[4] + ")");
  }
  ASSERT_OK_AND_ASSIGN(const auto table, Read("icu", SiteData::Columns(spec)));
  ASSERT_OK_AND_ASSIGN(const SiteData sqlite, SiteData::Create(*table, spec, "icu"));
  ASSERT_OK_AND_ASSIGN(const SiteData csv, TestData(TestFile(rows), spec));
  EXPECT_GT(csv.num_rows(SplitPart::kTrain), 100u);
  EXPECT_EQ(Bytes(sqlite, SplitPart::kTrain), Bytes(csv, SplitPart::kTrain));
  EXPECT_EQ(Bytes(sqlite, SplitPart::kTest), Bytes(csv, SplitPart::kTest));
}

}  // namespace
}  // namespace skerry::client
