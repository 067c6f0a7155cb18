#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learning/one_number.h"
#include "learning/three_sites.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Updates of 4 (one row) and 0 (three rows): 1. Then from 1: 3.5 and -0.5, which make 0.5.
TEST(FedAvgTest, TheModelMovesByTheMeanOfTheUpdatesByTheirRows) {
  OneNumberFederation federation(HalfSteps("fedavg"), {{8, 1}, {0, 3}});
  federation.Round();
  EXPECT_EQ(federation.w(), 1.0);
  federation.Round();
  EXPECT_EQ(federation.w(), 1.5);
}

TEST(FedAvgTest, UniformWeightsCountEachSiteAlike) {
  v1::TrainingSpec spec = HalfSteps("fedavg");
  spec.set_weighting("uniform");
  OneNumberFederation federation(spec, {{8, 1}, {0, 3}});
  federation.Round();
  EXPECT_EQ(federation.w(), 2.0);
}

// The weights are those of the sites that took part.
TEST(FedAvgTest, ASiteThatIsAwayWeighsNothing) {
  OneNumberFederation federation(HalfSteps("fedavg"), {{8, 1}, {0, 3}});
  federation.RoundOf({0});
  EXPECT_EQ(federation.w(), 4.0);
}

TEST(FedAvgTest, WithEqualStepsItEndsAtTheBestModelOfAllRows) {
  OneNumberFederation federation(HalfSteps("fedavg"), {{8, 1}, {0, 3}});
  federation.Rounds(100);
  EXPECT_DOUBLE_EQ(federation.w(), 2.0);
}

// One step goes half of the way to the site's best, two go three quarters: (10 - w) 3/4 = w / 2.
TEST(FedAvgTest, ASiteThatTakesMoreStepsPullsMore) {
  OneNumberFederation federation(HalfSteps("fedavg"), {{0, 1, 1}, {10, 1, 2}});
  federation.Rounds(100);
  EXPECT_DOUBLE_EQ(federation.w(), 6.0);
}

TEST(FedAvgTest, StopsBesideTheBestModelWhereSitesDiffer) {
  const ThreeSites sites;
  const double slope = sites.Slope(sites.After(ThreeSites::Spec("fedavg"), 2000), false);
  EXPECT_GT(slope, 1e-4);
  EXPECT_LT(slope, 1e-1);
}

TEST(FedAvgTest, AnotherRuleTakesThePlaceOfTheMean) {
  v1::TrainingSpec spec = HalfSteps("fedavg");
  spec.mutable_aggregation()->set_rule("median");
  ASSERT_OK_AND_ASSIGN(const auto strategy, MakeStrategy(spec));
  const std::vector<UpdateInfo> counted = {{"a", 100}, {"b", 1}, {"c", 1}};
  ASSERT_OK_AND_ASSIGN(const Coefficients weights, strategy->Weigh(counted));
  const std::vector<float> values[] = {{1}, {2}, {30}};
  const std::vector<std::span<const float>> rows(std::begin(values), std::end(values));
  std::vector<double> reduced(1);
  strategy->aggregator().Reduce(rows, weights, reduced);
  EXPECT_EQ(reduced[0], 2.0);
}

TEST(FedAvgTest, ARoundOfNobodyIsNotApplied) {
  ASSERT_OK_AND_ASSIGN(const auto strategy, MakeStrategy(HalfSteps("fedavg")));
  EXPECT_THAT(strategy->Prepare({.round = 1}, {}),
              Fails(Code::kFailedPrecondition, HasSubstr("no update")));
}

TEST(FedAvgTest, UnknownRulesAndWeightingsAreRefused) {
  v1::TrainingSpec spec = HalfSteps("fedavg");
  spec.set_weighting("rows");
  EXPECT_THAT(MakeStrategy(spec),
              Fails(Code::kInvalidArgument, AllOf(HasSubstr("weighting"), HasSubstr("uniform"))));
  spec = HalfSteps("fedavg");
  spec.mutable_aggregation()->set_rule("mode");
  EXPECT_THAT(MakeStrategy(spec), Fails(Code::kInvalidArgument, HasSubstr("mode")));
}

}  // namespace
}  // namespace skerry::learning
