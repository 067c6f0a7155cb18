#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "learning/aggregators/all.h"
#include "learning/aggregators/distance_rules.h"
#include "learning/aggregators/distances.h"
#include "learning/aggregators/order_statistics.h"
#include "learning/golden_rules.h"
#include "learning/random_data.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using skerry::testing::Fails;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

template <class T>
using Rows = std::vector<std::vector<T>>;

template <class T>
std::vector<std::span<const T>> Spans(const Rows<T>& rows) {
  return {rows.begin(), rows.end()};
}

template <class T>
UpdateStatistics Plainly(const Rows<T>& rows) {
  UpdateStatistics statistics(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t c = 0; c < rows[i].size(); ++c) {
      const auto value = static_cast<double>(rows[i][c]);
      statistics.squared_norm[i] += value * value;
      for (std::size_t j = 0; j < rows.size(); ++j) {
        const double difference = value - static_cast<double>(rows[j][c]);
        statistics.squared_distance[i * rows.size() + j] += difference * difference;
      }
    }
  }
  return statistics;
}

template <class T>
UpdateStatistics Measured(const Rows<T>& rows) {
  DistanceMeter meter(rows.size());
  meter.Add(Spans(rows));
  UpdateStatistics statistics(rows.size());
  meter.AddTo(statistics);
  return statistics;
}

Rows<float> RandomRows(std::size_t n, int64_t size) {
  Rows<float> rows;
  for (std::size_t k = 0; k < n; ++k) rows.push_back(RandomFloats(size, 50 + k));
  return rows;
}

std::vector<double> Combine(const std::vector<double>& factors, const Rows<double>& rows) {
  std::vector<double> out(rows[0].size(), 0.0);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    for (std::size_t c = 0; c < out.size(); ++c) out[c] += factors[k] * rows[k][c];
  }
  return out;
}

auto Near(const std::vector<double>& expected, double error) {
  return Pointwise(DoubleNear(error), expected);
}

// ---- Distances ----

TEST(DistanceMeterTest, HasTheBitsOfEightPlainLanes) {
  for (const int64_t size : {1, 7, 8, 9, 255, 256, 1003}) {
    SCOPED_TRACE(size);
    const Rows<float> rows = RandomRows(3, size);
    double lane[8] = {};
    for (std::size_t c = 0; c < rows[0].size(); ++c) {
      const double difference = static_cast<double>(rows[0][c]) - static_cast<double>(rows[2][c]);
      const double square = difference * difference;
      lane[c % 8] += square;
    }
    const double plain =
        ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
    const UpdateStatistics statistics = Measured(rows);
    EXPECT_EQ(statistics.SquaredDistance(0, 2), plain);
    EXPECT_EQ(statistics.SquaredDistance(2, 0), plain);
    EXPECT_EQ(statistics.SquaredDistance(1, 1), 0);
    const UpdateStatistics other = Plainly(rows);
    EXPECT_THAT(statistics.squared_norm, Near(other.squared_norm, 1e-9));
    EXPECT_THAT(statistics.squared_distance, Near(other.squared_distance, 1e-9));
  }
}

TEST(DistanceMeterTest, PartsDoNotMatter) {
  const Rows<float> rows = RandomRows(4, 1003);
  DistanceMeter meter(4);
  for (std::size_t begin = 0; begin < 1003; begin += 104) {
    std::vector<std::span<const float>> part;
    for (const auto& row : rows) {
      part.push_back(std::span(row).subspan(begin, std::min<std::size_t>(104, 1003 - begin)));
    }
    meter.Add(part);
  }
  UpdateStatistics statistics(4);
  meter.AddTo(statistics);
  EXPECT_EQ(statistics.squared_distance, Measured(rows).squared_distance);
  EXPECT_EQ(statistics.squared_norm, Measured(rows).squared_norm);
}

TEST(DistanceRulesTest, ScaledStatisticsAreThoseOfScaledUpdates) {
  const Rows<float> rows = RandomRows(4, 40);
  const std::vector<double> scales = {1.0, 0.5, 0.5, 0.125};
  Rows<float> scaled = rows;
  for (std::size_t k = 0; k < scaled.size(); ++k) {
    for (float& value : scaled[k]) value *= static_cast<float>(scales[k]);
  }
  const UpdateStatistics statistics = Scaled(Plainly(rows), scales);
  EXPECT_THAT(statistics.squared_distance, Near(Plainly(scaled).squared_distance, 1e-12));
  EXPECT_THAT(statistics.squared_norm, Near(Plainly(scaled).squared_norm, 1e-12));
}

