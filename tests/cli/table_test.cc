#include "cli/render/table.h"

#include <gtest/gtest.h>

namespace skerry::cli {
namespace {

TEST(TableTest, NumbersStandToTheRightAndWordsToTheLeft) {
  Table table({"site", "rows", "auc"});
  table.Add({"north", "12", "0.71"});
  table.Add({"s", "3456", "-"});
  EXPECT_EQ(table.ToString(),
            "site   rows   auc\n"
            "─────────────────\n"
            "north    12  0.71\n"
            "s      3456     -\n");
}

TEST(TableTest, AColumnWithOneWordIsAColumnOfWords) {
  Table table({"what", "x"});
  table.Add({"12", "a"});
  table.Add({"twelve", "b"});
  EXPECT_EQ(table.ToString(),
            "what    x\n"
            "─────────\n"
            "12      a\n"
            "twelve  b\n");
}

TEST(TableTest, NoLineEndsInBlanks) {
  Table table({"run", "state", "reason"});
  table.Add({"icu-1", "running", ""});
  table.Add({"a-very-long-name-of-a-run-1", "ok", ""});
  EXPECT_EQ(table.ToString(),
            "run                          state    reason\n"
            "────────────────────────────────────────────\n"
            "icu-1                        running\n"
            "a-very-long-name-of-a-run-1  ok\n");
}

TEST(TableTest, LettersBeyondAsciiAreAsWideAsTheyLook) {
  Table table({"klinik", "n"});
  table.Add({"Köln", "1"});
  table.Add({"Ulm", "22"});
  EXPECT_EQ(table.ToString(),
            "klinik   n\n"
            "──────────\n"
            "Köln     1\n"
            "Ulm     22\n");
}

TEST(TableTest, ARuleSeparatesRows) {
  Table table({"a"});
  table.Add({"x"});
  table.AddRule();
  table.Add({"y"});
  EXPECT_EQ(table.ToString(), "a\n─\nx\n─\ny\n");
}

TEST(TableTest, ATableWithoutRowsIsItsHeader) {
  EXPECT_TRUE(Table({"a", "b"}).empty());
  EXPECT_EQ(Table({"a", "b"}).ToString(), "a  b\n────\n");
}

TEST(TableTest, WhatATerminalWouldObeyIsEscaped) {
  Table table({"site", "reason"});
  table.Add({"north", "\x1b[2J\nroot#\r\t\x7f"});
  table.Add({"south",
             "a\xc2\x9b"
             "b\xff\xe2\x80\xaez"});
  EXPECT_EQ(table.ToString(),
            "site   reason\n"
            "───────────────────────────────────\n"
            "north  \\x1b[2J\\x0aroot#\\x0d\\x09\\x7f\n"
            "south  a\\xc2\\x9bb\\xff\\xe2\\x80\\xaez\n");
}

}  // namespace
}  // namespace skerry::cli
