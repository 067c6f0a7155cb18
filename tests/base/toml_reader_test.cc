#include "base/toml_reader.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>

#include "base/memory_files.h"
#include "testing/status_matchers.h"

namespace skerry {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Fails;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TomlReader Parsed(const std::string& text) {
  Result<TomlReader> reader = TomlReader::Parse(text, "run.toml");
  EXPECT_OK(reader);
  return std::move(reader).value();
}

constexpr char kRun[] = R"([run]
name = "icu-mortality"
num_rounds = 50
min_round = "1m30s"

[training]
learning_rate = 0.1
batch_size = 32
shuffle = true

[participation]
sites = ["north", "south"]
)";

TEST(TomlReaderTest, EveryTypeIsRead) {
  TomlReader reader = Parsed(kRun);
  EXPECT_EQ(reader.String("run.name"), "icu-mortality");
  EXPECT_EQ(reader.Integer("run.num_rounds"), 50);
  EXPECT_EQ(reader.Time("run.min_round"), 90s);
  EXPECT_EQ(reader.Number("training.learning_rate"), 0.1);
  EXPECT_EQ(reader.Number("training.batch_size"), 32.0) << "a whole number is a number";
  EXPECT_TRUE(reader.Boolean("training.shuffle"));
  EXPECT_THAT(reader.Strings("participation.sites"), ElementsAre("north", "south"));
  EXPECT_OK(reader.Finish());
}

TEST(TomlReaderTest, TablesOfAListAreReadByTheirPlace) {
  TomlReader reader = Parsed("[[model.layers]]\nunits = 3\n[[model.layers]]\nunits = 4\nkid = 1\n");
  ASSERT_EQ(reader.NumTables("model.layers"), 2);
  EXPECT_EQ(reader.Integer("model.layers.1.units"), 4);
  EXPECT_EQ(reader.Integer("model.layers.0.units"), 3);
  EXPECT_EQ(reader.String("model.layers.1.kind", ""), "");
  EXPECT_FALSE(reader.Has("model.layers.2.units"));
  EXPECT_FALSE(reader.Has("model.layers.-1.units"));
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("run.toml:5: model.layers.1.kid: nothing reads this key"),
                          HasSubstr("\"model.layers.1.kind\""))));
}

TEST(TomlReaderTest, AListOfSomethingElseIsNoListOfTables) {
  TomlReader reader = Parsed("layers = [1, 2]\n");
  EXPECT_EQ(reader.NumTables("layers"), 0);
  EXPECT_EQ(reader.NumTables("absent"), 0);
  EXPECT_THAT(reader.Finish(), Fails(Code::kInvalidArgument, HasSubstr("[[layers]]")));
}

TEST(TomlReaderTest, AnAbsentKeyTakesItsDefault) {
  TomlReader reader = Parsed("");
  EXPECT_EQ(reader.String("a.s", "x"), "x");
  EXPECT_EQ(reader.Integer("a.i", 3), 3);
  EXPECT_EQ(reader.Number("a.n", 0.5), 0.5);
  EXPECT_TRUE(reader.Boolean("a.b", true));
  EXPECT_EQ(reader.Time("a.t", 5s), 5s);
  EXPECT_THAT(reader.Strings("a.l", std::vector<std::string>{"x"}), ElementsAre("x"));
  EXPECT_THAT(reader.Integers("a.m", std::vector<int64_t>{}), IsEmpty());
  EXPECT_FALSE(reader.Has("a.s"));
  EXPECT_OK(reader.Finish());
}

TEST(TomlReaderTest, AKeyThatIsThereWinsOverItsDefault) {
  TomlReader reader = Parsed("s = \"y\"\nl = [1, 2]\nz = []\n");
  EXPECT_EQ(reader.String("s", "x"), "y");
  EXPECT_THAT(reader.Integers("l", std::vector<int64_t>{7}), ElementsAre(1, 2));
  EXPECT_THAT(reader.Strings("z", std::vector<std::string>{"x"}), IsEmpty());
  EXPECT_TRUE(reader.Has("s"));
  EXPECT_OK(reader.Finish());
}

TEST(TomlReaderTest, ARequiredKeyThatIsMissingIsNamedWithItsTable) {
  TomlReader reader = Parsed("x = 1\n\n[run]\nname = \"a\"\n");
  (void)reader.Integer("x");
  (void)reader.String("run.name");
  EXPECT_EQ(reader.Integer("run.num_rounds"), 0);
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument,
                    HasSubstr("run.toml:3: run.num_rounds: is missing; it is required")));
}

