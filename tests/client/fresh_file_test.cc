#include "client/fresh_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "base/bytes_file.h"
#include "base/memory_files.h"
#include "base/random.h"
#include "client/result_files.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Counts what gives room away.
class CountingFile final : public File {
 public:
  explicit CountingFile(std::string bytes) : file_(std::move(bytes)) {}
  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    return file_.ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    return file_.WriteAt(offset, bytes);
  }
  Status Sync() override { return OkStatus(); }
  Result<uint64_t> Size() const override { return file_.Size(); }
  Status Truncate(uint64_t size) override {
    ++cuts;
    shortest = std::min(shortest, size);
    return file_.Truncate(size);
  }
  const std::string& bytes() const { return file_.bytes(); }

  int cuts = 0;
  uint64_t shortest = std::numeric_limits<uint64_t>::max();  // that it was cut to

 private:
  BytesFile file_;
};

std::string All(const File& file) {
  std::string bytes(*file.Size(), '\0');
  EXPECT_EQ(*file.ReadAt(0, bytes), bytes.size());
  return bytes;
}

class FreshFileTest : public ::testing::Test {
 protected:
  const std::shared_ptr<CountingFile> old_ = std::make_shared<CountingFile>(std::string(100, 'o'));
  FreshFile fresh_{old_, 100};
};

TEST_F(FreshFileTest, WhatIsWrittenFromTheFrontOnTakesThePlaceOfTheOldBytes) {
  ASSERT_OK(fresh_.Truncate(100));  // room for all of it
  ASSERT_OK(fresh_.WriteAt(0, std::string(60, 'n')));
  ASSERT_OK(fresh_.WriteAt(60, std::string(40, 'm')));
  EXPECT_EQ(All(fresh_), std::string(60, 'n') + std::string(40, 'm'));
  EXPECT_EQ(old_->cuts, 0);
}

TEST_F(FreshFileTest, ItIsEmptyUntilThen) { EXPECT_EQ(All(fresh_), ""); }

TEST_F(FreshFileTest, ALongerOneGrows) {
  ASSERT_OK(fresh_.Truncate(150));
  ASSERT_OK(fresh_.WriteAt(0, std::string(150, 'n')));
  EXPECT_EQ(All(fresh_), std::string(150, 'n'));
  EXPECT_EQ(old_->cuts, 0);
}

TEST_F(FreshFileTest, WhatWasNeverWrittenIsZeroAndNotOld) {
  ASSERT_OK(fresh_.Truncate(120));
  ASSERT_OK(fresh_.WriteAt(0, "new"));
  ASSERT_OK(fresh_.WriteAt(50, "ahead"));
  std::string expected(120, '\0');
  expected.replace(0, 3, "new").replace(50, 5, "ahead");
  EXPECT_EQ(All(fresh_), expected);
  EXPECT_EQ(old_->bytes(), expected) << "for those, too, who open it by its name";
}

// A task that also evaluates says first how well the model did, which stands last.
TEST_F(FreshFileTest, WhatStandsLastMayBeWrittenFirst) {
  ASSERT_OK(fresh_.Truncate(100));
  ASSERT_OK(fresh_.WriteAt(90, std::string(10, 't')));
  ASSERT_OK(fresh_.WriteAt(0, std::string(60, 'n')));
  ASSERT_OK(fresh_.WriteAt(60, std::string(30, 'm')));
  EXPECT_EQ(All(fresh_), std::string(60, 'n') + std::string(30, 'm') + std::string(10, 't'));
  EXPECT_EQ(old_->shortest, 90U) << "the pages before stay";
}

TEST_F(FreshFileTest, WhatIsLeftOfTheOldBytesBeforeIsZero) {
  ASSERT_OK(fresh_.WriteAt(90, std::string(20, 't')));
  ASSERT_OK(fresh_.WriteAt(0, std::string(60, 'n')));
  EXPECT_EQ(All(fresh_), std::string(60, 'n') + std::string(30, '\0') + std::string(20, 't'));
}

TEST(FreshFileEndTest, NothingOldIsLeftWhenItIsGone) {
  const auto old = std::make_shared<CountingFile>(std::string(100, 'o'));
  ASSERT_OK(FreshFile(old, 100).WriteAt(0, "new"));
  EXPECT_EQ(old->bytes(), "new");
}