// ---- Other programs' numbers ----

class GoldenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    golden = GoldenRules();
    values = golden.at("V").get<Rows<double>>();
    weights = golden.at("n").get<std::vector<double>>();
  }
  std::vector<double> Golden(const char* name) { return golden.at(name); }
  std::vector<double> MeanOf(const std::vector<std::size_t>& selected) {
    std::vector<double> factors(values.size(), 0.0);
    for (const std::size_t k : selected) factors[k] = 1.0 / static_cast<double>(selected.size());
    return Combine(factors, values);
  }
  // What a rule makes of the same numbers, in doubles.
  std::vector<double> Reduce(const Aggregator& aggregator) {
    std::vector<double> out(values[0].size());
    EXPECT_TRUE(aggregator.TakesF64());
    aggregator.ReduceF64(Spans(values), Judged(aggregator, values), out);
    return out;
  }
  // And rounded to floats.
  std::vector<double> ReduceFloats(const Aggregator& aggregator) {
    Rows<float> floats;
    for (const auto& row : values) floats.emplace_back(row.begin(), row.end());
    std::vector<double> out(values[0].size());
    aggregator.Reduce(Spans(floats), Judged(aggregator, floats), out);
    return out;
  }
  template <class T>
  Coefficients Judged(const Aggregator& aggregator, const Rows<T>& rows) {
    std::vector<UpdateInfo> infos;
    for (const double weight : weights) infos.push_back({"site", static_cast<int64_t>(weight), 0});
    Coefficients coefficients = aggregator.Weigh(infos).value();
    if (!aggregator.NeedsStatistics()) return coefficients;
    return aggregator.Judge(Measured(rows), std::move(coefficients)).value();
  }
  void ExpectGolden(const Aggregator& aggregator, const char* name, double tolerance = 1e-12) {
    EXPECT_THAT(Reduce(aggregator), Near(Golden(name), tolerance));
    EXPECT_THAT(ReduceFloats(aggregator), Near(Golden(name), 1e-6));
  }

  nlohmann::json golden;
  Rows<double> values;
  std::vector<double> weights;
};

TEST_F(GoldenTest, Krum) {
  std::vector<std::size_t> all(11);
  for (std::size_t k = 0; k < all.size(); ++k) all[k] = k;
  const UpdateStatistics statistics = Plainly(values);
  const std::vector<double> expected = Golden("krum_scores");
  const std::vector<double> scores = KrumScores(statistics, all, 2);
  for (std::size_t k = 0; k < 11; ++k) EXPECT_NEAR(scores[k] / expected[k], 1, 1e-12) << k;
  EXPECT_THAT(KrumSelection(statistics, 2, 1), ElementsAre(golden.at("krum_index")));
  EXPECT_THAT(Reduce(*MakeKrum(2).value()), Near(values[0], 0));
  EXPECT_THAT(ReduceFloats(*MakeKrum(2).value()), Near(values[0], 1e-7));
}

TEST_F(GoldenTest, MultiKrum) {
  std::vector<std::size_t> selected = KrumSelection(Plainly(values), 2, 5);
  std::sort(selected.begin(), selected.end());
  EXPECT_EQ(nlohmann::json(selected), golden.at("multikrum_m5_selected"));
  EXPECT_THAT(MeanOf(selected), Near(Golden("multikrum_m5_unweighted"), 1e-12));
  ExpectGolden(*MakeMultiKrum(2, 5).value(), "multikrum_m5_unweighted");
}

TEST_F(GoldenTest, Bulyan) {
  EXPECT_EQ(nlohmann::json(BulyanSelection(Plainly(values), 2)), golden.at("bulyan_selected"));
  ExpectGolden(*MakeBulyan(2).value(), "bulyan");
}

TEST_F(GoldenTest, GeometricMedian) {
  const UpdateStatistics statistics = Plainly(values);
  EXPECT_THAT(Combine(GeometricMedianShares(statistics, weights, 3), values),
              Near(Golden("rfa_3iter"), 1e-12));
  EXPECT_THAT(Combine(GeometricMedianShares(statistics, weights, 100), values),
              Near(Golden("geometric_median_weighted"), 1e-12));
  ExpectGolden(*MakeGeometricMedian(), "geometric_median_weighted");
}