TEST(TomlReaderTest, ARequiredKeyOfAMissingTableIsNamedWithoutALine) {
  TomlReader reader = Parsed("");
  (void)reader.String("tls.ca");
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument, HasSubstr("run.toml: tls.ca: is missing")));
}

TEST(TomlReaderTest, AKeyThatCouldNotBeReadIsNotFoundWrongASecondTime) {
  TomlReader reader = Parsed("[time]\nheartbeat = 5\n[run]\nmomentum = 2.0\n");
  (void)reader.Number("run.rate");
  reader.Fail("run.rate", "must be over 0");
  (void)reader.Time("time.heartbeat");
  reader.Fail("time.heartbeat", "must be at least 1s");
  (void)reader.Number("run.momentum");
  reader.Fail("run.momentum", "must be below 1");
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("run.rate: is missing"), HasSubstr("must be a duration"),
                          HasSubstr("must be below 1"), Not(HasSubstr("over 0")),
                          Not(HasSubstr("at least 1s")))));
}

TEST(TomlReaderTest, OneHintStandsBelowAllErrorsSeveralEachBehindItsOwn) {
  TomlReader one = Parsed("a = 1\nb = 2\n");
  (void)one.Integer("a");
  (void)one.Integer("b");
  one.Fail("a", "is odd", "take an even one");
  one.Fail("b", "is small");
  EXPECT_EQ(one.Finish().hint(), "take an even one");
  TomlReader two = Parsed("a = 1\nb = 2\n");
  (void)two.Integer("a");
  (void)two.Integer("b");
  two.Fail("a", "is odd", "take an even one");
  two.Fail("b", "is small", "take a larger one");
  const Status status = two.Finish();
  EXPECT_EQ(status.hint(), "");
  EXPECT_EQ(
      status.message(),
      "run.toml:1: a: is odd (take an even one)\nrun.toml:2: b: is small (take a larger one)");
}

TEST(TomlReaderTest, AnUnknownKeyNamesTheNearestKnownOneOfItsTable) {
  TomlReader reader = Parsed("[training]\nbatchsize = 32\n");
  (void)reader.Integer("training.batch_size", 1);
  (void)reader.Number("training.learning_rate", 1);
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument,
                    HasSubstr("run.toml:2: training.batchsize: nothing reads this key; did you "
                              "mean \"training.batch_size\"?")));
}

TEST(TomlReaderTest, AnUnknownKeyLikeNoOtherIsJustUnknown) {
  TomlReader reader = Parsed("[training]\nzzz = 32\n");
  (void)reader.Integer("training.batch_size", 1);
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument, AllOf(HasSubstr("training.zzz: nothing reads this key"),
                                                  Not(HasSubstr("did you mean")))));
}

TEST(TomlReaderTest, AKeyInTheWrongTableIsSentToTheRightOne) {
  TomlReader reader = Parsed("[run]\nname = \"a\"\nbatch_size = 32\n");
  (void)reader.String("run.name");
  (void)reader.Integer("training.batch_size", 1);
  EXPECT_THAT(reader.Finish(), Fails(Code::kInvalidArgument,
                                     HasSubstr("run.toml:3: run.batch_size: nothing reads this "
                                               "key; did you mean \"training.batch_size\"?")));
}

TEST(TomlReaderTest, AKeyOutsideOfAnyTableIsSentToItsTable) {
  TomlReader reader = Parsed("batch_size = 32\n");
  (void)reader.Integer("training.batch_size", 1);
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument, HasSubstr("did you mean \"training.batch_size\"?")));
}

TEST(TomlReaderTest, AnUnknownTableNamesTheNearestKnownOne) {
  TomlReader reader = Parsed("[trainig]\nbatch_size = 32\n");
  (void)reader.Integer("training.batch_size", 1);
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument,
                    HasSubstr("run.toml:1: trainig: nothing reads this table; did you mean "
                              "\"training\"?")));
}

TEST(TomlReaderTest, AnUnknownTableInsideAKnownOneIsAnError) {
  TomlReader reader = Parsed("[data.icu]\ncsv = \"x\"\n\n[data.lab]\ncsv = \"y\"\n");
  (void)reader.String("data.icu.csv");
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument, HasSubstr("run.toml:4: data.lab: nothing reads")));
}

