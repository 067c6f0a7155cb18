#include "client/data/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/memory_files.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Number(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
  return bytes;
}

std::string Idx(const std::vector<uint32_t>& sizes, const std::string& values) {
  std::string file = {0, 0, 8, static_cast<char>(sizes.size())};
  for (const uint32_t size : sizes) file += Number(size);
  return file + values;
}

class IdxTest : public ::testing::Test {
 protected:
  IdxTest() {
    Write("train/images", Idx({3, 1, 2}, {0, 1, 2, 3, 4, '\xFF'}));
    Write("train/labels", Idx({3}, {7, 0, 9}));
    source_.name = "mnist";
    source_.idx.images = "train/images";
    source_.idx.labels = "train/labels";
  }

  void Write(const std::string& path, const std::string& bytes) {
    ASSERT_OK(files_.MakeDirectories("train"));
    ASSERT_OK(PublishFile(files_, path, bytes));
  }
  Result<std::unique_ptr<Table>> Read(std::vector<std::string> columns = {"pixel1", "label"}) {
    return ReadTable(files_, source_, columns);
  }

  MemoryFiles files_;
  DataSource source_;
};

TEST_F(IdxTest, GivesPixelsAndLabels) {
  ASSERT_OK_AND_ASSIGN(const auto table, Read());
  ASSERT_EQ(table->num_rows(), 3U);
  EXPECT_EQ(table->num_columns(), 2U);
  EXPECT_EQ(table->Cell(0, 0), "1");
  EXPECT_EQ(table->Cell(0, 1), "7");
  EXPECT_EQ(table->Cell(2, 0), "255");
  EXPECT_EQ(table->Place(2, 0), "images row 3, column pixel1");
}

TEST_F(IdxTest, DividesPixelsButNotLabels) {
  source_.idx.divisor = 255;
  ASSERT_OK_AND_ASSIGN(const auto table, Read());
  EXPECT_EQ(table->Cell(2, 0), "1");
  EXPECT_EQ(table->Cell(2, 1), "9");
  EXPECT_EQ(std::stod(std::string(*table->Cell(0, 0))), 1.0 / 255);
}

TEST_F(IdxTest, TakesTheImagesOfOnePart) {
  Write("parts", {5, 4, 5});
  source_.idx.parts = "parts";
  source_.idx.part = 5;
  ASSERT_OK_AND_ASSIGN(const auto table, Read());
  ASSERT_EQ(table->num_rows(), 2U);
  EXPECT_EQ(table->Cell(1, 1), "9");
  EXPECT_EQ(table->Place(1, 1), "images row 3, column label");
  source_.idx.part = 6;
  EXPECT_THAT(Read(), Fails(Code::kNotFound, HasSubstr("part 6")));
  Write("parts", {5, 4});
  const Status status = Read().status();
  EXPECT_THAT(status, Fails(Code::kInvalidArgument, HasSubstr("2 bytes for 3 images")));
  EXPECT_EQ(status.message(), "parts has not one byte for each image");
}

TEST_F(IdxTest, KnowsColumnsByTheRunsNames) {
  source_.rename["digit"] = "label";
  ASSERT_OK_AND_ASSIGN(const auto table, Read({"digit"}));
  EXPECT_EQ(table->Cell(0, 0), "7");
  for (const char* wrong : {"pixel2", "pixel-1", "pixel01", "pixel", "class"}) {
    EXPECT_THAT(Read({wrong}), Fails(Code::kInvalidArgument, HasSubstr("there is no column")))
        << wrong;
  }
}

TEST_F(IdxTest, MessagesDoNotTellWhereTheSiteKeepsItsFiles) {
  source_.idx.images = "train/none";
  const auto missing = Read();
  ASSERT_EQ(missing.status().code(), Code::kNotFound);
  EXPECT_THAT(missing.status().message(), Not(HasSubstr("train/")));
  EXPECT_THAT(missing.status().hint(), HasSubstr("train/none"));
}

TEST_F(IdxTest, RefusesWhatIsNoIdxFile) {
  const auto refuses = [&](const std::string& images, const char* why) {
    Write("train/images", images);
    const Status status = Read().status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_THAT(status.hint(), HasSubstr(why));
    EXPECT_THAT(status.message(), Not(ContainsRegex("[0-9]"))) << "it leaves the site";
  };
  refuses("\x1F\x8B\x08\x01 packed", "first bytes");
  refuses({0, 0, 13, 1, 0, 0, 0, 1, 0, 0, 0, 0}, "type 13");
  refuses({0, 0, 8, 0, 0, 0, 0, 0}, "0 sizes");
  refuses({0, 0, 8, 3, 0, 0, 0, 1}, "ends early");
  refuses(Idx({3, 1, 2}, "12345"), "speaks of 22 bytes and has 21");
  refuses(Idx({3, 0}, ""), "1 to 2^24 values");
  refuses(Idx({3, 0xFFFFFFFF, 0xFFFFFFFF}, ""), "1 to 2^24 values");
  refuses(Idx({2, 1, 2}, "1234"), "2 images, and its labels are 3 rows");
  Write("train/images", Idx({0, 2}, ""));
  EXPECT_THAT(Read(), Fails(Code::kInvalidArgument, HasSubstr("no rows")));
}

TEST_F(IdxTest, EachFileIsLookedForBeforeARunComes) {
  EXPECT_OK(CheckReadable(files_, source_));
  source_.idx.parts = "train/parts";
  EXPECT_THAT(CheckReadable(files_, source_),
              Fails(Code::kNotFound,
                    AllOf(HasSubstr("parts under [data.mnist]"), HasSubstr("train/parts"))));
  source_.idx.labels = "train/none";
  EXPECT_THAT(CheckReadable(files_, source_),
              Fails(Code::kNotFound, HasSubstr("idx_labels under [data.mnist]")));
}

TEST_F(IdxTest, ASourceNamesOnePlaceOnly) {
  source_.csv = "rows.csv";
  EXPECT_THAT(Read(), Fails(Code::kInvalidArgument, HasSubstr("several: csv, idx_images")));
  source_.csv.clear();
  source_.idx.labels.clear();
  EXPECT_THAT(Read(), Fails(Code::kInvalidArgument, HasSubstr("images but no labels")));
}

}  // namespace
}  // namespace skerry::client
