#include "client/data/naming.h"

#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(QuotedTest, KeepsUtf8AndEscapesWhatCouldHarmATerminal) {
  EXPECT_EQ(Quoted("m\xC3\xA4nnlich"), "\"m\xC3\xA4nnlich\"");
  EXPECT_EQ(Quoted("\xE2\x82\xAC \xF0\x9F\x98\x80"), "\"\xE2\x82\xAC \xF0\x9F\x98\x80\"");
  EXPECT_EQ(Quoted("a\x1B[2J\n"), "\"a\\x1b[2J\\x0a\"");
  EXPECT_EQ(Quoted("say \"x\\y\""), "\"say \\\"x\\\\y\\\"\"");
  EXPECT_EQ(Quoted(""), "\"\"");
}

TEST(QuotedTest, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(Quoted("m\xE4nnlich"), "\"m\\xe4nnlich\"");               // Latin-1
  EXPECT_EQ(Quoted("\xC3"), "\"\\xc3\"");                             // cut short
  EXPECT_EQ(Quoted("\xC0\xAF"), "\"\\xc0\\xaf\"");                    // overlong
  EXPECT_EQ(Quoted("\xE0\x80\xAF"), "\"\\xe0\\x80\\xaf\"");           // overlong
  EXPECT_EQ(Quoted("\xED\xA0\x80"), "\"\\xed\\xa0\\x80\"");           // a surrogate
  EXPECT_EQ(Quoted("\xF5\x80\x80\x80"), "\"\\xf5\\x80\\x80\\x80\"");  // beyond the last character
}

TEST(QuotedTest, CutsLongTextsBetweenCharacters) {
  EXPECT_THAT(Quoted(std::string(1000, 'x')), SizeIs(60 + 5));
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xE2\x82\xAC";
  const std::string quoted = Quoted(text);
  EXPECT_THAT(quoted, EndsWith("\xE2\x82\xAC...\""));
  EXPECT_LT(quoted.size(), 70u);
}

TEST(NearestOfTest, PrefersTheSameNameInOtherCase) {
  const std::vector<std::string> names = {"bge", "AGE", "agee"};
  EXPECT_EQ(NearestOf("age", names), "AGE");
  EXPECT_EQ(NearestOf("bgee", names), "bge");
  EXPECT_EQ(NearestOf("survival", names), "");
}

TEST(ChooseColumnsTest, KeepsEachColumnOfTheSourceOnce) {
  DataSource source;
  source.rename = {{"x", "b"}, {"y", "b"}};
  const std::vector<std::string> asked = {"x", "c", "y"};
  const std::vector<std::string> available = {"a", "b", "c"};
  ASSERT_OK_AND_ASSIGN(const ColumnChoice choice, ChooseColumns(source, asked, available, "f"));
  EXPECT_THAT(choice.sources, ElementsAre(1, 2));
  EXPECT_THAT(choice.stored, ElementsAre(0, 1, 0));
  EXPECT_THAT(choice.labels, ElementsAre("x (here b)", "c", "y (here b)"));
}

TEST(ChooseColumnsTest, AWideSourceIsListedInPart) {
  DataSource source;
  std::vector<std::string> available;
  for (int i = 0; i < 100; ++i) available.push_back("measurement_" + std::to_string(i));
  const std::vector<std::string> asked = {"died"};
  const Status status = ChooseColumns(source, asked, available, "f").status();
  EXPECT_THAT(status.hint(), HasSubstr("\"measurement_19\", ...;"));
}

}  // namespace
}  // namespace skerry::client
