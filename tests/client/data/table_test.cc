#include "client/data/table.h"

#include "base/memory_files.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::client {
namespace {

using skerry::testing::Fails;
using skerry::testing::HasCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

const std::vector<std::string> kAge = {"age"};

TEST(ReadTableTest, ReadsACsvFileAndNamesItWithoutItsFolder) {
  testing::TempDir dir;
  PosixFiles files;
  DataSource source;
  source.csv = dir.Write("data/icu.csv", "id,age\n1,68\n");
  ASSERT_OK_AND_ASSIGN(const auto table, ReadTable(files, source, kAge));
  EXPECT_THAT(table->Cell(0, 0), Optional(std::string_view("68")));
  EXPECT_EQ(table->Place(0, 0), "icu.csv:2, column age");
}

TEST(ReadTableTest, ReadsThroughTheFilesItIsGiven) {
  MemoryFiles files;
  ASSERT_OK(files.MakeDirectories("/srv"));
  ASSERT_OK(PublishFile(files, "/srv/icu.csv", "age\n68\n"));
  DataSource source;
  source.csv = "/srv/icu.csv";
  ASSERT_OK_AND_ASSIGN(const auto table, ReadTable(files, source, kAge));
  EXPECT_EQ(table->num_rows(), 1u);
}

TEST(ReadTableTest, AFileThatIsNotThereIsNotFound) {
  testing::TempDir dir;
  PosixFiles files;
  DataSource csv;
  csv.csv = dir.File("none.csv");
  csv.name = "icu";
  const Status missing = ReadTable(files, csv, kAge).status();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_EQ(missing.message(), "opening none.csv: No such file or directory")
      << "operators read it: not where this site keeps its files";
  EXPECT_EQ(missing.hint(), "csv under [data.icu] of agent.toml names " + csv.csv);
  EXPECT_THAT(CheckReadable(files, csv),
              Fails(Code::kNotFound, AllOf(HasSubstr("[data.icu]"), HasSubstr(csv.csv))));
  DataSource sqlite;
  sqlite.sqlite = dir.File("none.db");
  sqlite.table = "patients";
  EXPECT_EQ(ReadTable(files, sqlite, kAge).status().message(),
            "opening none.db: No such file or directory");
  dir.Write("text.db", std::string(1000, 'x'));
  sqlite.sqlite = dir.File("text.db");
  EXPECT_THAT(
      ReadTable(files, sqlite, kAge),
      Fails(Code::kInvalidArgument, AllOf(HasSubstr("text.db"), Not(HasSubstr(dir.path())))));
  EXPECT_OK(CheckReadable(files, sqlite));
  EXPECT_THAT(files.Open(dir.File("none.db"), OpenMode::kRead), HasCode(Code::kNotFound));
}

TEST(ReadTableTest, ASourceNamesExactlyOnePlace) {
  MemoryFiles files;
  DataSource source;
  source.name = "icu";
  EXPECT_THAT(ReadTable(files, source, kAge),
              Fails(Code::kInvalidArgument, HasSubstr("[data.icu] names nothing to read")));
  source.csv = "icu.csv";
  source.sqlite = "icu.db";
  EXPECT_THAT(ReadTable(files, source, kAge),
              Fails(Code::kInvalidArgument, HasSubstr("names several: csv, sqlite")));
  source.csv = "";
  EXPECT_THAT(ReadTable(files, source, kAge),
              Fails(Code::kInvalidArgument, AllOf(HasSubstr("no table"), HasSubstr("add table"))));
  source = {.name = "icu", .csv = "icu.csv", .sqlite = "", .table = "patients", .rename = {}};
  EXPECT_THAT(ReadTable(files, source, kAge),
              Fails(Code::kInvalidArgument, HasSubstr("a csv file has none")));
}

}  // namespace
}  // namespace skerry::client
