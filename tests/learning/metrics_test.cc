#include "learning/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "learning/aggregator.h"
#include "learning/random_data.h"
#include "learning/random_scores.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr OutputKind kKinds[] = {OutputKind::kValue, OutputKind::kBinary, OutputKind::kClasses};

std::vector<std::string> Names(const std::vector<Metric>& metrics) {
  std::vector<std::string> names;
  names.reserve(metrics.size());
  for (const Metric& metric : metrics) names.push_back(metric.name);
  return names;
}

double ValueOf(const std::vector<Metric>& metrics, const std::string& name) {
  for (const Metric& metric : metrics) {
    if (metric.name == name) return metric.value;
  }
  ADD_FAILURE() << "no metric " << name;
  return 0;
}

TEST(MetricsTest, OfAFewBinaryRowsByHand) {
  const std::vector<float> outputs = {2.0F, -1.0F, 0.0F, 3.0F};
  const std::vector<float> labels = {1.0F, 0.0F, 1.0F, 0.0F};
  const EvaluationSums sums = Evaluate(OutputKind::kBinary, 1, outputs, labels);
  EXPECT_EQ(sums.num_examples, 4);
  EXPECT_EQ(sums.num_positive, 2);
  EXPECT_EQ(sums.num_correct, 2);  // a logit of 0 says class 0
  EXPECT_EQ(sums.positive_histogram[160], 1);
  EXPECT_EQ(sums.positive_histogram[128], 1);
  EXPECT_EQ(sums.negative_histogram[112], 1);
  EXPECT_EQ(sums.negative_histogram[176], 1);
  const std::vector<Metric> metrics = ToMetrics(OutputKind::kBinary, "test", sums);
  EXPECT_THAT(Names(metrics), ElementsAre("test.log_loss", "test.auc", "test.accuracy"));
  // Of the pairs (2, -1), (2, 3), (0, -1), (0, 3) two are in order.
  EXPECT_EQ(ValueOf(metrics, "test.auc"), 0.5);
  EXPECT_EQ(ValueOf(metrics, "test.accuracy"), 0.5);
  const double loss = (std::log1p(std::exp(-2.0)) + std::log1p(std::exp(-1.0)) + std::log(2.0) +
                       std::log1p(std::exp(3.0))) /
                      4;
  EXPECT_NEAR(ValueOf(metrics, "test.log_loss"), loss, 1e-15);
  EXPECT_EQ(metrics[1].num_examples, 4);
  EXPECT_EQ(metrics[1].num_positive, 2);
}

TEST(MetricsTest, OfAFewValuesByHand) {
  const std::vector<float> outputs = {1.0F, 2.0F, 6.0F};
  const std::vector<float> labels = {2.0F, 2.0F, 5.0F};
  const auto metrics =
      ToMetrics(OutputKind::kValue, "train", Evaluate(OutputKind::kValue, 1, outputs, labels));
  EXPECT_THAT(Names(metrics), ElementsAre("train.mse", "train.mae", "train.r2"));
  EXPECT_DOUBLE_EQ(ValueOf(metrics, "train.mse"), 2.0 / 3);
  EXPECT_DOUBLE_EQ(ValueOf(metrics, "train.mae"), 2.0 / 3);
  EXPECT_DOUBLE_EQ(ValueOf(metrics, "train.r2"), 1 - 2.0 / 6);
}

TEST(MetricsTest, OfEqualLogitsTheFirstClassCounts) {
  const std::vector<float> outputs = {1, 1, 0, 0, 2, 2, 3, 1, 2};
  const std::vector<float> labels = {0, 2, 0};
  const EvaluationSums sums = Evaluate(OutputKind::kClasses, 3, outputs, labels);
  EXPECT_EQ(sums.num_correct, 2);
  const auto metrics = ToMetrics(OutputKind::kClasses, "test", sums);
  EXPECT_THAT(Names(metrics), ElementsAre("test.log_loss", "test.accuracy"));
  EXPECT_DOUBLE_EQ(ValueOf(metrics, "test.accuracy"), 2.0 / 3);
}

TEST(MetricsTest, ScoresBeyondTheBinsFallIntoTheOutermost) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> outputs = {-inf, -9.0F, -8.0F, -7.9375F, 7.9374F, 7.9375F, 1e30F, inf};
  const std::vector<float> labels(outputs.size(), 1.0F);
  const EvaluationSums sums = Evaluate(OutputKind::kBinary, 1, outputs, labels);
  EXPECT_EQ(sums.positive_histogram[0], 3);
  EXPECT_EQ(sums.positive_histogram[1], 1);
  EXPECT_EQ(sums.positive_histogram[254], 1);
  EXPECT_EQ(sums.positive_histogram[255], 3);
}