TEST(TomlReaderTest, AnEmptyTableThatIsKnownIsNoError) {
  TomlReader reader = Parsed("[training]\n");
  EXPECT_EQ(reader.Integer("training.batch_size", 32), 32);
  EXPECT_OK(reader.Finish());
}

TEST(TomlReaderTest, AScalarWhereATableBelongsIsAnError) {
  TomlReader reader = Parsed("training = 3\n");
  EXPECT_EQ(reader.Integer("training.batch_size", 32), 32);
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument, HasSubstr("run.toml:1: training: nothing reads")));
}

struct WrongType {
  const char* value;
  const char* expected;
  void (*read)(TomlReader&);
};

void PrintTo(const WrongType& wrong, std::ostream* out) { *out << wrong.value; }

class WrongTypeTest : public ::testing::TestWithParam<WrongType> {};

TEST_P(WrongTypeTest, IsRefusedAtItsLineWithWhatItMustBe) {
  TomlReader reader = Parsed("\n\nkey = " + std::string(GetParam().value) + "\n");
  GetParam().read(reader);
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument,
                    HasSubstr("run.toml:3: key: must be " + std::string(GetParam().expected))));
}

void ReadString(TomlReader& reader) { EXPECT_EQ(reader.String("key", "x"), ""); }
void ReadInteger(TomlReader& reader) { EXPECT_EQ(reader.Integer("key", 7), 0); }
void ReadNumber(TomlReader& reader) { EXPECT_EQ(reader.Number("key", 7), 0); }
void ReadBoolean(TomlReader& reader) { EXPECT_FALSE(reader.Boolean("key", true)); }
void ReadTime(TomlReader& reader) { EXPECT_EQ(reader.Time("key", 7s), 0s); }
void ReadStrings(TomlReader& reader) { EXPECT_THAT(reader.Strings("key"), IsEmpty()); }
void ReadIntegers(TomlReader& reader) { EXPECT_THAT(reader.Integers("key"), IsEmpty()); }
void ReadKeys(TomlReader& reader) { EXPECT_THAT(reader.Keys("key"), IsEmpty()); }

INSTANTIATE_TEST_SUITE_P(
    All, WrongTypeTest,
    ::testing::Values(WrongType{"3", "a string, in quotes", ReadString},
                      WrongType{"\"3\"", "a whole number", ReadInteger},
                      WrongType{"3.0", "a whole number", ReadInteger},
                      WrongType{"\"0.5\"", "a number", ReadNumber},
                      WrongType{"true", "a number", ReadNumber},
                      WrongType{"nan", "a finite number", ReadNumber},
                      WrongType{"-inf", "a finite number", ReadNumber},
                      WrongType{"1", "true or false", ReadBoolean},
                      WrongType{"\"true\"", "true or false", ReadBoolean},
                      WrongType{"20", "a duration in quotes", ReadTime},
                      WrongType{"\"a\"", "a list of strings", ReadStrings},
                      WrongType{"[\"a\", 1]", "a list of strings", ReadStrings},
                      WrongType{"[1, 2.5]", "a list of whole numbers", ReadIntegers},
                      WrongType{"[[1]]", "a list of whole numbers", ReadIntegers},
                      WrongType{"1", "a table", ReadKeys}));

TEST(TomlReaderTest, ABadDurationIsExplained) {
  TomlReader reader = Parsed("[time]\nheartbeat = \"20 seconds\"\n");
  EXPECT_EQ(reader.Time("time.heartbeat"), 0s);
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("run.toml:2: time.heartbeat: \"20 seconds\" is not a duration"),
                          HasSubstr("\"1h30m\""))));
}

TEST(TomlReaderTest, AllErrorsAreToldAtOnceEachWithItsLine) {
  TomlReader reader = Parsed(
      "[run]\n"
      "name = 7\n"
      "num_rounds = \"many\"\n"
      "sede = 42\n");
  (void)reader.String("run.name");
  (void)reader.Integer("run.num_rounds");
  (void)reader.Integer("run.seed", 1);
  (void)reader.String("run.program");
  EXPECT_EQ(reader.Finish().message(),
            "run.toml:2: run.name: must be a string, in quotes\n"
            "run.toml:3: run.num_rounds: must be a whole number\n"
            "run.toml:1: run.program: is missing; it is required\n"
            "run.toml:4: run.sede: nothing reads this key; did you mean \"run.seed\"?");
}