TEST_F(GoldenTest, WeightedMean) { ExpectGolden(*MakeMean(), "weighted_mean"); }
TEST_F(GoldenTest, Median) { ExpectGolden(*MakeMedian(), "median"); }
TEST_F(GoldenTest, TrimmedMean) {
  ExpectGolden(*MakeTrimmedMean(0.2).value(), "trimmed_mean_beta0.2");
}

// ---- Rules by hand ----

Coefficients Judged(const Aggregator& aggregator, const Rows<float>& rows) {
  const std::vector<UpdateInfo> infos(rows.size(), {"site", 5, 0});
  return aggregator.Judge(Plainly(rows), aggregator.Weigh(infos).value()).value();
}

std::vector<double> Reduced(const Aggregator& aggregator, const Rows<float>& rows) {
  std::vector<double> out(rows[0].size());
  aggregator.Reduce(Spans(rows), Judged(aggregator, rows), out);
  return out;
}

TEST(RobustRulesTest, OfEquallyGoodUpdatesTheFirstSiteIsTaken) {
  const Rows<float> rows = {{0}, {1}, {2}, {3}, {4}, {50}, {-50}};
  EXPECT_THAT(KrumSelection(Plainly(rows), 2, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(Reduced(*MakeKrum(2).value(), rows), ElementsAre(1));
  EXPECT_THAT(Reduced(*MakeMultiKrum(2, 0).value(), rows), ElementsAre(2)) << "all but two";
}

TEST(RobustRulesTest, BulyanTakesWhatIsClosestToTheMedianInEachColumn) {
  const Rows<float> rows = {{0, 9}, {2, 1}, {3, 2}, {4, 2}, {9, 3}};
  std::vector<double> out(2);
  ClosestToMedianMean(Spans(rows), 3, out);
  EXPECT_THAT(out, ElementsAre(3, 5.0 / 3));
  ClosestToMedianMean(Spans(rows), 2, out);  // 2 and 4 are equally close: the smaller
  EXPECT_THAT(out, ElementsAre(2.5, 2));
}

TEST(RobustRulesTest, BulyanKeepsItsBitsWhateverTheNumberOfColumns) {
  for (const std::size_t n : {3U, 11U, 20U}) {
    const Rows<float> rows = RandomRows(n, 75);
    std::vector<double> whole(75);
    ClosestToMedianMean(Spans(rows), n - 2, whole);
    for (std::size_t c = 0; c < 75; ++c) {
      Rows<float> column;
      for (const auto& row : rows) column.push_back({row[c]});
      std::vector<double> one(1);
      ClosestToMedianMean(Spans(column), n - 2, one);
      EXPECT_EQ(std::bit_cast<uint64_t>(one[0]), std::bit_cast<uint64_t>(whole[c]));
    }
  }
}

// On numbers that are floats, with norms clipped before the rule or not.
TEST(RobustRulesTest, DoublesAreReducedToTheBitsOfFloats) {
  const Rows<float> floats = RandomRows(11, 75);
  Rows<double> doubles;
  for (const auto& row : floats) doubles.emplace_back(row.begin(), row.end());
  const std::vector<UpdateInfo> infos(11, {"site", 5, 0});
  for (const std::string& name : AggregatorNames()) {
    SCOPED_TRACE(name);
    v1::AggregationSpec spec;
    spec.set_rule(name);
    spec.set_trim(0.1);
    spec.set_attackers(2);
    spec.set_radius(1);
    ASSERT_OK_AND_ASSIGN(const auto rule, MakeAggregator(spec));
    Coefficients coefficients = rule->Weigh(infos).value();
    if (rule->NeedsStatistics()) {
      EXPECT_EQ(Measured(doubles).squared_distance, Measured(floats).squared_distance);
      coefficients = rule->Judge(Measured(doubles), std::move(coefficients)).value();
    }
    std::vector<double> of_floats(75);
    std::vector<double> of_doubles(75);
    rule->Reduce(Spans(floats), coefficients, of_floats);
    rule->ReduceF64(Spans(doubles), coefficients, of_doubles);
    EXPECT_EQ(of_doubles, of_floats);
  }
}

TEST(RobustRulesTest, MoreUpdatesThanARuleCanTakeAreRefused) {
  EXPECT_OK(MakeMedian()->CheckNumUpdates(65535));
  EXPECT_FALSE(MakeMedian()->CheckNumUpdates(65536).ok());
  ASSERT_OK_AND_ASSIGN(const auto trimmed, MakeTrimmedMean(0.1));
  EXPECT_FALSE(trimmed->CheckNumUpdates(65536).ok());
  EXPECT_OK(MakeGeometricMedian()->CheckNumUpdates(1000));
  EXPECT_FALSE(MakeGeometricMedian()->CheckNumUpdates(1001).ok());
  ASSERT_OK_AND_ASSIGN(const auto krum, MakeKrum(2));
  EXPECT_FALSE(krum->CheckNumUpdates(1001).ok());
  EXPECT_OK(MakeMean()->CheckNumUpdates(1'000'000));
  EXPECT_FALSE(WithNormClipping(MakeMean(), 1)->CheckNumUpdates(1001).ok());
}

TEST(RobustRulesTest, CenteredClippingPullsInWhatIsFar) {
  const Rows<float> rows = {{1, 0}, {0, 1}, {1000, 0}};
  // One step from the origin: (1, 0) and (0, 1) as they are, (1000, 0) at length 2.
  EXPECT_THAT(CenteredClippingFactors(Plainly(rows), 2, 1),
              ElementsAre(1.0 / 3, 1.0 / 3, DoubleNear(0.002 / 3, 1e-18)));
  // A second step by hand: from v the others by x - v, the far one by 2 (x - v) / |x - v|.
  const double v[2] = {1, 1.0 / 3};
  const double far = std::hypot(1000 - v[0], v[1]);
  const std::vector<double> second = {
      v[0] + ((1 - v[0]) + (0 - v[0]) + 2 * (1000 - v[0]) / far) / 3,
      v[1] + ((0 - v[1]) + (1 - v[1]) + 2 * (0 - v[1]) / far) / 3};
  const Rows<double> doubles = {{1, 0}, {0, 1}, {1000, 0}};
  EXPECT_THAT(Combine(CenteredClippingFactors(Plainly(rows), 2, 2), doubles), Near(second, 1e-9));
  EXPECT_THAT(Reduced(*MakeCenteredClipping(1e9).value(), rows), Near({1001.0 / 3, 1.0 / 3}, 1e-9));
}

TEST(RobustRulesTest, NormClippingComesBeforeTheRule) {
  const Rows<float> rows = {{3, 4}, {300, 400}, {0, 1}};
  EXPECT_THAT(Reduced(*WithNormClipping(MakeMean(), 5), rows), Near({2, 3}, 1e-12));
  EXPECT_THAT(Reduced(*WithNormClipping(MakeMedian(), 5), rows), ElementsAre(3, 4));
  const Rows<float> many = {{1, 0}, {1.1F, 0}, {1.2F, 0}, {0, 1}, {900, 0}};
  EXPECT_THAT(Reduced(*MakeKrum(1).value(), many), ElementsAre(static_cast<double>(1.1F), 0));
  const std::vector<double> clipped = Reduced(*WithNormClipping(MakeKrum(1).value(), 1), many);
  EXPECT_THAT(clipped, Near({1, 0}, 1e-12));
}

TEST(RobustRulesTest, TooFewUpdatesForSoManyAttackersAreRefused) {
  EXPECT_THAT(
      MakeKrum(2).value()->CheckNumUpdates(6),
      Fails(Code::kFailedPrecondition,
            HasSubstr("krum against aggregation.attackers = 2 needs 7 updates; there are 6")));
  EXPECT_OK(MakeKrum(2).value()->CheckNumUpdates(7));
  EXPECT_THAT(MakeBulyan(1).value()->CheckNumUpdates(6),
              Fails(Code::kFailedPrecondition, HasSubstr("needs 7 updates")));
  EXPECT_OK(MakeBulyan(1).value()->CheckNumUpdates(7));
  EXPECT_THAT(MakeMultiKrum(0, 9).value()->CheckNumUpdates(8),
              Fails(Code::kFailedPrecondition, HasSubstr("aggregation.select is 9")));
}

TEST(RobustRulesTest, EveryNameMakesARule) {
  for (const std::string& name : AggregatorNames()) {
    v1::AggregationSpec spec;
    spec.set_rule(name);
    spec.set_trim(0.1);
    spec.set_attackers(1);
    spec.set_radius(1);
    EXPECT_OK(MakeAggregator(spec)) << name;
    spec.set_clipping_norm(2);
    ASSERT_OK_AND_ASSIGN(const auto clipped, MakeAggregator(spec));
    EXPECT_TRUE(clipped->NeedsStatistics()) << name;
    spec.set_clipping_norm(-1);
    EXPECT_THAT(MakeAggregator(spec), Fails(Code::kInvalidArgument, HasSubstr("clipping_norm")));
  }
}

}  // namespace
}  // namespace skerry::learning
