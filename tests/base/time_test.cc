#include "base/time.h"

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"
#include "testing/status_matchers.h"

namespace skerry {
namespace {

using ::testing::AllOf;
using testing::Fails;
using ::testing::HasSubstr;

TEST(ParseDurationTest, ReadsEveryUnitAndTheirSums) {
  EXPECT_EQ(*ParseDuration("250ns"), 250ns);
  EXPECT_EQ(*ParseDuration("3us"), 3us);
  EXPECT_EQ(*ParseDuration("300ms"), 300ms);
  EXPECT_EQ(*ParseDuration("20s"), 20s);
  EXPECT_EQ(*ParseDuration("15m"), 15min);
  EXPECT_EQ(*ParseDuration("2h"), 2h);
  EXPECT_EQ(*ParseDuration("7d"), 168h);
  EXPECT_EQ(*ParseDuration("1h30m"), 90min);
  EXPECT_EQ(*ParseDuration("1m0.5s"), 60500ms);
  EXPECT_EQ(*ParseDuration("0s"), 0s);
}

TEST(ParseDurationTest, DecimalFractionsAreExactToTheNanosecond) {
  for (int64_t millis = 0; millis < 20'000; ++millis) {
    const std::string text = FormatFixed(static_cast<double>(millis) / 1000.0, 3) + "s";
    ASSERT_OK_AND_ASSIGN(const Duration parsed, ParseDuration(text));
    EXPECT_EQ(parsed, std::chrono::milliseconds(millis)) << text;
  }
}

TEST(ParseDurationTest, WhatIsNoDurationIsNamedAndTheFormShown) {
  for (const char* text : {"", "20", "s", "-5s", "5 s", " 5s", "5s ", "5S", "5sec", "1h30", "1e3s",
                           "nans", "infs", "--", "1,5s"}) {
    EXPECT_THAT(ParseDuration(text),
                Fails(Code::kInvalidArgument,
                      AllOf(HasSubstr("\"" + std::string(text) + "\""), HasSubstr("\"1h30m\""))))
        << text;
  }
}

TEST(ParseDurationTest, MoreThanACenturyIsRefusedInsteadOfWrapping) {
  EXPECT_OK(ParseDuration("36500d"));
  EXPECT_THAT(ParseDuration("40000d"), Fails(Code::kInvalidArgument, HasSubstr("40000d")));
  EXPECT_THAT(ParseDuration("36500d36500d36500d"), Fails(Code::kInvalidArgument, HasSubstr("d")));
  EXPECT_THAT(ParseDuration(std::string(400, '9') + "s"),
              Fails(Code::kInvalidArgument, HasSubstr("999")));
}

TEST(FormatDurationTest, HasAtMostTwoUnits) {
  EXPECT_EQ(FormatDuration(0s), "0s");
  EXPECT_EQ(FormatDuration(300ms), "300ms");
  EXPECT_EQ(FormatDuration(1500ms), "1s500ms");
  EXPECT_EQ(FormatDuration(20s), "20s");
  EXPECT_EQ(FormatDuration(90min), "1h30m");
  EXPECT_EQ(FormatDuration(1h + 5s), "1h");
  EXPECT_EQ(FormatDuration(25h + 3min + 2s), "1d1h");
  EXPECT_EQ(FormatDuration(1500us), "1ms");
  EXPECT_EQ(FormatDuration(15us), "15us");
  EXPECT_EQ(FormatDuration(7ns), "7ns");
  EXPECT_EQ(FormatDuration(-90min), "-1h30m");
}

TEST(FormatDurationTest, TheExtremesHaveAForm) {
  EXPECT_EQ(FormatDuration(Duration::max()), "106751d23h");
  EXPECT_EQ(FormatDuration(Duration::min()), "-106751d23h");
}

TEST(FormatDurationTest, WhatPeopleWriteReadsBack) {
  for (const Duration duration : {Duration(0), Duration(300ms), Duration(20s), Duration(15min),
                                  Duration(90min), Duration(36h), Duration(1s + 500ms)}) {
    ASSERT_OK_AND_ASSIGN(const Duration again, ParseDuration(FormatDuration(duration)));
    EXPECT_EQ(again, duration);
  }
}

TEST(WallTimeTest, IsWrittenInUniversalTime) {
  EXPECT_EQ(FormatWallTime({0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatWallTime({1795368243000}), "2026-11-22T17:24:03Z");
  EXPECT_EQ(FormatWallTime({1795368243999}), "2026-11-22T17:24:03Z");
  EXPECT_EQ(FormatWallTime({1709164800000}), "2024-02-29T00:00:00Z");
  EXPECT_EQ(FormatWallTime({-1}), "1969-12-31T23:59:59Z");
}

TEST(TimestampTest, DifferencesAreDurations) {
  const Timestamp start{5s};
  EXPECT_EQ((start + 2s) - start, 2s);
  EXPECT_EQ((start - 2s).since_origin, 3s);
  EXPECT_LT(start, start + 1ns);
}

TEST(TimestampTest, SecondsGoThereAndBack) {
  EXPECT_EQ(ToSeconds(1500ms), 1.5);
  EXPECT_EQ(FromSeconds(1.5), 1500ms);
}

}  // namespace
}  // namespace skerry
