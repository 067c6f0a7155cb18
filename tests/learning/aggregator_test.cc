#include "learning/aggregator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "learning/random_data.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

struct Updates {
  std::vector<std::vector<float>> values;
  Coefficients coefficients;

  Updates(std::size_t sites, int64_t size) {
    for (std::size_t k = 0; k < sites; ++k) {
      values.push_back(RandomFloats(size, 100 + k));
      coefficients.weight.push_back(static_cast<double>(3 + 7 * k));
      coefficients.scale.push_back(k % 3 == 2 ? 0.3 : 1.0);
      coefficients.use.push_back(k % 5 != 3);
    }
  }
  std::vector<double> Reduce(std::size_t first, std::size_t size) const {
    std::vector<std::span<const float>> rows;
    for (const auto& row : values) rows.push_back(std::span(row).subspan(first, size));
    std::vector<double> out(size, kNan);
    MeanAggregator().Reduce(rows, coefficients, out);
    return out;
  }
};

std::vector<uint64_t> Bits64(const std::vector<double>& values) {
  std::vector<uint64_t> bits;
  bits.reserve(values.size());
  for (const double value : values) bits.push_back(std::bit_cast<uint64_t>(value));
  return bits;
}

TEST(MeanAggregatorTest, WeighsByExamples) {
  const std::vector<UpdateInfo> updates = {{"east", 30, 0}, {"west", 10, 2}};
  ASSERT_OK_AND_ASSIGN(const Coefficients c, MeanAggregator().Weigh(updates));
  EXPECT_THAT(c.weight, ElementsAre(30.0, 10.0));
  EXPECT_THAT(c.scale, ElementsAre(1.0, 1.0));
  EXPECT_THAT(c.use, ElementsAre(true, true));
}

TEST(MeanAggregatorTest, NeedsExamples) {
  EXPECT_THAT(MeanAggregator().Weigh({}), Fails(Code::kFailedPrecondition, HasSubstr("0 updates")));
  const std::vector<UpdateInfo> none = {{"east", 0, 0}};
  EXPECT_THAT(MeanAggregator().Weigh(none),
              Fails(Code::kFailedPrecondition, HasSubstr("0 examples")));
  const std::vector<UpdateInfo> negative = {{"east", 5, 0}, {"west", -5, 0}};
  EXPECT_THAT(MeanAggregator().Weigh(negative),
              Fails(Code::kInvalidArgument, HasSubstr("site west claims -5")));
  const int64_t most = std::numeric_limits<int64_t>::max();
  const std::vector<UpdateInfo> huge = {{"east", most, 0}, {"west", most, 0}};
  EXPECT_THAT(MeanAggregator().Weigh(huge), Fails(Code::kInvalidArgument, HasSubstr("west")));
}

TEST(MeanAggregatorTest, ReducesAFewRowsByHand) {
  const std::vector<float> a = {1, 2, 3};
  const std::vector<float> b = {5, -2, 0};
  const std::vector<float> ignored = {kNan, kNan, kNan};
  const std::vector<std::span<const float>> rows = {a, ignored, b};
  std::vector<double> out(3, 99.0);
  MeanAggregator().Reduce(rows, {{3, 7, 1}, {1, 1, 2}, {true, false, true}}, out);
  // (3 * 1 * a + 1 * 2 * b) / (3 + 1)
  EXPECT_THAT(out, ElementsAre(3.25, 0.5, 2.25));
}

TEST(MeanAggregatorTest, HasTheBitsOfAPlainLoop) {
  for (const std::size_t sites : {1U, 2U, 4U, 5U, 9U, 23U}) {
    SCOPED_TRACE(sites);
    const Updates updates(sites, 2500);
    const Coefficients& c = updates.coefficients;
    std::vector<double> plain;
    for (std::size_t i = 0; i < 2500; ++i) {
      double sum = 0;
      double total = 0;
      for (std::size_t k = 0; k < sites; ++k) {
        if (!c.use[k]) continue;
        const double factor = c.weight[k] * c.scale[k];
        const double product = factor * static_cast<double>(updates.values[k][i]);
        sum += product;
        total += c.weight[k];
      }
      plain.push_back(sum / total);
    }
    EXPECT_EQ(Bits64(updates.Reduce(0, 2500)), Bits64(plain));
  }
}