TEST(MetricsTest, TwoSitesTogetherAreTheirRowsTogether) {
  for (const OutputKind kind : kKinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    const int64_t width = kind == OutputKind::kClasses ? 3 : 1;
    const std::vector<float> outputs = RandomFloats(500 * width, 1);
    const std::vector<float> labels = RandomClasses(500, kind == OutputKind::kClasses ? 3 : 2, 2);
    const auto part = [&](std::size_t first, std::size_t count) {
      const auto w = static_cast<std::size_t>(width);
      return ToValues(kind, Evaluate(kind, width, std::span(outputs).subspan(first * w, count * w),
                                     std::span(labels).subspan(first, count)));
    };
    const EvaluationValues all = part(0, 500);
    EvaluationValues sum = part(0, 123);
    const EvaluationValues rest = part(123, 377);
    ASSERT_OK(AddI64(rest.counts, sum.counts));
    AddF64(rest.sums, sum.sums);
    EXPECT_EQ(sum.counts, all.counts);
    for (std::size_t i = 0; i < all.sums.size(); ++i) {
      EXPECT_NEAR(sum.sums[i], all.sums[i], 1e-12 * (1 + std::fabs(all.sums[i])));
    }
    ASSERT_OK_AND_ASSIGN(const EvaluationSums joined, FromValues(kind, sum));
    ASSERT_OK_AND_ASSIGN(const EvaluationSums whole, FromValues(kind, all));
    const auto metrics = ToMetrics(kind, "test", joined);
    const auto expected = ToMetrics(kind, "test", whole);
    ASSERT_EQ(Names(metrics), Names(expected));
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      EXPECT_NEAR(metrics[i].value, expected[i].value, 1e-12);
    }
  }
}

TEST(MetricsTest, TheHistogramsAucIsNearTheExactOne) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const double prevalence : {0.5, 0.05}) {
      const float shift = static_cast<float>(seed % 4) * 0.7F;
      const float scale = seed % 3 == 0 ? 3.0F : 1.0F;
      SCOPED_TRACE(seed);
      const Scores rows(4000, prevalence, shift, scale, seed);
      const double exact = ExactAuc(rows.scores, rows.labels);
      const auto metrics = ToMetrics(OutputKind::kBinary, "test", rows.Sums());
      EXPECT_NEAR(ValueOf(metrics, "test.auc"), exact, 2e-3);
    }
  }
}

TEST(MetricsTest, WhatIsUndefinedIsAbsent) {
  for (const OutputKind kind : kKinds) {
    EXPECT_THAT(ToMetrics(kind, "test", Evaluate(kind, 1, std::span<const float>(), {})),
                IsEmpty());
  }
  const std::vector<float> outputs = {0.5F, 1.5F};
  const std::vector<float> ones = {1.0F, 1.0F};
  EXPECT_THAT(
      Names(ToMetrics(OutputKind::kBinary, "v", Evaluate(OutputKind::kBinary, 1, outputs, ones))),
      ElementsAre("v.log_loss", "v.accuracy"));
  EXPECT_THAT(
      Names(ToMetrics(OutputKind::kValue, "v", Evaluate(OutputKind::kValue, 1, outputs, ones))),
      ElementsAre("v.mse", "v.mae"));
}

TEST(MetricsTest, AnOutputThatIsNoNumberTakesTheMetricsWithIt) {
  const std::vector<float> outputs = {0.5F, kNan};
  const std::vector<float> labels = {1.0F, 0.0F};
  const EvaluationSums binary = Evaluate(OutputKind::kBinary, 1, outputs, labels);
  EXPECT_EQ(binary.num_correct, 1);
  EXPECT_EQ(binary.negative_histogram[0], 1);
  EXPECT_TRUE(std::isnan(binary.loss));
  EXPECT_THAT(ToMetrics(OutputKind::kBinary, "test", binary), IsEmpty());
  EXPECT_THAT(FromValues(OutputKind::kBinary, ToValues(OutputKind::kBinary, binary)),
              Fails(Code::kInvalidArgument, HasSubstr("finite")));
  const std::vector<float> label = {1.0F};
  const EvaluationSums classes = Evaluate(OutputKind::kClasses, 2, outputs, label);
  EXPECT_EQ(classes.num_correct, 0);
  EXPECT_THAT(ToMetrics(OutputKind::kClasses, "test", classes), IsEmpty());
  const EvaluationSums value = Evaluate(OutputKind::kValue, 1, outputs, labels);
  EXPECT_THAT(ToMetrics(OutputKind::kValue, "test", value), IsEmpty());
}

TEST(ExactAucTest, CountsPairsInOrderAndTiesHalf) {
  const std::vector<float> scores = {0.1F, 0.4F, 0.4F, 0.8F};
  const std::vector<float> labels = {0, 1, 0, 1};
  EXPECT_EQ(ExactAuc(scores, labels), 3.5 / 4);
  const std::vector<float> same(4, 1.0F);
  EXPECT_EQ(ExactAuc(same, labels), 0.5);
  const std::vector<float> perfect = {0, 1, 0, 1};
  EXPECT_EQ(ExactAuc(perfect, labels), 1.0);
}

TEST(ExactAucTest, AgreesWithAllPairs) {
  const Scores rows(300, 0.4, 0.8F, 1.0F, 3);
  double in_order = 0;
  double pairs = 0;
  for (std::size_t p = 0; p < 300; ++p) {
    for (std::size_t n = 0; n < 300; ++n) {
      if (rows.labels[p] != 1.0F || rows.labels[n] != 0.0F) continue;
      pairs += 1;
      in_order += rows.scores[p] > rows.scores[n] ? 1.0 : 0.0;
    }
  }
  EXPECT_DOUBLE_EQ(ExactAuc(rows.scores, rows.labels), in_order / pairs);
}

TEST(ExactAucTest, IsNoNumberWhenAClassOrAScoreIsMissing) {
  const std::vector<float> scores = {0.1F, 0.4F};
  const std::vector<float> ones = {1, 1};
  const std::vector<float> both = {1, 0};
  const std::vector<float> bad = {0.1F, kNan};
  EXPECT_TRUE(std::isnan(ExactAuc(scores, ones)));
  EXPECT_TRUE(std::isnan(ExactAuc(std::span<const float>(), {})));
  EXPECT_TRUE(std::isnan(ExactAuc(bad, both)));
}

}  // namespace
}  // namespace skerry::learning
