#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "base/exact_math.h"
#include "base/random.h"
#include "learning/trees/bins.h"

namespace skerry::learning {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<int64_t> Counts(std::span<const float> edges, const std::vector<float>& values) {
  std::vector<int64_t> counts(edges.size() + 1);
  for (const float value : values) ++counts[static_cast<std::size_t>(CellOf(edges, value))];
  return counts;
}

// The edges of bins, found as a run finds them: counts alone, four times.
std::vector<float> Bins(const std::vector<float>& values, int64_t num_bins) {
  std::vector<float> edges = FirstEdges(std::max<int64_t>(2 * num_bins, 64) - 1);
  for (int i = 0; i < 3; ++i) edges = RefinedEdges(edges, Counts(edges, values), num_bins);
  edges = BinEdges(edges, Counts(edges, values), num_bins);
  EXPECT_TRUE(std::is_sorted(edges.begin(), edges.end()));
  while (!edges.empty() && edges.back() == kInf) edges.pop_back();
  EXPECT_LT(static_cast<int64_t>(edges.size()), num_bins);
  return edges;
}

// How many rows the fullest bin has, and how many bins have any.
std::pair<int64_t, int64_t> Fill(const std::vector<float>& edges,
                                 const std::vector<float>& values) {
  const std::vector<int64_t> counts = Counts(edges, values);
  return {*std::max_element(counts.begin(), counts.end()),
          std::count_if(counts.begin(), counts.end(), [](int64_t n) { return n > 0; })};
}

TEST(TreeBinsTest, TheFirstEdgesLieOnBothSidesOfZero) {
  const std::vector<float> edges = FirstEdges(63);
  ASSERT_EQ(edges.size(), 63U);
  EXPECT_TRUE(std::is_sorted(edges.begin(), edges.end()));
  EXPECT_EQ(edges[31], 0.0F);
  EXPECT_NEAR(edges[32], 0x1p-20, 1e-10);
  EXPECT_NEAR(edges[62] / 0x1p44, 1, 1e-6);
  EXPECT_EQ(edges[0], -edges[62]);
}

TEST(TreeBinsTest, AnEdgeBelongsToTheCellAboveIt) {
  const std::vector<float> edges = {1, 2, kInf};
  EXPECT_EQ(CellOf(edges, 0.5F), 0);
  EXPECT_EQ(CellOf(edges, 1.0F), 1);
  EXPECT_EQ(CellOf(edges, 2.0F), 2);
  EXPECT_EQ(CellOf(edges, 1e30F), 2);
}

TEST(TreeBinsTest, AZeroOrOneHasTwoBins) {
  const std::vector<float> edges = Bins({0, 1, 0, 0, 1, 0}, 64);
  ASSERT_EQ(edges.size(), 1U);
  EXPECT_GT(edges[0], 0.1F);
  EXPECT_LT(edges[0], 0.9F);
}

TEST(TreeBinsTest, AsManyValuesAsBinsAreAllKeptApart) {
  std::vector<float> values;
  for (int age = 29; age <= 77; ++age) {
    for (int n = 0; n <= age % 5; ++n) values.push_back(static_cast<float>(age));
  }
  EXPECT_EQ(Fill(Bins(values, 64), values).second, 49);
}

TEST(TreeBinsTest, AFrequentValueDoesNotTakeTheBinsOfTheOthers) {
  std::vector<float> values(900, 0.0F);
  for (int i = 0; i < 100; ++i) values.push_back(static_cast<float>(1 + i % 20));
  EXPECT_EQ(Fill(Bins(values, 32), values).second, 21);
}

TEST(TreeBinsTest, ManyValuesAreDividedIntoBinsOfAboutEqualCounts) {
  constexpr int kRows = 10'000;
  RandomStream random(1, Purpose::kSimulation, 0, "", 0);
  struct Case {
    const char* name;
    std::function<double()> draw;
  };
  const Case cases[] = {
      {"a pH", [&] { return 7.4 + 0.05 * random.Normal(); }},
      {"of both signs", [&] { return random.Normal(); }},
      {"skewed", [&] { return exact::Exp(1.5 * random.Normal()); }},
      {"far from zero", [&] { return 140'000 + 3 * random.Normal(); }},
      {"with outliers", [&] { return random.Below(100) == 0 ? 1e6 : 5 + random.Uniform(); }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<float> values;
    for (int i = 0; i < kRows; ++i) values.push_back(static_cast<float>(c.draw()));
    const auto [fullest, used] = Fill(Bins(values, 64), values);
    EXPECT_GE(used, 50);
    EXPECT_LE(fullest, 3 * kRows / 64);
  }
}

TEST(TreeBinsTest, EdgesDependOnCountsAloneHoweverTheyAreAdded) {
  RandomStream random(2, Purpose::kSimulation, 0, "", 0);
  std::vector<float> values;
  for (int i = 0; i < 500; ++i) values.push_back(static_cast<float>(50 + 10 * random.Normal()));
  const std::vector<float> edges = FirstEdges(63);
  std::vector<int64_t> sums = Counts(edges, {values.begin(), values.begin() + 100});
  const std::vector<int64_t> others = Counts(edges, {values.begin() + 100, values.end()});
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += others[i];
  EXPECT_EQ(RefinedEdges(edges, sums, 16), RefinedEdges(edges, Counts(edges, values), 16));
}

TEST(TreeBinsTest, AnInputThatIsMissingEverywhereOrConstantHasOneBin) {
  EXPECT_THAT(Bins({}, 16), ::testing::IsEmpty());
  EXPECT_THAT(Bins({3, 3, 3}, 16), ::testing::IsEmpty());
}

}  // namespace
}  // namespace skerry::learning
