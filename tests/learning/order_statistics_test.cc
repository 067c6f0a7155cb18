#include "learning/aggregators/order_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "learning/aggregators/selection_network.h"
#include "learning/aggregators/sorted_mean_reference.h"
#include "learning/random_data.h"

namespace skerry::learning {
namespace {

using Rows = std::vector<std::vector<float>>;

std::vector<std::span<const float>> Spans(const Rows& rows) { return {rows.begin(), rows.end()}; }

std::vector<uint64_t> Bits(const std::vector<double>& values) {
  std::vector<uint64_t> bits;
  for (const double value : values) bits.push_back(std::bit_cast<uint64_t>(value));
  return bits;
}

std::vector<double> Fast(const Rows& rows, Places places) {
  std::vector<double> out(rows[0].size(), std::numeric_limits<double>::quiet_NaN());
  SortedMean(Spans(rows), places, out);
  return out;
}

std::vector<double> Slow(const Rows& rows, Places places) {
  std::vector<double> out(rows[0].size());
  SortedMeanReference<float>(Spans(rows), places, out);
  return out;
}

// Many ties, zeros of both signs, the largest and the smallest numbers there are.
Rows HardRows(std::size_t num_rows, int64_t size) {
  const std::vector<float> odd = {0.0F,
                                  -0.0F,
                                  1.0F,
                                  -1.0F,
                                  std::numeric_limits<float>::max(),
                                  std::numeric_limits<float>::lowest(),
                                  std::numeric_limits<float>::denorm_min(),
                                  -std::numeric_limits<float>::denorm_min()};
  Rows rows;
  for (std::size_t k = 0; k < num_rows; ++k) {
    rows.push_back(RandomFloats(size, 1000 + k));
    for (std::size_t i = 0; i < rows[k].size(); ++i) {
      const std::size_t draw = (k * 31 + i * 17 + (k * i) % 7) % 13;
      if (draw < odd.size()) rows[k][i] = odd[draw];
    }
  }
  return rows;
}

Places Middle(std::size_t n) { return {(n - 1) / 2, n / 2 + 1}; }

TEST(SortedMeanTest, AFewColumnsByHand) {
  const Rows rows = {{3, 1, -0.0F}, {1, 1, 0.0F}, {10, -5, 0.0F}, {2, 7, -0.0F}};
  EXPECT_THAT(Fast(rows, {0, 1}), ::testing::ElementsAre(1, -5, 0));
  EXPECT_THAT(Fast(rows, {1, 3}), ::testing::ElementsAre(2.5, 1, 0));
  EXPECT_THAT(Fast(rows, {0, 4}), ::testing::ElementsAre(4, 1, 0));
}

TEST(SortedMeanTest, HasTheBitsOfTheReferenceForEveryNumberOfRows) {
  for (std::size_t n = 1; n <= 65; ++n) {
    SCOPED_TRACE(std::to_string(n) + " rows");
    for (const int64_t size : {1, 7, 8, 31, 33, 101}) {
      const Rows rows = HardRows(n, size);
      for (const Places places : {Middle(n), Places{0, n}, Places{n / 10, n - n / 10}, Places{0, 1},
                                  Places{n - 1, n}, Places{n / 3, n / 3 + 1}}) {
        EXPECT_EQ(Bits(Fast(rows, places)), Bits(Slow(rows, places)))
            << size << " elements, places " << places.first << " to " << places.last;
      }
    }
  }
}

TEST(SortedMeanTest, HundredsOfRowsAreNoOtherCase) {
  for (const std::size_t n : {66U, 129U, 500U}) {
    const Rows rows = HardRows(n, 37);
    EXPECT_EQ(Bits(Fast(rows, Middle(n))), Bits(Slow(rows, Middle(n)))) << n;
    EXPECT_EQ(Bits(Fast(rows, {n / 5, n - n / 5})), Bits(Slow(rows, {n / 5, n - n / 5}))) << n;
  }
}

TEST(SortedMeanTest, TheOrderOfTheRowsChangesNoBit) {
  for (const std::size_t n : {6U, 10U, 23U}) {
    Rows rows = HardRows(n, 64);
    const std::vector<uint64_t> bits = Bits(Fast(rows, {1, n - 1}));
    std::reverse(rows.begin(), rows.end());
    EXPECT_EQ(Bits(Fast(rows, {1, n - 1})), bits) << n;
    std::rotate(rows.begin(), rows.begin() + 2, rows.end());
    EXPECT_EQ(Bits(Fast(rows, {1, n - 1})), bits) << n;
  }
}

TEST(SortedMeanTest, BlocksDoNotMatter) {
  for (const std::size_t n : {5U, 20U}) {
    const Rows rows = HardRows(n, 300);
    const std::vector<double> whole = Fast(rows, Middle(n));
    std::vector<double> pieces;
    for (std::size_t first = 0; first < 300; first += 41) {
      Rows piece;
      for (const auto& row : rows) {
        piece.emplace_back(
            row.begin() + static_cast<std::ptrdiff_t>(first),
            row.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(300, first + 41)));
      }
      const std::vector<double> reduced = Fast(piece, Middle(n));
      pieces.insert(pieces.end(), reduced.begin(), reduced.end());
    }
    EXPECT_EQ(Bits(pieces), Bits(whole)) << n;
  }
}

// A network that sorts all sequences of zeros and ones sorts everything (Knuth 5.3.4, theorem Z).
TEST(SelectionNetworkTest, SortsAllZerosAndOnes) {
  for (std::size_t n = 1; n <= 12; ++n) {
    const std::vector<Exchange> network = SelectionNetwork(n, {0, n});
    for (uint32_t pattern = 0; pattern < (1U << n); ++pattern) {
      std::vector<uint32_t> values(n);
      for (std::size_t k = 0; k < n; ++k) values[k] = (pattern >> k) & 1U;
      for (const Exchange& e : network) {
        if (values[e.low] > values[e.high]) std::swap(values[e.low], values[e.high]);
      }
      EXPECT_TRUE(std::is_sorted(values.begin(), values.end())) << n << " values, " << pattern;
    }
  }
}

TEST(SelectionNetworkTest, LeavesOutWhatNoWantedPlaceNeeds) {
  for (const std::size_t n : {5U, 10U, 33U, 64U}) {
    const std::size_t whole = SelectionNetwork(n, {0, n}).size();
    EXPECT_LT(SelectionNetwork(n, Middle(n)).size(), whole) << n;
    EXPECT_LT(SelectionNetwork(n, {0, 1}).size(), SelectionNetwork(n, Middle(n)).size()) << n;
  }
  EXPECT_EQ(SelectionNetwork(64, {0, 64}).size(), 543U);  // Knuth 5.2.2, exercise 10
}

}  // namespace
}  // namespace skerry::learning
