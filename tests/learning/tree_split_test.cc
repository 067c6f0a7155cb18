#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <vector>

#include "base/random.h"
#include "learning/trees/split.h"

namespace skerry::learning {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

v1::TreesSpec Settings(double l2 = 1, double min_child_weight = 0) {
  v1::TreesSpec spec;
  spec.set_learning_rate(0.5);
  spec.set_l2(l2);
  spec.set_min_child_weight(min_child_weight);
  return spec;
}

// One input with 3 bins: edges 10 and 20.
constexpr ForestShape kOneInput = {.num_inputs = 1, .num_trees = 1, .max_depth = 1, .num_bins = 3};

std::vector<double> Edges(const ForestShape& shape,
                          const std::vector<std::vector<double>>& inputs) {
  std::vector<double> edges;
  for (std::vector<double> of_input : inputs) {
    of_input.resize(static_cast<std::size_t>(shape.num_edges()), kInf);
    edges.insert(edges.end(), of_input.begin(), of_input.end());
  }
  return edges;
}

TEST(TreeSplitTest, TheGainIsThatOfThePaper) {
  const v1::TreesSpec spec = Settings();
  const SplitRules rules(spec, 0.5, 0.25);
  // In whole units: G of the bins -4, -2, 10, H 8, 4, 8; nothing is missing.
  const Split split = rules.Best(kOneInput, std::vector<int64_t>{-4, 8, -2, 4, 10, 8, 0, 0},
                                 Edges(kOneInput, {{10, 20}}));
  EXPECT_EQ(split.feature, 0);
  EXPECT_EQ(split.edge, 1);
  EXPECT_DOUBLE_EQ(split.gain, 0.5 * (9.0 / (3 + 1) + 25.0 / (2 + 1) - 4.0 / (5 + 1)));
  EXPECT_DOUBLE_EQ(rules.LeafValue(split.left), 0.5 * 3 / 4);
  EXPECT_DOUBLE_EQ(rules.LeafValue(split.right), -0.5 * 5 / 3);
  EXPECT_TRUE(split.missing_left) << "more rows go there";
}

TEST(TreeSplitTest, MissingCellsGoWhereTheyGainMore) {
  const v1::TreesSpec spec = Settings();
  const SplitRules rules(spec, 1, 1);
  const auto edges = Edges(kOneInput, {{10, 20}});
  EXPECT_TRUE(
      rules.Best(kOneInput, std::vector<int64_t>{-4, 4, 0, 0, 9, 4, -4, 4}, edges).missing_left);
  EXPECT_FALSE(
      rules.Best(kOneInput, std::vector<int64_t>{-9, 4, 0, 0, 4, 4, 4, 4}, edges).missing_left);
}

TEST(TreeSplitTest, ANodeMayBeDividedByWhatIsMissing) {
  const v1::TreesSpec spec = Settings();
  const SplitRules rules(spec, 1, 1);
  const Split split = rules.Best(kOneInput, std::vector<int64_t>{5, 4, 5, 4, 0, 0, -10, 4},
                                 Edges(kOneInput, {{10}}));
  EXPECT_EQ(split.edge, 1) << "the one that is not there";
  EXPECT_FALSE(split.missing_left);
  EXPECT_EQ(split.right.gradient, -10);
}

TEST(TreeSplitTest, BothSidesMustBeHeavyEnough) {
  const std::vector<int64_t> sums = {-9, 1, 1, 4, 2, 4, 0, 0};
  const auto edges = Edges(kOneInput, {{10, 20}});
  const v1::TreesSpec any = Settings(1, 0);
  EXPECT_EQ(SplitRules(any, 1, 1).Best(kOneInput, sums, edges).edge, 0);
  const v1::TreesSpec heavy = Settings(1, 4);
  EXPECT_EQ(SplitRules(heavy, 1, 1).Best(kOneInput, sums, edges).edge, 1);
  const v1::TreesSpec heavier = Settings(1, 6);
  EXPECT_EQ(SplitRules(heavier, 1, 1).Best(kOneInput, sums, edges).feature, -1);
}

TEST(TreeSplitTest, WithoutGainNothingIsDivided) {
  v1::TreesSpec spec = Settings();
  const std::vector<int64_t> sums = {-4, 8, -2, 4, 10, 8, 0, 0};
  const auto edges = Edges(kOneInput, {{10, 20}});
  spec.set_min_gain(SplitRules(spec, 1, 1).Best(kOneInput, sums, edges).gain);
  EXPECT_EQ(SplitRules(spec, 1, 1).Best(kOneInput, sums, edges).feature, -1);
  const v1::TreesSpec free = Settings();
  EXPECT_EQ(SplitRules(free, 1, 1)
                .Best(kOneInput, std::vector<int64_t>{4, 4, 4, 4, 4, 4, 0, 0}, edges)
                .feature,
            -1);
}

TEST(TreeSplitTest, OfEqualGainsTheFirstInputAndTheLowestEdgeCount) {
  const ForestShape two = {.num_inputs = 2, .num_trees = 1, .max_depth = 1, .num_bins = 3};
  const v1::TreesSpec spec = Settings();
  // The middle bin is empty, so that both edges divide the same; and the inputs are alike.
  const std::vector<int64_t> sums = {-4, 4, 0, 0, 4, 4, 0, 0, -4, 4, 0, 0, 4, 4, 0, 0};
  const Split split = SplitRules(spec, 1, 1).Best(two, sums, Edges(two, {{10, 20}, {10, 20}}));
  EXPECT_EQ(split.feature, 0);
  EXPECT_EQ(split.edge, 0);
}

// Every division of an input, one by one.
Split BestByHand(const ForestShape& shape, const std::vector<int64_t>& sums,
                 const v1::TreesSpec& spec) {
  const auto at = [&](int64_t input, int64_t bin, int64_t which) {
    return sums[static_cast<std::size_t>((input * (shape.num_bins + 1) + bin) * 2 + which)];
  };
  Split best;
  for (int64_t input = 0; input < shape.num_inputs; ++input) {
    for (int64_t edge = 0; edge < shape.num_bins; ++edge) {
      for (const bool missing_left : {false, true}) {
        double g[2] = {0, 0};
        double h[2] = {0, 0};
        for (int64_t bin = 0; bin <= shape.num_bins; ++bin) {
          const bool left = bin == shape.num_bins ? missing_left : bin <= edge;
          g[left ? 0 : 1] += static_cast<double>(at(input, bin, 0));
          h[left ? 0 : 1] += static_cast<double>(at(input, bin, 1));
        }
        if (h[0] < spec.min_child_weight() || h[1] < spec.min_child_weight()) continue;
        if (h[0] == 0 || h[1] == 0) continue;
        const double all = (g[0] + g[1]) * (g[0] + g[1]) / (h[0] + h[1] + spec.l2());
        const double gain =
            0.5 * (g[0] * g[0] / (h[0] + spec.l2()) + g[1] * g[1] / (h[1] + spec.l2()) - all);
        if (gain > best.gain) {
          best.feature = input;
          best.edge = edge;
          best.gain = gain;
        }
      }
    }
  }
  return best;
}

TEST(TreeSplitTest, NoDivisionIsBetterThanTheOneThatIsFound) {
  const ForestShape shape = {.num_inputs = 5, .num_trees = 1, .max_depth = 1, .num_bins = 7};
  RandomStream random(4, Purpose::kSimulation, 0, "", 0);
  for (int round = 0; round < 200; ++round) {
    std::vector<int64_t> sums(static_cast<std::size_t>(shape.num_inputs * 16));
    for (int row = 0; row < 40; ++row) {
      const auto gradient = static_cast<int64_t>(random.Below(21)) - 10;
      const auto hessian = static_cast<int64_t>(1 + random.Below(5));
      for (int64_t input = 0; input < shape.num_inputs; ++input) {
        const auto at = static_cast<std::size_t>(input * 16) + 2 * random.Below(8);
        sums[at] += gradient;
        sums[at + 1] += hessian;
      }
    }
    const v1::TreesSpec spec = Settings(0.5, 3);
    const std::vector<double> some = {1, 2, 3, 4, 5, 6};
    const Split found =
        SplitRules(spec, 1, 1).Best(shape, sums, Edges(shape, {some, some, some, some, some}));
    const Split expected = BestByHand(shape, sums, spec);
    EXPECT_EQ(found.feature, expected.feature);
    EXPECT_EQ(found.edge, expected.edge);
    EXPECT_DOUBLE_EQ(found.gain, expected.gain);
  }
}

}  // namespace
}  // namespace skerry::learning
