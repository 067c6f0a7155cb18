#include "coordinator/small_spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>

#include "base/memory_files.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::HasCode;
using ::testing::ElementsAre;

constexpr const char* kPath = "spool/small";
constexpr std::size_t kHeader = 16;

class SmallSpoolTest : public ::testing::Test {
 protected:
  SmallSpoolTest() { EXPECT_TRUE(files_.MakeDirectories("spool").ok()); }

  // As another process sees it.
  SmallSpool Found() {
    SmallSpool spool(files_, kPath);
    EXPECT_OK(spool.Scan());
    return spool;
  }
  std::string Bytes() { return ReadFile(files_, kPath).value(); }
  void Overwrite(uint64_t offset, std::string_view bytes) {
    ASSERT_OK_AND_ASSIGN(const auto file, files_.Open(kPath, OpenMode::kReadWrite));
    ASSERT_OK(file->WriteAt(offset, bytes));
  }
  void CutTo(uint64_t size) {
    ASSERT_OK_AND_ASSIGN(const auto file, files_.Open(kPath, OpenMode::kReadWrite));
    ASSERT_OK(file->Truncate(size));
  }

  MemoryFiles files_;
  SmallSpool spool_{files_, kPath};
};

TEST_F(SmallSpoolTest, WhatWasAppendedIsThereForTheNextProcess) {
  ASSERT_OK(spool_.Append(7, "seven"));
  ASSERT_OK(spool_.Append(8, ""));
  ASSERT_OK(spool_.Append(9, std::string(70'000, 'n')));
  const SmallSpool found = Found();
  EXPECT_EQ(found.Read(7).value(), "seven");
  EXPECT_EQ(found.Read(8).value(), "");
  EXPECT_EQ(found.Read(9).value(), std::string(70'000, 'n'));
  EXPECT_THAT(found.Read(10), HasCode(Code::kNotFound));
}

TEST_F(SmallSpoolTest, WithoutAFileThereIsNothingAndNoneIsMade) {
  EXPECT_FALSE(Found().Contains(1));
  EXPECT_THAT(files_.List("spool").value(), ElementsAre());
}

TEST_F(SmallSpoolTest, ASecondResultOfATaskTakesThePlaceOfTheFirst) {
  ASSERT_OK(spool_.Append(7, "first"));
  ASSERT_OK(spool_.Append(7, "second"));
  EXPECT_EQ(spool_.Read(7).value(), "second");
  EXPECT_EQ(Found().Read(7).value(), "second");
}

TEST_F(SmallSpoolTest, OnceNothingIsNeededTheNextOneGoesToTheBeginningAndHidesWhatFollows) {
  ASSERT_OK(spool_.Append(1, "aaaa"));
  ASSERT_OK(spool_.Append(2, "bbbb"));
  ASSERT_OK(spool_.Append(3, "cccc"));
  const std::size_t size = Bytes().size();
  spool_.Remove(1);
  spool_.Remove(3);
  spool_.Remove(2);
  ASSERT_OK(spool_.Append(4, "dddd"));
  EXPECT_EQ(Bytes().size(), size) << "written over, not cut";
  const SmallSpool found = Found();
  EXPECT_EQ(found.Read(4).value(), "dddd");
  for (const int64_t gone : {1, 2, 3}) EXPECT_FALSE(found.Contains(gone)) << gone;
}

TEST_F(SmallSpoolTest, WhileOneIsNeededNothingIsWrittenOverIt) {
  ASSERT_OK(spool_.Append(1, "kept"));
  for (int64_t task = 2; task < 50; ++task) {
    ASSERT_OK(spool_.Append(task, "passing"));
    spool_.Remove(task);
  }
  EXPECT_EQ(Found().Read(1).value(), "kept");
}

TEST_F(SmallSpoolTest, ATornEndIsNotThereAndIsWrittenOver) {
  ASSERT_OK(spool_.Append(1, "whole"));
  const std::size_t end = Bytes().size() - kHeader;
  ASSERT_OK(spool_.Append(2, "torn by a kill"));
  for (const std::size_t size : {end + kHeader + 5, end + kHeader, end + 7, end}) {
    CutTo(size);
    SmallSpool found = Found();
    EXPECT_TRUE(found.Contains(1));
    EXPECT_FALSE(found.Contains(2)) << size;
    ASSERT_OK(found.Append(3, "next"));
    EXPECT_EQ(Found().Read(1).value(), "whole");
    EXPECT_EQ(Found().Read(3).value(), "next");
  }
}

TEST_F(SmallSpoolTest, AHeaderThatWasHarmedEndsTheScan) {
  ASSERT_OK(spool_.Append(1, "one"));
  ASSERT_OK(spool_.Append(2, "two"));
  const std::size_t second = kHeader + 3;
  for (std::size_t at = 0; at < kHeader; ++at) {
    const char before = Bytes()[second + at];
    Overwrite(second + at, std::string(1, static_cast<char>(before ^ 1)));
    EXPECT_TRUE(Found().Contains(1)) << at;
    EXPECT_FALSE(Found().Contains(2)) << at;
    Overwrite(second + at, std::string(1, before));
  }
  EXPECT_TRUE(Found().Contains(2));
}

TEST_F(SmallSpoolTest, AReaderDoesNotTakeAnotherResultForTheOneItFound) {
  ASSERT_OK(spool_.Append(1, "aaaa"));
  ASSERT_OK(spool_.Append(2, "bbbb"));
  const SmallSpool reader = Found();
  spool_.RemoveAllBut({});
  ASSERT_OK(spool_.Append(3, "written over both"));
  EXPECT_THAT(reader.Read(1), HasCode(Code::kNotFound));
  EXPECT_THAT(reader.Read(2), HasCode(Code::kNotFound));
}

TEST_F(SmallSpoolTest, TheNextProcessDropsWhatItDoesNotNeedAndGoesOnBehindTheRest) {
  for (int64_t task = 1; task <= 4; ++task) ASSERT_OK(spool_.Append(task, "update"));
  SmallSpool next = Found();
  next.RemoveAllBut({2, 9});
  EXPECT_FALSE(next.Contains(1));
  ASSERT_OK(next.Append(5, "later"));
  EXPECT_EQ(Found().Read(2).value(), "update");
  EXPECT_EQ(Found().Read(5).value(), "later");
}

TEST_F(SmallSpoolTest, TheFileStaysSmallHoweverManyPassThroughBesideThoseThatAreKept) {
  const std::string update(60'000, 'u');
  ASSERT_OK(spool_.Append(1, "kept from the beginning"));
  std::size_t largest = 0;
  for (int64_t task = 2; task < 400; ++task) {
    ASSERT_OK(spool_.Append(task, update));
    if (task > 12) spool_.Remove(task - 10);  // as [keep] updates does
    largest = std::max(largest, Bytes().size());
  }
  EXPECT_LT(largest, std::size_t{6} << 20);
  const SmallSpool found = Found();
  EXPECT_EQ(found.Read(1).value(), "kept from the beginning");
  for (int64_t task = 390; task < 400; ++task) EXPECT_EQ(found.Read(task).value(), update) << task;
  EXPECT_THAT(files_.List("spool").value(), ElementsAre("small"));
}

TEST_F(SmallSpoolTest, TheFileStaysBelowTwiceWhatIsNeededAlsoWhenThatIsMuch) {
  const std::string update(60'000, 'u');
  constexpr int kKept = 1120;  // more than 64 MiB
  constexpr int kAll = 2 * kKept + kKept / 5;
  for (int64_t task = 1; task <= kAll; ++task) {
    ASSERT_OK(spool_.Append(task, update));
    if (task > kKept) spool_.Remove(task - kKept);
  }
  EXPECT_LT(Bytes().size(), 2 * (kKept + 1) * (update.size() + kHeader) + kHeader);
  const SmallSpool found = Found();
  for (const int64_t task : {kAll - kKept + 1, kAll}) EXPECT_TRUE(found.Contains(task)) << task;
}

TEST_F(SmallSpoolTest, AReaderFromBeforeACompactionStillReads) {
  ASSERT_OK(spool_.Append(1, "kept"));
  const SmallSpool reader = Found();
  const std::string update(60'000, 'u');
  for (int64_t task = 2; task < 200; ++task) {
    ASSERT_OK(spool_.Append(task, update));
    spool_.Remove(task);
  }
  EXPECT_EQ(reader.Read(1).value(), "kept");
}

TEST_F(SmallSpoolTest, TheFileGoesOnlyWhenNothingInItIsNeeded) {
  ASSERT_OK(spool_.Append(1, "kept"));
  spool_.RemoveFileIfEmpty();
  EXPECT_EQ(Found().Read(1).value(), "kept");
  spool_.Remove(1);
  spool_.RemoveFileIfEmpty();
  EXPECT_THAT(files_.List("spool").value(), ElementsAre());
  ASSERT_OK(spool_.Append(2, "again"));
  EXPECT_EQ(Found().Read(2).value(), "again");
}

}  // namespace
}  // namespace skerry::coordinator
