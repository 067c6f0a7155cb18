#include <optional>
#include <string>
#include <vector>

#include "client/data/table.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Row = std::vector<std::optional<std::string>>;

DataSource Icu() {
  DataSource source;
  source.name = "icu";
  return source;
}

Result<std::unique_ptr<Table>> Read(std::string text, const std::vector<std::string>& columns,
                                    const DataSource& source = Icu()) {
  return ReadCsv(std::move(text), "icu.csv", source, columns);
}

Row RowOf(const Table& table, std::size_t row) {
  Row cells;
  for (std::size_t column = 0; column < table.num_columns(); ++column) {
    const auto cell = table.Cell(row, column);
    cells.push_back(cell ? std::optional<std::string>(*cell) : std::nullopt);
  }
  return cells;
}

TEST(CsvTest, ColumnsComeInTheOrderAskedForAndOthersAreSkipped) {
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Read("id,age,sex,bmi\n1,68,m,31.6\n2,57,f,24.3\n", {"bmi", "age"}));
  EXPECT_EQ(table->num_columns(), 2u);
  ASSERT_EQ(table->num_rows(), 2u);
  EXPECT_EQ(RowOf(*table, 0), (Row{"31.6", "68"}));
  EXPECT_EQ(RowOf(*table, 1), (Row{"24.3", "57"}));
}

TEST(CsvTest, LineEndsMayBeLfOrCrlfAndTheLastOneMayLack) {
  for (const std::string text :
       {"a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4\r\n", "a,b\n1,2\n3,4", "a,b\r\n1,2\n3,4\r",
        "\xEF\xBB\xBF"
        "a,b\n1,2\n3,4"}) {
    SCOPED_TRACE(text);
    ASSERT_OK_AND_ASSIGN(const auto table, Read(text, {"a", "b"}));
    ASSERT_EQ(table->num_rows(), 2u);
    EXPECT_EQ(RowOf(*table, 0), (Row{"1", "2"}));
    EXPECT_EQ(RowOf(*table, 1), (Row{"3", "4"}));
  }
}

TEST(CsvTest, QuotedFieldsMayHoldCommasQuotesAndLineBreaks) {
  ASSERT_OK_AND_ASSIGN(
      const auto table,
      Read("\"a, or so\",b\n\"x, \"\"y\"\"\",\"one\r\ntwo\"\n\"\"\"\"\"\",\"\"\"q\"\n",
           {"a, or so", "b"}));
  ASSERT_EQ(table->num_rows(), 2u);
  EXPECT_EQ(RowOf(*table, 0), (Row{"x, \"y\"", "one\r\ntwo"}));
  EXPECT_EQ(RowOf(*table, 1), (Row{"\"\"", "\"q"}));
}

TEST(CsvTest, WhiteSpaceAtTheEndsOfACellIsNoPartOfIt) {
  ASSERT_OK_AND_ASSIGN(const auto table, Read(" a ,\tb\n  68\t, \" medical \" \n", {"a", "b"}));
  EXPECT_EQ(RowOf(*table, 0), (Row{"68", "medical"}));
}

TEST(CsvTest, AQuoteInsideAFieldWithoutQuotesIsText) {
  ASSERT_OK_AND_ASSIGN(const auto table, Read("a,b\n5\" nail,2\n", {"a", "b"}));
  EXPECT_EQ(RowOf(*table, 0), (Row{"5\" nail", "2"}));
}

TEST(CsvTest, AFieldAfterTheLastCommaIsEmpty) {
  ASSERT_OK_AND_ASSIGN(const auto table, Read("a,b\n1,\n2,", {"a", "b"}));
  ASSERT_EQ(table->num_rows(), 2u);
  EXPECT_EQ(RowOf(*table, 0), (Row{"1", std::nullopt}));
  EXPECT_EQ(RowOf(*table, 1), (Row{"2", std::nullopt}));
}

TEST(CsvTest, EmptyLinesAreSkippedAndCounted) {
  ASSERT_OK_AND_ASSIGN(const auto table, Read("\n\r\na\n1\n\n\r\n2\n\n", {"a"}));
  ASSERT_EQ(table->num_rows(), 2u);
  EXPECT_EQ(table->Place(0, 0), "icu.csv:4, column a");
  EXPECT_EQ(table->Place(1, 0), "icu.csv:7, column a");
}

