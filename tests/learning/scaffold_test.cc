#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "learning/one_number.h"
#include "learning/three_sites.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::HasSubstr;

const std::vector<OneNumberSite> kSites = {{8, 1, 1}, {0, 1, 2}};

// From 0, one step towards 8 and two towards 0: updates 4 and 0, slopes c_k of -8 and 0.
TEST(ScaffoldTest, AControlIsTheMeanGradientOfTheSitesWay) {
  OneNumberFederation federation(HalfSteps("scaffold"), kSites);
  federation.Round();
  EXPECT_EQ(federation.w(), 2.0);
  EXPECT_EQ(federation.kept(0, "control"), -8.0);
  EXPECT_EQ(federation.kept(1, "control"), 0.0);
  EXPECT_EQ(federation.state("control"), -4.0);
}

// Then from 2, with c - c_k of 4 and -4: 2 - (-6 + 4) / 2 = 3; and 2, 3, 3.5.
// c_k: -8 + 4 + (2 - 3) / 0.5 and 0 + 4 + (2 - 3.5) / 1.
TEST(ScaffoldTest, TheDifferenceOfTheControlsIsAddedToEachGradient) {
  OneNumberFederation federation(HalfSteps("scaffold"), kSites);
  federation.Rounds(2);
  EXPECT_EQ(federation.w(), 2.0 + (1.0 + 1.5) / 2);
  EXPECT_EQ(federation.kept(0, "control"), -6.0);
  EXPECT_EQ(federation.kept(1, "control"), 2.5);
  EXPECT_EQ(federation.state("control"), (-6.0 + 2.5) / 2);
}

TEST(ScaffoldTest, TheServersRateIsOfTheModelAlone) {
  v1::TrainingSpec spec = HalfSteps("scaffold");
  spec.mutable_server()->set_learning_rate(0.25);
  OneNumberFederation federation(spec, kSites);
  federation.Round();
  EXPECT_EQ(federation.w(), 0.5);
  EXPECT_EQ(federation.state("control"), -4.0);
}

// One of two sites: the run's control goes half of the way.
TEST(ScaffoldTest, TheControlMovesByTheShareOfSitesThatTookPart) {
  OneNumberFederation federation(HalfSteps("scaffold"), kSites);
  federation.RoundOf({0});
  EXPECT_EQ(federation.w(), 4.0);
  EXPECT_EQ(federation.state("control"), -4.0);
}

// A site that has lost its control takes the run's, which corrects nothing: 2 + (8 - 2) / 2.
TEST(ScaffoldTest, ASiteThatLostItsControlTrainsAsFedAvg) {
  OneNumberFederation federation(HalfSteps("scaffold"), kSites);
  federation.Round();
  federation.LoseKept(0);
  federation.RoundOf({0});
  EXPECT_EQ(federation.w(), 5.0);
  EXPECT_EQ(federation.kept(0, "control"), -6.0);
}

// FedAvg ends where the site of two steps has pulled it.
TEST(ScaffoldTest, UnequalStepsDoNotMoveWhereItEnds) {
  OneNumberFederation federation(HalfSteps("scaffold"), kSites);
  federation.Rounds(300);
  EXPECT_NEAR(federation.w(), 4.0, 1e-12);
  EXPECT_NEAR(federation.kept(0, "control"), -4.0, 1e-12);
}

TEST(ScaffoldTest, ReachesTheBestModelForAllRows) {
  const ThreeSites sites;
  EXPECT_LT(sites.Slope(sites.After(ThreeSites::Spec("scaffold"), 2000), false), 1e-10);
}

TEST(ScaffoldTest, WithUniformWeightsReachesTheBestModelForThePlainMeanOfTheSites) {
  const ThreeSites sites;
  v1::TrainingSpec spec = ThreeSites::Spec("scaffold");
  spec.set_weighting("uniform");
  EXPECT_LT(sites.Slope(sites.After(spec, 2000), true), 1e-10);
}

TEST(ScaffoldTest, OptimizersAndRulesForWhichItsEquationsDoNotHoldAreRefused) {
  const auto refuses = [](const char* key, const std::function<void(v1::TrainingSpec&)>& set) {
    v1::TrainingSpec spec = HalfSteps("scaffold");
    set(spec);
    EXPECT_THAT(MakeStrategy(spec), Fails(Code::kInvalidArgument, HasSubstr(key)));
  };
  refuses("optimizer", [](v1::TrainingSpec& spec) { spec.set_optimizer("adam"); });
  refuses("momentum", [](v1::TrainingSpec& spec) { spec.set_momentum(0.9); });
  refuses("nesterov", [](v1::TrainingSpec& spec) { spec.set_nesterov(true); });
  refuses("aggregation",
          [](v1::TrainingSpec& spec) { spec.mutable_aggregation()->set_rule("median"); });
  refuses("aggregation",
          [](v1::TrainingSpec& spec) { spec.mutable_aggregation()->set_clipping_norm(1); });
  refuses("server.learning_rate",
          [](v1::TrainingSpec& spec) { spec.mutable_server()->set_learning_rate(-1); });
}

}  // namespace
}  // namespace skerry::learning
