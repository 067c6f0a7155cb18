#include "coordinator/update_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/bytes_file.h"
#include "base/random.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::HasCode;

// Four updates, each behind 12 other bytes in its file.
class UpdateStatisticsTest : public ::testing::Test {
 protected:
  void Make(std::size_t size) {
    for (int k = 0; k < 4; ++k) {
      RandomStream random(2, Purpose::kSimulation, 0, "statistics", static_cast<uint64_t>(k));
      std::vector<float> values(size);
      for (float& value : values) value = static_cast<float>(random.Uniform() - 0.5);
      files.push_back(std::make_unique<BytesFile>(
          std::string(12, 'h') +
          std::string(reinterpret_cast<const char*>(values.data()), size * sizeof(float))));
      updates.push_back({files.back().get(), &reader});
    }
  }

  UpdateReader reader{12, int64_t{1} << 20};

  std::vector<std::unique_ptr<File>> files;
  std::vector<Update> updates;
};

TEST_F(UpdateStatisticsTest, AnyNumberOfThreadsGivesTheSameBits) {
  constexpr int64_t kSize = 300'001;  // five blocks, the last one odd
  Make(kSize);
  InlineExecutor alone;
  ASSERT_OK_AND_ASSIGN(const auto expected,
                       MeasureUpdates({updates, kSize, learning::DType::kF32, alone, 1}));
  EXPECT_NEAR(expected.squared_norm[0], kSize / 12.0, 300);
  EXPECT_NEAR(expected.SquaredDistance(1, 3), kSize / 6.0, 300);
  for (const int num_threads : {2, 3, 7}) {
    ThreadPool pool(num_threads);
    ASSERT_OK_AND_ASSIGN(
        const auto statistics,
        MeasureUpdates({updates, kSize, learning::DType::kF32, pool, num_threads}));
    EXPECT_EQ(statistics.squared_norm, expected.squared_norm) << num_threads;
    EXPECT_EQ(statistics.squared_distance, expected.squared_distance) << num_threads;
  }
}

// Across the edge of a block, and elsewhere: they count as if they were zero.
TEST_F(UpdateStatisticsTest, WhatIsMeasuredAndNotTrainedIsLeftOut) {
  constexpr int64_t kSize = 200'003;
  const std::vector<learning::ParameterRange> statistics = {{0, 3}, {65'530, 20}, {kSize - 1, 1}};
  Make(kSize);
  std::vector<std::unique_ptr<File>> zeroed;
  std::vector<Update> trained;
  for (const auto& file : files) {
    std::string bytes(12 + kSize * sizeof(float), '\0');
    ASSERT_OK(file->ReadAt(0, bytes));
    for (const learning::ParameterRange& range : statistics) {
      std::fill_n(bytes.begin() + 12 + range.begin * 4, range.count * 4, '\0');
    }
    zeroed.push_back(std::make_unique<BytesFile>(bytes));
    trained.push_back({zeroed.back().get(), &reader});
  }
  ThreadPool pool(2);
  const UpdatePass pass = {updates, kSize, learning::DType::kF32, pool, 2, statistics};
  const UpdatePass expected = {trained, kSize, learning::DType::kF32, pool, 2};
  ASSERT_OK_AND_ASSIGN(const auto distances, MeasureUpdates(pass));
  ASSERT_OK_AND_ASSIGN(const auto expected_distances, MeasureUpdates(expected));
  EXPECT_EQ(distances.squared_norm, expected_distances.squared_norm);
  EXPECT_EQ(distances.squared_distance, expected_distances.squared_distance);
  std::vector<learning::UpdateInfo> infos(4);
  std::vector<learning::UpdateInfo> expected_infos(4);
  ASSERT_OK(MeasureNorms(pass, infos));
  ASSERT_OK(MeasureNorms(expected, expected_infos));
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_EQ(infos[k].squared_norm, expected_infos[k].squared_norm);
  }
}

TEST_F(UpdateStatisticsTest, AFileThatIsCutShortIsDataLoss) {
  Make(1000);
  InlineExecutor executor;
  EXPECT_THAT(MeasureUpdates({updates, 1001, learning::DType::kF32, executor, 1}),
              HasCode(Code::kDataLoss));
}

}  // namespace
}  // namespace skerry::coordinator