TEST(MeanAggregatorTest, BlocksDoNotMatter) {
  const Updates updates(7, 3000);
  const std::vector<double> whole = updates.Reduce(0, 3000);
  for (const std::size_t block : {1U, 7U, 64U, 1024U, 1025U}) {
    SCOPED_TRACE(block);
    std::vector<double> pieces;
    for (std::size_t first = 0; first < 3000; first += block) {
      const auto piece = updates.Reduce(first, std::min<std::size_t>(block, 3000 - first));
      pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    EXPECT_EQ(Bits64(pieces), Bits64(whole));
  }
}

TEST(SumsTest, AddElementByElement) {
  std::vector<double> sum = {1.5, -2.0};
  AddF64(std::vector<double>{0.25, 5.0}, sum);
  EXPECT_THAT(sum, ElementsAre(1.75, 3.0));
  std::vector<int64_t> counts = {1, -2};
  EXPECT_OK(AddI64(std::vector<int64_t>{10, 20}, counts));
  EXPECT_THAT(counts, ElementsAre(11, 18));
}

TEST(SumsTest, AnOverflowIsAnErrorAndChangesNothing) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  std::vector<int64_t> sum = {5, most};
  EXPECT_THAT(AddI64(std::vector<int64_t>{1, 1}, sum),
              Fails(Code::kOutOfRange, HasSubstr("element 1")));
  EXPECT_THAT(sum, ElementsAre(5, most));
  sum = {-5, std::numeric_limits<int64_t>::min()};
  EXPECT_THAT(AddI64(std::vector<int64_t>{0, -1}, sum),
              Fails(Code::kOutOfRange, HasSubstr("element 1")));
  EXPECT_OK(AddI64(std::vector<int64_t>{0, most}, sum));
}

TEST(CheckTest, FindsWhatIsNotFiniteWhereverItStands) {
  for (std::size_t size = 1; size <= 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const float bad : {kNan, -kNan, kInf, -kInf}) {
        std::vector<float> values(size, -3.0F);
        EXPECT_TRUE(CheckF32(values).finite);
        values[at] = bad;
        EXPECT_FALSE(CheckF32(values).finite) << at << " of " << size;
      }
    }
  }
  for (const std::size_t at : {0U, 65535U, 65536U, 131072U, 131074U}) {
    std::vector<float> values(131075, 1.0F);
    values[at] = kNan;
    EXPECT_FALSE(CheckF32(values).finite) << at;
  }
}

TEST(CheckTest, ExtremeNumbersAreFinite) {
  const float most = std::numeric_limits<float>::max();
  const float least = std::numeric_limits<float>::denorm_min();
  const std::vector<float> values = {-most, least, -0.0F, 1.0F};
  const UpdateCheck check = CheckF32(values);
  EXPECT_TRUE(check.finite);
  EXPECT_EQ(check.max_abs, static_cast<double>(most));
  EXPECT_EQ(check.squared_norm, static_cast<double>(most) * static_cast<double>(most));
  EXPECT_EQ(CheckF32(std::vector<float>{-0.0F, least}).max_abs, static_cast<double>(least));
}

TEST(CheckTest, MeasuresAFewValuesByHand) {
  const UpdateCheck check = CheckF32(std::vector<float>{3.0F, -4.0F, 0.0F});
  EXPECT_EQ(check.max_abs, 4.0);
  EXPECT_EQ(check.squared_norm, 25.0);
  EXPECT_EQ(CheckF32({}).squared_norm, 0.0);
  EXPECT_TRUE(CheckF32({}).finite);
}

TEST(CheckTest, TheNormHasTheBitsOfEightPlainLanesPerBlock) {
  for (const int64_t size : {1, 7, 8, 9, 1000, 65536, 65543, 2 * 65536 + 3}) {
    SCOPED_TRACE(size);
    const std::vector<float> values = RandomFloats(size, 8);
    double norm = 0;
    double largest = 0;
    for (std::size_t begin = 0; begin < values.size(); begin += 65536) {
      double lane[8] = {};
      for (std::size_t i = begin; i < std::min(values.size(), begin + 65536); ++i) {
        const auto value = static_cast<double>(values[i]);
        const double square = value * value;
        lane[i % 8] += square;
        largest = std::max(largest, std::fabs(value));
      }
      norm +=
          ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
    }
    EXPECT_EQ(CheckF32(values).squared_norm, norm);
    EXPECT_EQ(CheckF32(values).max_abs, largest);
  }
}

}  // namespace
}  // namespace skerry::learning
