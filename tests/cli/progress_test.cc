#include "cli/render/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace skerry::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(RenderBarTest, ShowsShareStageAndNote) {
  EXPECT_EQ(RenderBar("round 12 of 24", 12, 24, "auc 0.7", Duration{0}, 80),
            "[############------------] 50%  round 12 of 24  auc 0.7");
  EXPECT_EQ(RenderBar("round 0 of 24", 0, 24, "", Duration{0}, 80),
            "[------------------------] 0%  round 0 of 24");
  EXPECT_EQ(RenderBar("done", 24, 24, "", 100s, 80), "[########################] 100%  done");
}

TEST(RenderBarTest, TellsTheTimeThatIsLeftOnceThereIsSomethingToGoBy) {
  EXPECT_THAT(RenderBar("x", 1, 4, "", 1s, 80), Not(HasSubstr("left")));
  EXPECT_THAT(RenderBar("x", 1, 4, "", 60s, 80), HasSubstr(", 3m1s left"));
  EXPECT_THAT(RenderBar("x", 0, 4, "", 60s, 80), Not(HasSubstr("left")));
}

TEST(RenderBarTest, NumbersThatMakeNoSenseDoNoHarm) {
  EXPECT_THAT(RenderBar("x", 7, 3, "", Duration{0}, 80), HasSubstr("100%"));
  EXPECT_THAT(RenderBar("x", -7, 3, "", Duration{0}, 80), HasSubstr(" 0%"));
  EXPECT_THAT(RenderBar("x", 0, 0, "", Duration{0}, 80), HasSubstr(" 0%"));
}

TEST(RenderBarTest, IsNoWiderThanTheTerminalAndCutsBetweenCharacters) {
  const std::string bar = RenderBar("round 1 of 2", 1, 2, "Köln Köln Köln", Duration{0}, 54);
  EXPECT_EQ(bar, "[############------------] 50%  round 1 of 2  Köln Kö") << "53 characters";
}

TEST(RenderBarTest, WhatATerminalWouldObeyIsEscaped) {
  EXPECT_THAT(RenderBar("x", 1, 2, "\x1b[2J\n", Duration{0}, 80), HasSubstr("\\x1b[2J\\x0a"));
}

// A screen whose text can be read.
class ProgressTest : public ::testing::Test {
 protected:
  ~ProgressTest() override {
    std::fclose(file_);
    std::free(text_);
  }
  std::string Text() {
    std::fflush(file_);
    return {text_, size_};
  }
  Screen ScreenOf(bool is_terminal) { return {file_, is_terminal}; }

  ManualClock clock;

 private:
  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_ = ::open_memstream(&text_, &size_);
};

TEST_F(ProgressTest, OnATerminalTheBarIsDrawnOverItselfAndTakenAway) {
  Progress progress(clock, ScreenOf(true));
  progress.Update("round 1 of 2", 1, 2, "");
  progress.Update("round 2 of 2", 2, 2, "");
  progress.Finish();
  EXPECT_EQ(Text(),
            "\r\033[2K[############------------] 50%  round 1 of 2"
            "\r\033[2K[########################] 100%  round 2 of 2"
            "\r\033[2K");
  progress.Finish();
  EXPECT_THAT(Text(), ::testing::EndsWith("2 of 2\r\033[2K")) << "once";
}

TEST_F(ProgressTest, OnATerminalALineStaysAboveTheBar) {
  Progress progress(clock, ScreenOf(true));
  progress.Update("a", 0, 2, "");
  progress.Line("north is lost");
  progress.Update("a", 1, 2, "");
  EXPECT_THAT(Text(), HasSubstr("\r\033[2Knorth is lost\n\r\033[2K[####"));
}

TEST_F(ProgressTest, ElsewhereThereArePlainLinesAtMostOneASecond) {
  Progress progress(clock, ScreenOf(false));
  progress.Update("round 1 of 9", 1, 9, "auc 0.6");
  progress.Update("round 1 of 9", 1, 9, "auc 0.6");
  clock.Advance(900ms);
  progress.Update("round 2 of 9", 2, 9, "auc 0.7");
  clock.Advance(100ms);
  progress.Update("round 3 of 9", 3, 9, "");
  progress.Update("round 9 of 9", 9, 9, "the last one is always told");
  progress.Finish();
  EXPECT_EQ(Text(),
            "round 1 of 9  auc 0.6\n"
            "round 3 of 9\n"
            "round 9 of 9  the last one is always told\n");
}

TEST_F(ProgressTest, NoControlCharacterOfASiteReachesAScreen) {
  Progress plain(clock, ScreenOf(false));
  plain.Update("x\x1b[1m", 1, 9, "note\x07");
  plain.Line("line\r\x1b]0;title\x07");
  EXPECT_EQ(Text(), "x\\x1b[1m  note\\x07\nline\\x0d\\x1b]0;title\\x07\n");
}

}  // namespace
}  // namespace skerry::cli