TEST_F(FreshFileTest, OldBytesAreNotRead) {
  ASSERT_OK(fresh_.WriteAt(0, "new"));
  std::string bytes(10, 'x');
  EXPECT_EQ(*fresh_.ReadAt(0, bytes), 3U);
  EXPECT_EQ(bytes.substr(0, 3), "new");
}

// A trainer may do whatever may be done with a file.
TEST(FreshFilePropertyTest, BehavesAsAnEmptyFile) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStream random(seed, Purpose::kSimulation, 0, "fresh", 0);
    const auto old = std::make_shared<CountingFile>(std::string(random.Below(64), 'o'));
    FreshFile fresh(old, old->bytes().size());
    BytesFile empty;
    for (int i = 0; i < 12; ++i) {
      const uint64_t at = random.Below(2) == 0 ? empty.bytes().size() : random.Below(80);
      const std::string bytes(random.Below(30), static_cast<char>('a' + i));
      std::string got(random.Below(40), '?');
      std::string wanted = got;
      switch (random.Below(8)) {
        case 0:
          ASSERT_OK(fresh.Truncate(at));
          ASSERT_OK(empty.Truncate(at));
          break;
        case 1:
          ASSERT_EQ(*fresh.ReadAt(at, got), *empty.ReadAt(at, wanted));
          ASSERT_EQ(got, wanted);
          break;
        default:
          if (bytes.empty()) break;
          ASSERT_OK(fresh.WriteAt(at, bytes));
          ASSERT_OK(empty.WriteAt(at, bytes));
      }
    }
    ASSERT_EQ(*fresh.Size(), empty.bytes().size());
    ASSERT_EQ(old->bytes(), empty.bytes());
  }
}

class ResultFilesTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kLarge = SpareFiles::kLeastBytes;

  ResultFilesTest() {
    EXPECT_OK(files_.MakeDirectories("results"));
    EXPECT_OK(files_.MakeDirectories("spares"));
  }
  std::shared_ptr<File> Write(int64_t task_id, const std::string& bytes) {
    Result<std::shared_ptr<File>> file = results_.Create(task_id, bytes.size());
    EXPECT_OK(file);
    EXPECT_OK((*file)->WriteAt(0, bytes));
    EXPECT_EQ(*(*file)->Size(), bytes.size());
    return *std::move(file);
  }
  std::vector<std::string> Spares() { return *files_.List("spares"); }

  MemoryFiles files_;
  SpareFiles spares_{files_, "spares/", 2};
  ResultFiles results_{files_, "results", spares_};
};

TEST_F(ResultFilesTest, AResultIsWrittenOverTheLastOneAndHasNothingOfIt) {
  Write(7, std::string(kLarge + 5, 'o')).reset();
  results_.Remove(7, false);
  EXPECT_EQ(Spares().size(), 1U);
  ASSERT_OK_AND_ASSIGN(const auto file, results_.Create(8, kLarge));
  EXPECT_THAT(Spares(), IsEmpty());
  ASSERT_OK(file->WriteAt(0, std::string(kLarge - 9, 'n')));
  EXPECT_EQ(*file->Size(), kLarge - 9) << "its trainer wrote less than it should";
  ASSERT_OK_AND_ASSIGN(const auto read, results_.Open(8));
  EXPECT_EQ(All(*read), std::string(kLarge - 9, 'n'));
}

TEST_F(ResultFilesTest, OneThatSomebodyMayWriteToOrReadIsNoSpare) {
  const auto still_written = Write(7, std::string(kLarge, 'o'));
  results_.Remove(7, false);
  Write(8, std::string(kLarge, 'o')).reset();
  results_.Remove(8, true);
  EXPECT_THAT(Spares(), IsEmpty());
  EXPECT_THAT(*files_.List("results"), IsEmpty());
}

TEST_F(ResultFilesTest, OneOfAnEarlierProcessIsNoSpare) {
  Write(7, std::string(kLarge, 'o')).reset();
  Write(8, std::string(kLarge, 'o')).reset();
  ResultFiles next(files_, "results", spares_);
  next.Remove(7, false);
  EXPECT_THAT(Spares(), IsEmpty());
  EXPECT_THAT(*files_.List("results"), ElementsAre("8.result"));
  next.RemoveAllBut({});
  EXPECT_THAT(*files_.List("results"), IsEmpty());
}

TEST_F(ResultFilesTest, OneThatIsMadeAgainBeginsEmpty) {
  Write(7, "the first attempt").reset();
  EXPECT_EQ(All(*Write(7, "again")), "again");
}

}  // namespace
}  // namespace skerry::client