TEST(CsvTest, AQuotedEmptyFieldIsARowOfItsOwn) {
  ASSERT_OK_AND_ASSIGN(const auto table, Read("a\n\"\"\n1\n", {"a"}));
  ASSERT_EQ(table->num_rows(), 2u);
  EXPECT_EQ(RowOf(*table, 0), (Row{std::nullopt}));
}

TEST(CsvTest, EachTextOnTheListMeansMissingQuotedOrNot) {
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Read("a,b\n,\"\"\nNA,\"NA\"\n?, null \nNaN,N/A\nNA1,na\n", {"a", "b"}));
  for (std::size_t row = 0; row < 4; ++row) {
    EXPECT_EQ(RowOf(*table, row), (Row{std::nullopt, std::nullopt})) << row;
  }
  EXPECT_EQ(RowOf(*table, 4), (Row{"NA1", "na"}));
}

TEST(CsvTest, TheListOfMissingTextsIsTheSources) {
  DataSource source = Icu();
  source.missing_values = {"-999"};
  ASSERT_OK_AND_ASSIGN(const auto table, Read("a,b,c\n-999,NA,\n", {"a", "b", "c"}, source));
  EXPECT_EQ(RowOf(*table, 0), (Row{std::nullopt, "NA", ""}));
}

TEST(CsvTest, APlaceCountsTheLineBreaksInsideQuotes) {
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Read("age,note\n1,\"two\nlines\n\"\n2,x\n", {"age", "note"}));
  EXPECT_EQ(table->Place(0, 1), "icu.csv:2, column note");
  EXPECT_EQ(table->Place(1, 0), "icu.csv:5, column age");
}

TEST(CsvTest, AColumnMayHaveAnotherNameInTheFile) {
  DataSource source = Icu();
  source.rename = {{"apache2", "ApacheIIScore"}, {"unused", "nothing"}};
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Read("ApacheIIScore,age\n20,68\n", {"age", "apache2"}, source));
  EXPECT_EQ(RowOf(*table, 0), (Row{"68", "20"}));
  EXPECT_EQ(table->Place(0, 1), "icu.csv:2, column apache2 (here ApacheIIScore)");
}

TEST(CsvTest, TwoColumnsOfTheRunMayComeFromOneOfTheFile) {
  DataSource source = Icu();
  source.rename = {{"patient", "id"}};
  ASSERT_OK_AND_ASSIGN(const auto table, Read("id,x\n7,1\n", {"id", "patient", "x", "id"}, source));
  EXPECT_EQ(RowOf(*table, 0), (Row{"7", "7", "1", "7"}));
}

TEST(CsvTest, AMissingColumnNamesTheNearestOneAndTheWayToRename) {
  EXPECT_THAT(
      Read("Age,died\n1,0\n", {"age", "died"}),
      Fails(Code::kInvalidArgument,
            AllOf(HasSubstr("icu.csv has no column \"age\""), HasSubstr("the nearest is \"Age\""),
                  HasSubstr("rename = { \"age\" = \"Age\" } under [data.icu]"))));
  EXPECT_THAT(Read("AGE_AT_ADMISSION,DIED\n1,0\n", {"died"}),
              Fails(Code::kInvalidArgument, HasSubstr("the nearest is \"DIED\"")));
  EXPECT_THAT(Read("xyz,other\n1,0\n", {"age"}),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("its columns are \"xyz\", \"other\""), HasSubstr("rename"))));
}

TEST(CsvTest, AMissingRenamedColumnNamesBothNames) {
  DataSource source = Icu();
  source.rename = {{"apache2", "Apache2Score"}};
  EXPECT_THAT(Read("ApacheIIScore\n20\n", {"apache2"}, source),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("no column \"Apache2Score\""), HasSubstr("\"apache2\""),
                          HasSubstr("the nearest is \"ApacheIIScore\""))));
}

