#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "learning/aggregators/all.h"
#include "learning/aggregators/sorted_mean_reference.h"
#include "learning/golden_rules.h"
#include "learning/random_data.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using skerry::testing::Fails;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::unique_ptr<Aggregator> Make(const std::string& rule, double trim = 0) {
  v1::AggregationSpec spec;
  spec.set_rule(rule);
  spec.set_trim(trim);
  return MakeAggregator(spec).value();
}

std::vector<UpdateInfo> Infos(std::size_t n, int64_t num_examples = 5) {
  return std::vector<UpdateInfo>(n, {"site", num_examples, 0});
}

std::vector<double> Reduce(const Aggregator& aggregator,
                           const std::vector<std::vector<float>>& rows) {
  const Coefficients coefficients = aggregator.Weigh(Infos(rows.size())).value();
  const std::vector<std::span<const float>> spans(rows.begin(), rows.end());
  std::vector<double> out(rows[0].size());
  aggregator.Reduce(spans, coefficients, out);
  return out;
}

TEST(MedianTest, TakesTheMiddleOrTheMeanOfTheMiddleTwo) {
  const auto median = Make("median");
  EXPECT_THAT(Reduce(*median, {{1, -2}, {1e30F, 5}, {3, 0}}), ElementsAre(3, 0));
  EXPECT_THAT(Reduce(*median, {{1, -2}, {1e30F, 5}, {3, 0}, {4, 1}}), ElementsAre(3.5, 0.5));
  EXPECT_THAT(Reduce(*median, {{7}}), ElementsAre(7));
}

TEST(TrimmedMeanTest, DropsTheFloorOfItsShareAtEachEnd) {
  const std::vector<std::vector<float>> rows = {{9}, {1}, {100}, {2}, {4}, {-50}, {3}};
  EXPECT_THAT(Reduce(*Make("trimmed_mean", 0.0), rows), ElementsAre(69.0 / 7));
  EXPECT_THAT(Reduce(*Make("trimmed_mean", 0.14), rows), ElementsAre(69.0 / 7));
  EXPECT_THAT(Reduce(*Make("trimmed_mean", 0.15), rows), ElementsAre(19.0 / 5));
  EXPECT_THAT(Reduce(*Make("trimmed_mean", 0.3), rows), ElementsAre(3.0));
  EXPECT_THAT(Reduce(*Make("trimmed_mean", 0.5), rows), ElementsAre(3.0));
}

TEST(OrderRulesTest, ASiteThatClaimsManyExamplesCountsLikeAnyOther) {
  for (const char* rule : {"median", "trimmed_mean"}) {
    const auto aggregator = Make(rule, 0.25);
    const std::vector<UpdateInfo> updates = {{"a", 1, 0}, {"b", 1'000'000, 0}, {"c", 0, 0}};
    ASSERT_OK_AND_ASSIGN(const Coefficients c, aggregator->Weigh(updates));
    EXPECT_THAT(c.weight, ElementsAre(1, 1, 1));
    EXPECT_THAT(c.use, ElementsAre(true, true, true));
  }
}

TEST(OrderRulesTest, ASiteThatIsNotInUseHasNoValue) {
  const std::vector<float> a = {1};
  const std::vector<float> b = {1000};
  const std::vector<float> c = {3};
  std::vector<double> out(1);
  Make("median")->Reduce(std::vector<std::span<const float>>{a, b, c},
                         {{1, 1, 1}, {1, 1, 1}, {true, false, true}}, out);
  EXPECT_THAT(out, ElementsAre(2));
}

TEST(OrderRulesTest, TooFewUpdatesAreRefusedWithTheReason) {
  EXPECT_THAT(Make("median")->Weigh({}), Fails(Code::kFailedPrecondition, HasSubstr("no update")));
  const auto half = Make("trimmed_mean", 0.5);
  EXPECT_THAT(half->Weigh(Infos(6)),
              Fails(Code::kFailedPrecondition, HasSubstr("trim 0.5 leaves nothing of 6 updates")));
  EXPECT_OK(half->Weigh(Infos(7)));
  EXPECT_THAT(half->Weigh({}), Fails(Code::kFailedPrecondition, HasSubstr("of 0 updates")));
}

TEST(OrderRulesTest, TheySayWhenTheyProtectFromNothing) {
  EXPECT_THAT(Make("median")->WeaknessOf(2), HasSubstr("the median of 2 updates is their mean"));
  EXPECT_THAT(Make("median")->WeaknessOf(3), IsEmpty());
  EXPECT_THAT(Make("trimmed_mean", 0.1)->WeaknessOf(9), HasSubstr("takes nothing from 9 updates"));
  EXPECT_THAT(Make("trimmed_mean", 0.1)->WeaknessOf(10), IsEmpty());
  EXPECT_THAT(Make("mean")->WeaknessOf(1), IsEmpty());
}

TEST(OrderRulesTest, AnUnknownRuleOrShareIsRefused) {
  v1::AggregationSpec spec;
  spec.set_rule("mode");
  EXPECT_THAT(MakeAggregator(spec), Fails(Code::kInvalidArgument, HasSubstr("aggregation.rule")));
  spec.set_rule("trimmed_mean");
  for (const double trim : {-0.1, 0.51, std::numeric_limits<double>::quiet_NaN()}) {
    spec.set_trim(trim);
    EXPECT_THAT(MakeAggregator(spec), Fails(Code::kInvalidArgument, HasSubstr("aggregation.trim")));
  }
}

}  // namespace
}  // namespace skerry::learning
