#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"

namespace skerry {
namespace {

using ::testing::ElementsAre;

TEST(TextTest, JoinPutsTheSeparatorBetweenAndNowhereElse) {
  EXPECT_EQ(Join({}, ", "), "");
  EXPECT_EQ(Join(std::vector<std::string>{"a"}, ", "), "a");
  EXPECT_EQ(Join(std::vector<std::string>{"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(Join(std::vector<std::string>{"", "", "x", ""}, "-"), "--x-");
}

TEST(TextTest, SplitKeepsEmptyPartsAndUndoesJoin) {
  EXPECT_THAT(Split("", ','), ElementsAre(""));
  EXPECT_THAT(Split("a", ','), ElementsAre("a"));
  EXPECT_THAT(Split(",a,,b,", ','), ElementsAre("", "a", "", "b", ""));
  EXPECT_EQ(Join(Split(",a,,b,", ','), ","), ",a,,b,");
}

TEST(TextTest, TrimTakesWhiteSpaceFromBothEnds) {
  EXPECT_EQ(Trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(Trim("a"), "a");
  EXPECT_EQ(Trim(" \n"), "");
  EXPECT_EQ(Trim(""), "");
}

TEST(TextTest, HexHasTwoDigitsForEveryByte) {
  EXPECT_EQ(HexEncode(std::string_view("\x00\x7f\x80\xff", 4)), "007f80ff");
  EXPECT_EQ(HexEncode(""), "");
}

TEST(Utf8Test, OnlyWellFormedSequencesHaveALength) {
  EXPECT_EQ(Utf8Length("a"), 1U);
  EXPECT_EQ(Utf8Length("\xc3\xa9t\xc3\xa9"), 2U);
  EXPECT_EQ(Utf8Length("\xe2\x82\xac"), 3U);
  EXPECT_EQ(Utf8Length("\xf0\x9f\x90\xa7"), 4U);
  for (const char* broken : {"\xa9", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                             "\xf4\x90\x80\x80", "\xff", "\xe2\x82"}) {
    EXPECT_EQ(Utf8Length(broken), 0U) << HexEncode(broken);
  }
}

TEST(Utf8Test, CharactersAreCountedAndCutNotBytes) {
  EXPECT_EQ(CountCharacters(""), 0U);
  EXPECT_EQ(CountCharacters("K\xc3\xb6ln"), 4U);
  EXPECT_EQ(CountCharacters("\xff\xfe"), 2U) << "a byte that is none counts as one";
  EXPECT_EQ(FirstCharacters("K\xc3\xb6ln", 2), "K\xc3\xb6");
  EXPECT_EQ(FirstCharacters("K\xc3\xb6ln", 0), "");
  EXPECT_EQ(FirstCharacters("K\xc3\xb6ln", 9), "K\xc3\xb6ln");
}

TEST(PrintableTest, LettersOfAllScriptsStay) {
  for (const char* text :
       {"", "plain ~", "K\xc3\xb6ln", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x90\xa7"}) {
    EXPECT_EQ(Printable(text), text);
  }
}

TEST(PrintableTest, WhatATerminalWouldObeyIsEscaped) {
  EXPECT_EQ(Printable(std::string_view("a\nb\r\x1b[31m\0\x7f", 11)),
            "a\\x0ab\\x0d\\x1b[31m\\x00\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "2J"),
            "\\xc2\\x9b2J")
      << "CSI as one character";
  EXPECT_EQ(Printable("\xc2\xa0"), "\xc2\xa0");
  EXPECT_EQ(Printable("a\xe2\x80\xae"
                      "b\xe2\x81\xa7"),
            "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa7");
  EXPECT_EQ(Printable("\xff\xc3"), "\\xff\\xc3");
}

TEST(EditDistanceTest, CountsTheSlipsOfTheFingers) {
  EXPECT_EQ(EditDistance("", ""), 0);
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("abc", ""), 3);
  EXPECT_EQ(EditDistance("batch", "batch"), 0);
  EXPECT_EQ(EditDistance("batch", "btach"), 1) << "neighbours swapped";
  EXPECT_EQ(EditDistance("batch", "bach"), 1) << "a letter left out";
  EXPECT_EQ(EditDistance("batch", "baatch"), 1) << "a letter twice";
  EXPECT_EQ(EditDistance("batch", "catch"), 1) << "another letter";
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("ca", "abc"), 3) << "a swapped pair is not edited again";
}

TEST(EditDistanceTest, IsTheSameInBothDirections) {
  RandomStream stream(1, Purpose::kSimulation, 0, "", 0);
  const auto word = [&] {
    std::string text(stream.Below(8), ' ');
    for (char& c : text) c = static_cast<char>('a' + stream.Below(3));
    return text;
  };
  for (int i = 0; i < 2000; ++i) {
    const std::string a = word();
    const std::string b = word();
    EXPECT_EQ(EditDistance(a, b), EditDistance(b, a)) << a << " " << b;
    EXPECT_EQ(EditDistance(a, b) == 0, a == b) << a << " " << b;
  }
}

TEST(NearestNameTest, FindsWhatWasMeant) {
  const std::vector<std::string> keys = {"batch_size", "learning_rate", "local_epochs", "lr"};
  EXPECT_EQ(NearestName("batchsize", keys), "batch_size");
  EXPECT_EQ(NearestName("lerning_rate", keys), "learning_rate");
  EXPECT_EQ(NearestName("local_epoch", keys), "local_epochs");
  EXPECT_EQ(NearestName("rl", keys), "lr");
}

TEST(NearestNameTest, FindsNothingInWhatWasNotMeant) {
  const std::vector<std::string> keys = {"batch_size", "learning_rate", "lr"};
  EXPECT_EQ(NearestName("momentum", keys), "");
  EXPECT_EQ(NearestName("xy", keys), "") << "no letter of it is in lr";
  EXPECT_EQ(NearestName("", keys), "");
  EXPECT_EQ(NearestName("batch_size", {}), "");
}

TEST(NearestNameTest, OfTwoEquallyNearTheFirstIsTaken) {
  EXPECT_EQ(NearestName("cot", std::vector<std::string>{"cat", "cut"}), "cat");
  EXPECT_EQ(NearestName("cot", std::vector<std::string>{"cut", "cat"}), "cut");
}

TEST(FormatBytesTest, HasThreeDigitsAndAUnit) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(1000), "1.0 kB");
  EXPECT_EQ(FormatBytes(1'500'000), "1.5 MB");
  EXPECT_EQ(FormatBytes(99'400'000), "99.4 MB");
  EXPECT_EQ(FormatBytes(99'600'000), "100 MB");
  EXPECT_EQ(FormatBytes(999'499'999), "999 MB");
  EXPECT_EQ(FormatBytes(999'500'000), "1.0 GB");
  EXPECT_EQ(FormatBytes(std::numeric_limits<uint64_t>::max()), "18447 PB");
}

TEST(FormatCountTest, GroupsTheDigitsByThree) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1 000");
  EXPECT_EQ(FormatCount(-1234567), "-1 234 567");
  EXPECT_EQ(FormatCount(std::numeric_limits<int64_t>::max()), "9 223 372 036 854 775 807");
  EXPECT_EQ(FormatCount(std::numeric_limits<int64_t>::min()), "-9 223 372 036 854 775 808");
}

TEST(FormatFixedTest, HasAsManyDecimalsAsAskedFor) {
  EXPECT_EQ(FormatFixed(1.25, 3), "1.250");
  EXPECT_EQ(FormatFixed(-0.5, 0), "-0");
  EXPECT_EQ(FormatFixed(2.0 / 3.0, 2), "0.67");
  EXPECT_EQ(FormatFixed(std::numeric_limits<double>::max(), 6).size(), 309U + 7U);
}

TEST(FormatExactTest, ReadsBackToTheSameDouble) {
  RandomStream stream(2, Purpose::kSimulation, 0, "", 0);
  for (int i = 0; i < 20'000; ++i) {
    const double value =
        std::ldexp(stream.Uniform() - 0.5, static_cast<int>(stream.Below(2000)) - 1000);
    const std::string text = FormatExact(value);
    EXPECT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
  }
}

TEST(FormatExactTest, IsTheShortestText) {
  EXPECT_EQ(FormatExact(0.1), "0.1");
  EXPECT_EQ(FormatExact(3), "3");
  EXPECT_EQ(FormatExact(5e-324), "5e-324");
  EXPECT_EQ(FormatExact(0.1 + 0.2), "0.30000000000000004");
}

TEST(FormatExactTest, WhatIsNoNumberHasOneSpelling) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(FormatExact(nan), "nan");
  EXPECT_EQ(FormatExact(std::copysign(nan, -1.0)), "nan") << "x86 makes NaNs with the sign bit set";
  EXPECT_EQ(FormatExact(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(FormatExact(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(IsNameTest, NamesAreSafeInPathsUrisAndCertificates) {
  for (const char* name : {"a", "7", "icu", "north-2", "a--b"}) EXPECT_TRUE(IsName(name)) << name;
  EXPECT_TRUE(IsName(std::string(63, 'x')));
  for (const char* name :
       {"", "-", "-a", "a-", "North", "a b", "a.b", "a/b", "..", "a_b", "\xc3\xa4"}) {
    EXPECT_FALSE(IsName(name)) << name;
  }
  EXPECT_FALSE(IsName(std::string(64, 'x')));
  EXPECT_FALSE(IsName(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace skerry