TEST(CsvTest, AColumnThatStandsTwiceInTheHeaderIsRefusedOnlyWhenAskedFor) {
  EXPECT_THAT(Read("a,b,a\n1,2,3\n", {"a"}),
              Fails(Code::kInvalidArgument, HasSubstr("two columns \"a\"")));
  EXPECT_OK(Read("a,b,a\n1,2,3\n", {"b"}));
}

TEST(CsvTest, AQuoteThatNeverClosesNamesItsLine) {
  EXPECT_THAT(Read("a,b\n1,\"x\ny\"\n2,\"open\n3,4\n", {"a"}),
              Fails(Code::kInvalidArgument, HasSubstr("icu.csv:4: a quote opens here")));
  EXPECT_THAT(Read("a,\"b\n", {"a"}), Fails(Code::kInvalidArgument, HasSubstr("icu.csv:1:")));
  EXPECT_THAT(Read("a\n\"\"\"", {"a"}), Fails(Code::kInvalidArgument, HasSubstr("icu.csv:2:")));
}

TEST(CsvTest, TextAfterAClosingQuoteNamesItsLine) {
  EXPECT_THAT(Read("a,b\n\"one\ntwo\"x,2\n", {"a"}),
              Fails(Code::kInvalidArgument, HasSubstr("icu.csv:3: text follows a closing quote")));
}

TEST(CsvTest, ARowWithTooFewOrTooManyFieldsNamesItsLine) {
  EXPECT_THAT(Read("a,b,c\n1,2,3\n4,5\n", {"a"}),
              Fails(Code::kInvalidArgument,
                    HasSubstr("icu.csv:3: the row has 2 fields where the header has 3")));
  EXPECT_THAT(Read("a,b\n1,\"x\n\"\n4,5,6\n", {"b"}),
              Fails(Code::kInvalidArgument,
                    HasSubstr("icu.csv:4: the row has 3 fields where the header has 2")));
}

TEST(CsvTest, ACellOfMoreThan16MegabytesIsRefusedOnlyWhenAskedFor) {
  const std::string text = "a,b\n1," + std::string((1 << 24) - 1, 'x') + "\n2,3\n4,\"x";
  EXPECT_OK(Read(text + "\"\n", {"a", "b"}));
  const std::string longer = text + std::string(1 << 24, 'y') + "\"\n";
  EXPECT_OK(Read(longer, {"a"}));
  EXPECT_THAT(Read(longer, {"a", "b"}),
              Fails(Code::kInvalidArgument,
                    HasSubstr("a cell holds more than 16 MB of text (icu.csv:4: ")));
}

TEST(CsvTest, AFileWithoutRowsOrHeaderSaysSo) {
  EXPECT_THAT(Read("a,b\n", {"a"}),
              Fails(Code::kInvalidArgument, HasSubstr("icu.csv has no rows")));
  EXPECT_THAT(Read("", {"a"}), Fails(Code::kInvalidArgument, HasSubstr("icu.csv is empty")));
  EXPECT_THAT(Read("\xEF\xBB\xBF\r\n\n", {"a"}), Fails(Code::kInvalidArgument, HasSubstr("empty")));
}

TEST(CsvTest, FilesOfOtherKindsAreRecognised) {
  EXPECT_THAT(Read("age;died\n1,5;0\n", {"age"}),
              Fails(Code::kInvalidArgument, HasSubstr("not separated by commas")));
  EXPECT_THAT(Read("age\tdied\n1\t0\n", {"age"}),
              Fails(Code::kInvalidArgument, HasSubstr("not separated by commas")));
  EXPECT_THAT(Read(std::string("\xFF\xFE"
                               "a\0",
                               4),
                   {"a"}),
              Fails(Code::kInvalidArgument, HasSubstr("UTF-16")));
  EXPECT_THAT(Read("age,died\r1,0\r2,1\r", {"died"}),
              Fails(Code::kInvalidArgument, HasSubstr("carriage return alone")));
}

TEST(CsvTest, MessagesHoldNothingThatOnlyTheFileSays) {
  const auto result = Read("Secret,other\n1,0\n", {"secret"});
  EXPECT_THAT(result.status().message(), Not(HasSubstr("Secret")));
  EXPECT_THAT(result.status().hint(), HasSubstr("Secret"));
}

}  // namespace
}  // namespace skerry::client
