#include "base/spare_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/filled_file.h"
#include "base/memory_files.h"
#include "testing/status_matchers.h"

namespace skerry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kLarge = SpareFiles::kLeastBytes;

class SpareFilesTest : public ::testing::Test {
 protected:
  SpareFilesTest() {
    EXPECT_OK(files_.MakeDirectories("d"));
    EXPECT_OK(files_.MakeDirectories("spares"));
  }
  void Write(const std::string& path, const std::string& bytes) {
    ASSERT_OK_AND_ASSIGN(const auto file, files_.Open(path, OpenMode::kCreate));
    ASSERT_OK(file->WriteAt(0, bytes));
  }
  std::vector<std::string> In(const std::string& folder) { return *files_.List(folder); }
  // Of a file that is to hold so many bytes.
  std::unique_ptr<FilledFile> Fill(uint64_t size_bytes) {
    Result<std::unique_ptr<FilledFile>> file =
        FilledFile::Open(files_, "d/new", "d/new.filled", size_bytes, spares_);
    EXPECT_OK(file);
    return *std::move(file);
  }

  MemoryFiles files_;
  SpareFiles spares_{files_, "spares/", 2};
};

TEST_F(SpareFilesTest, ALargeFileIsKeptAndBecomesAnother) {
  Write("d/old", "what was in it");
  ASSERT_TRUE(spares_.Keep("d/old", kLarge));
  EXPECT_THAT(In("d"), IsEmpty());
  EXPECT_EQ(spares_.size_bytes(), kLarge);
  ASSERT_TRUE(spares_.MoveTo("d/new"));
  EXPECT_THAT(In("d"), ElementsAre("new"));
  EXPECT_EQ(spares_.size_bytes(), 0U);
  EXPECT_FALSE(spares_.MoveTo("d/third"));
}

TEST_F(SpareFilesTest, ASmallOneAndOneTooManyStayWhereTheyAre) {
  for (const char* path : {"d/a", "d/b", "d/c"}) Write(path, "x");
  EXPECT_FALSE(spares_.Keep("d/a", kLarge - 1));
  EXPECT_TRUE(spares_.Keep("d/a", kLarge));
  EXPECT_TRUE(spares_.Keep("d/b", kLarge));
  EXPECT_FALSE(spares_.Keep("d/c", kLarge));
  EXPECT_FALSE(spares_.Keep("d/missing", kLarge));
  EXPECT_THAT(In("d"), ElementsAre("c"));
  spares_.RemoveAll();
  EXPECT_THAT(In("spares"), IsEmpty());
  EXPECT_EQ(spares_.size_bytes(), 0U);
}

TEST_F(SpareFilesTest, AFileOfItsOwnIsFilledAsFarAsItIsLong) {
  const auto file = Fill(kLarge);
  ASSERT_OK(file->file()->WriteAt(0, std::string(100, 'n')));
  EXPECT_THAT(In("d"), ElementsAre("new")) << "no second file is needed";
  EXPECT_EQ(*Fill(kLarge)->Filled(), 100U);
  ASSERT_OK(file->Forget());
  EXPECT_EQ(*Fill(kLarge)->Filled(), 0U);
}

TEST_F(SpareFilesTest, NothingThatStoodInASpareCountsAsFilled) {
  Write("d/old", std::string(kLarge, 'o'));
  ASSERT_TRUE(spares_.Keep("d/old", kLarge));
  const auto file = Fill(kLarge);
  EXPECT_EQ(*file->Filled(), 0U);
  ASSERT_OK(file->file()->WriteAt(0, std::string(100, 'n')));
  EXPECT_EQ(*file->Filled(), 0U) << "it is not noted yet";
  ASSERT_OK(file->Note(100));
  EXPECT_EQ(*Fill(kLarge)->Filled(), 100U) << "the next process goes on there";
  ASSERT_OK(file->Forget());
  EXPECT_EQ(*Fill(kLarge)->Filled(), 0U);
}

TEST_F(SpareFilesTest, ASpareIsCutToWhatItIsFor) {
  Write("d/old", std::string(kLarge + 10, 'o'));
  ASSERT_TRUE(spares_.Keep("d/old", kLarge + 10));
  EXPECT_EQ(*Fill(kLarge)->file()->Size(), kLarge);
}

TEST_F(SpareFilesTest, ASmallFileAndOneThatIsThereDoNotTakeASpare) {
  Write("d/old", std::string(kLarge, 'o'));
  ASSERT_TRUE(spares_.Keep("d/old", kLarge));
  EXPECT_EQ(*Fill(100)->Filled(), 0U);
  Write("d/new", "some of it");
  EXPECT_EQ(*Fill(kLarge)->Filled(), 10U);
  EXPECT_EQ(spares_.size_bytes(), kLarge);
}

// A kill between the number and the file.
TEST_F(SpareFilesTest, ANumberWithoutItsFileDoesNoHarm) {
  ASSERT_OK_AND_ASSIGN(const auto number, files_.Open("d/new.filled", OpenMode::kCreate));
  const auto file = Fill(kLarge);
  EXPECT_EQ(*file->Filled(), 0U);
  ASSERT_OK(file->file()->WriteAt(0, std::string(100, 'n')));
  ASSERT_OK(file->Note(100));
  EXPECT_EQ(*Fill(kLarge)->Filled(), 100U);
}

TEST_F(SpareFilesTest, ANumberBeyondTheFileNamesNoMoreThanThereIs) {
  Write("d/old", std::string(10, 'o'));
  ASSERT_TRUE(spares_.Keep("d/old", kLarge));
  const auto file = Fill(kLarge);
  ASSERT_OK(file->Note(kLarge));
  EXPECT_EQ(*file->Filled(), 10U);
}

}  // namespace
}  // namespace skerry
