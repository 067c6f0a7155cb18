#include "coordinator/plain_floats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/bytes_file.h"
#include "base/memory_files.h"
#include "coordinator/result_check.h"
#include "coordinator/upload_desk.h"
#include "crypto/content_hash.h"
#include "rpc/chunks.h"
#include "testing/status_matchers.h"

// Values that are looked at while they arrive.
namespace skerry::coordinator {
namespace {

using crypto::kChunkBytes;
using learning::DType;
using learning::Layout;
using learning::ResultLayout;
using learning::Rule;
using skerry::testing::HasCode;
using ::testing::IsEmpty;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::string BytesOf(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// A double, so many floats, a double.
ResultLayout LayoutOf(int64_t num_floats) {
  const Layout sum = Layout::Create({{"s", DType::kF64, {}}}).value();
  return ResultLayout::Create({{"before", Rule::kSumF64, sum},
                               {"update", Rule::kAggregate,
                                Layout::Create({{"w", DType::kF32, {num_floats}}}).value()},
                               {"behind", Rule::kSumF64, sum}})
      .value();
}

TEST(PlainFloatsTest, TheirRangeIsThatOfThePlainSectionsThatAreAggregated) {
  const std::vector<ByteRange> ranges = PlainFloatsIn(LayoutOf(3));
  ASSERT_EQ(ranges.size(), 1U);
  EXPECT_EQ(ranges[0].begin, 8U);
  EXPECT_EQ(ranges[0].end, 20U);
}

TEST(PlainFloatsTest, OnlyWhatIsInTheRangeIsLookedAt) {
  const std::vector<ByteRange> middle = {{8, 16}};
  EXPECT_TRUE(FloatsAreGood(middle, 0, BytesOf({kNan, kNan, 1, 2, kNan})));
  EXPECT_FALSE(FloatsAreGood(middle, 0, BytesOf({1, 1, 1, kNan})));
  EXPECT_TRUE(FloatsAreGood(middle, 16, BytesOf({kNan})));
  EXPECT_FALSE(FloatsAreGood(middle, 12, BytesOf({1e7F})));
  EXPECT_TRUE(FloatsAreGood(middle, 12, BytesOf({1e6F})));
}

// Three elements of two bytes each, and floats behind them.
TEST(PlainFloatsTest, FloatsThatDoNotBeginAtAWordAreLeftToTheCheckOfTheWholeResult) {
  const Layout three = Layout::Create({{"w", DType::kF32, {3}}}).value();
  const learning::Section encoded{
      "update", Rule::kAggregate, three, {learning::Encoding::Kind::kBF16}};
  const ResultLayout layout =
      ResultLayout::Create({encoded, {"control", Rule::kAggregate, three}}).value();
  ASSERT_EQ(layout.offset_bytes(1), 6);
  EXPECT_THAT(PlainFloatsIn(layout), IsEmpty());
  EXPECT_FALSE(AreGood({true}, {6, 18})) << "nobody has looked at them";
}

TEST(PlainFloatsTest, WhatCountsIsTheSizeOfANumberNotItsSign) {
  const auto is_good = [](float value) {
    return FloatsAreGood(std::vector<ByteRange>{{0, sizeof(float)}}, 0, BytesOf({value}));
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float sign : {1.0F, -1.0F}) {
    for (const float good : {0.0F, 1e-45F, 1.0F, 1e6F}) EXPECT_TRUE(is_good(sign * good)) << good;
    for (const float bad : {std::nextafter(1e6F, kInfinity), 1e7F, kInfinity}) {
      EXPECT_FALSE(is_good(sign * bad)) << bad;
    }
    EXPECT_FALSE(is_good(std::copysign(kNan, sign)));
  }
}

TEST(PlainFloatsTest, EveryFloatOfALongPieceIsLookedAt) {
  std::vector<float> values(10'001, 1.0F);
  const std::vector<ByteRange> all = {{0, values.size() * sizeof(float)}};
  EXPECT_TRUE(FloatsAreGood(all, 0, BytesOf(values)));
  for (const std::size_t i : std::initializer_list<std::size_t>{0, 4095, 4096, 8191, 10'000}) {
    values[i] = kNan;
    EXPECT_FALSE(FloatsAreGood(all, 0, BytesOf(values))) << i;
    values[i] = 1.0F;
  }
}

TEST(PlainFloatsTest, ARangeIsGoodIfAllChunksThatItTouchesAre) {
  const GoodChunks chunks = {true, false, true};
  EXPECT_TRUE(AreGood(chunks, {0, kChunkBytes}));
  EXPECT_FALSE(AreGood(chunks, {0, kChunkBytes + 1}));
  EXPECT_TRUE(AreGood(chunks, {2 * kChunkBytes, 3 * kChunkBytes}));
  EXPECT_FALSE(AreGood(chunks, {2 * kChunkBytes, 3 * kChunkBytes + 1})) << "not known";
}

// A result of a good many chunks on its way into the spool.
class ArrivingTest : public ::testing::Test {
 protected:
  ArrivingTest() {
    values_.resize(kElements, 0.5F);
    header_.set_task_id(7);
    header_.set_size_bytes(bytes());
    header_.set_content_hash(std::string(32, 'h'));
    EXPECT_OK(desk_.Prepare());
  }
  static uint64_t bytes() { return kElements * sizeof(float); }
  std::shared_ptr<Upload> Begin(UploadDesk& desk, uint64_t offset) {
    return desk.Begin("a", header_, offset, UploadDesk::Room::kAlways, {{0, bytes()}}).value();
  }
  void Send(Upload& upload, std::size_t first, std::size_t last) {
    const std::string all = BytesOf(values_);
    for (std::size_t i = first; i < last; ++i) {
      ASSERT_OK(
          upload.Append(rpc::MakeChunk(i * kChunkBytes, all.substr(i * kChunkBytes, kChunkBytes))));
    }
  }
  static constexpr std::size_t kElements = 3 * kChunkBytes / sizeof(float);

  MemoryFiles files_;
  UploadDesk desk_{files_, "spool", uint64_t{1} << 30};
  v1::ResultHeader header_;
  std::vector<float> values_;
};

TEST_F(ArrivingTest, ChunksWithGoodValuesAreKnownWhenTheyHaveCome) {
  values_[kChunkBytes / sizeof(float)] = kNan;
  const auto upload = Begin(desk_, 0);
  Send(*upload, 0, 3);
  EXPECT_EQ(upload->spool().good_chunks(), (GoodChunks{true, false, true}));
}

TEST_F(ArrivingTest, WhatIsSentAgainIsLookedAtAgain) {
  Send(*Begin(desk_, 0), 0, 2);
  values_[kChunkBytes / sizeof(float)] = kNan;
  const auto upload = Begin(desk_, kChunkBytes);
  Send(*upload, 1, 3);
  EXPECT_EQ(upload->spool().good_chunks(), (GoodChunks{true, false, true}));
}

TEST_F(ArrivingTest, WhatAnEarlierProcessReceivedIsNotKnown) {
  Send(*Begin(desk_, 0), 0, 2);
  UploadDesk next(files_, "spool", uint64_t{1} << 30);
  ASSERT_OK(next.Prepare());
  const auto upload = Begin(next, 2 * kChunkBytes);
  Send(*upload, 2, 3);
  EXPECT_EQ(upload->spool().good_chunks(), (GoodChunks{false, false, true}));
}

TEST_F(ArrivingTest, ATensorIsReadAgainUnlessAllItsChunksAreGood) {
  const ResultLayout layout =
      ResultLayout::Create(
          {{"update", Rule::kAggregate,
            Layout::Create({{"w", DType::kF32, {static_cast<int64_t>(kElements)}}}).value()}})
          .value();
  values_[kElements - 1] = kNan;
  const BytesFile file(BytesOf(values_));
  EXPECT_THAT(CheckValues(file, layout), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(CheckValues(file, layout, {true, true}), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(CheckValues(file, layout, {true, true, false}), HasCode(Code::kInvalidArgument));
  EXPECT_OK(CheckValues(file, layout, {true, true, true})) << "nobody looks twice";
}

}  // namespace
}  // namespace skerry::coordinator
