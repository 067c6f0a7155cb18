#include "client/data/number.h"

#include <cmath>
#include <string>

#include "base/random.h"
#include "base/text.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

TEST(ParseNumberTest, ReadsDecimalNotation) {
  EXPECT_THAT(ParseNumber("68"), Optional(68.0));
  EXPECT_THAT(ParseNumber("-0.5"), Optional(-0.5));
  EXPECT_THAT(ParseNumber("+1e3"), Optional(1000.0));
  EXPECT_THAT(ParseNumber("1E-3"), Optional(0.001));
  EXPECT_THAT(ParseNumber("5."), Optional(5.0));
  EXPECT_THAT(ParseNumber(".25"), Optional(0.25));
  EXPECT_THAT(ParseNumber("007"), Optional(7.0));
  EXPECT_THAT(ParseNumber("1e30"), Optional(1e30));
}

TEST(ParseNumberTest, RefusesWhatIsNotWhollyANumber) {
  for (const std::string text : {"", " ", "x", "1 2", "68 years", "1,5", "1e", "--1", "+-1", "++1",
                                 "+", "-", ".", "0x10", "1_000", "1'000", "true", " 1", "1 "}) {
    EXPECT_EQ(ParseNumber(text), std::nullopt) << text;
  }
}

TEST(ParseNumberTest, RefusesWhatIsNotAFiniteMeasurement) {
  for (const std::string text : {"inf", "-inf", "+inf", "Infinity", "nan", "NaN", "nan(1)", "1e31",
                                 "-1.0000001e30", "1e400", "1e-400"}) {
    EXPECT_EQ(ParseNumber(text), std::nullopt) << text;
  }
}

TEST(ParseNumberTest, ZeroHasOneSign) {
  ASSERT_THAT(ParseNumber("-0"), Optional(0.0));
  EXPECT_FALSE(std::signbit(*ParseNumber("-0")));
  EXPECT_FALSE(std::signbit(*ParseNumber("-0.0e5")));
}

TEST(ParseNumberTest, TheShortestTextOfADoubleReadsBackToIt) {
  RandomStream random(3, Purpose::kSimulation, 0, "numbers", 0);
  for (int i = 0; i < 10000; ++i) {
    const double value =
        std::ldexp(random.Uniform() - 0.5, static_cast<int>(random.Below(180)) - 90);
    ASSERT_THAT(ParseNumber(FormatExact(value)), Optional(value)) << FormatExact(value);
  }
}

TEST(NumberRemarkTest, SaysWhatIsBehindCommonCases) {
  EXPECT_THAT(NumberRemark("1,5"), HasSubstr("point"));
  EXPECT_THAT(NumberRemark("1e31"), HasSubstr("between"));
  EXPECT_THAT(NumberRemark("-1e999"), HasSubstr("between"));
  EXPECT_EQ(NumberRemark("unknown"), "");
  EXPECT_EQ(NumberRemark("a,b"), "");
  EXPECT_EQ(NumberRemark(""), "");
}

}  // namespace
}  // namespace skerry::client