TEST(TomlReaderTest, ChecksOfTheCallerStandAmongTheOthers) {
  TomlReader reader = Parsed("a = 1\nb = 2\n");
  (void)reader.Integer("a");
  (void)reader.Integer("b");
  reader.Fail("b", "must be below a", "make it smaller");
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("run.toml:2: b: must be below a"), HasSubstr("(make it"))));
}

TEST(TomlReaderTest, WhatIsAStringCanBeToldFromAList) {
  TomlReader reader = Parsed("all = \"all\"\nlist = [\"a\"]\n");
  EXPECT_TRUE(reader.IsString("all"));
  EXPECT_FALSE(reader.IsString("list"));
  EXPECT_FALSE(reader.IsString("absent"));
  (void)reader.String("all");
  (void)reader.Strings("list");
  EXPECT_OK(reader.Finish());
}

TEST(TomlReaderTest, TheKeysOfATableComeInTheOrderOfTheirBytes) {
  TomlReader reader = Parsed("[data]\nlab = 1\nicu = 2\nICU = 3\n");
  EXPECT_THAT(reader.Keys("data"), ElementsAre("ICU", "icu", "lab"));
  EXPECT_THAT(reader.Keys("absent"), IsEmpty());
  for (const std::string& name : reader.Keys("data")) (void)reader.Integer("data." + name);
  EXPECT_OK(reader.Finish());
}

TEST(TomlReaderTest, InlineTablesAndDottedKeysAreTablesToo) {
  TomlReader reader = Parsed("split = { train = 0.7, test = 0.3 }\ndata.icu.csv = \"x\"\n");
  EXPECT_EQ(reader.Number("split.train"), 0.7);
  EXPECT_EQ(reader.Number("split.test"), 0.3);
  EXPECT_EQ(reader.String("data.icu.csv"), "x");
  EXPECT_OK(reader.Finish());
}

TEST(TomlReaderTest, AQuotedNameMayHoldDots) {
  TomlReader reader = Parsed("[data.\"a.b\"]\ncsv = \"x\"\n\"\" = 1\n[data.a]\nc = \"y\"\n");
  EXPECT_THAT(reader.Keys("data"), ElementsAre("a", "a.b"));
  EXPECT_EQ(reader.String("data.a.b.csv"), "x");
  EXPECT_EQ(reader.Integer("data.a.b."), 1);
  EXPECT_EQ(reader.String("data.a.c"), "y");
  EXPECT_FALSE(reader.Has("data.a.b.c"));
  EXPECT_FALSE(reader.Has(""));
  EXPECT_OK(reader.Finish());
}

TEST(TomlReaderTest, WhatIsNoTomlIsNamedWithLineAndColumn) {
  EXPECT_THAT(TomlReader::Parse("[run]\nname = \n", "run.toml"),
              Fails(Code::kInvalidArgument, AllOf(HasSubstr("run.toml:2:"), HasSubstr("TOML"))));
  EXPECT_THAT(TomlReader::Parse("a = 1\na = 2\n", "run.toml"),
              Fails(Code::kInvalidArgument, HasSubstr("run.toml:2:")));
  EXPECT_THAT(TomlReader::Parse("a = \"\xff\"\n", "run.toml"),
              Fails(Code::kInvalidArgument, HasSubstr("run.toml:1:")));
}

TEST(TomlReaderTest, AFileIsReadAndNamedInItsErrors) {
  MemoryFiles files;
  ASSERT_OK(files.MakeDirectories("/etc"));
  ASSERT_OK(PublishFile(files, "/etc/agent.toml", "\nx = 1\n"));
  ASSERT_OK_AND_ASSIGN(TomlReader reader, TomlReader::Load(files, "/etc/agent.toml"));
  EXPECT_THAT(reader.Finish(),
              Fails(Code::kInvalidArgument, HasSubstr("/etc/agent.toml:2: x: nothing reads")));
  EXPECT_THAT(TomlReader::Load(files, "/etc/none.toml"),
              Fails(Code::kNotFound, HasSubstr("/etc/none.toml")));
}

}  // namespace
}  // namespace skerry
