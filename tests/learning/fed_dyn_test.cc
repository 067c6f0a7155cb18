#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "learning/one_number.h"
#include "learning/three_sites.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::HasSubstr;

v1::TrainingSpec Spec(double alpha) {
  v1::TrainingSpec spec = HalfSteps("feddyn");
  spec.set_alpha(alpha);
  return spec;
}

const std::vector<OneNumberSite> kSites = {{8}, {0}};

// alpha 1, from 0: updates 4 and 0; g_k = -4 and 0; h = -(4 + 0) / 2, w = 2 + 2.
TEST(FedDynTest, TheCoordinatorGoesOnByWhatItRemembers) {
  OneNumberFederation federation(Spec(1.0), kSites);
  federation.Round();
  EXPECT_EQ(federation.kept(0, "gradient"), -4.0);
  EXPECT_EQ(federation.kept(1, "gradient"), 0.0);
  EXPECT_EQ(federation.state("h"), -2.0);
  EXPECT_EQ(federation.w(), 4.0);
}

// Then from 4: (4 - 8) + 4 = 0, and 4 - 0: updates 0 and -2; h = -2 + 1, w = 4 - 1 + 1.
TEST(FedDynTest, TheSitesGradientIsTakenOffItsOwn) {
  OneNumberFederation federation(Spec(1.0), kSites);
  federation.Rounds(2);
  EXPECT_EQ(federation.kept(0, "gradient"), -4.0);
  EXPECT_EQ(federation.kept(1, "gradient"), 2.0);
  EXPECT_EQ(federation.state("h"), -1.0);
  EXPECT_EQ(federation.w(), 4.0);
}

// A second step of the round: from 4 by (4 - 8) + 1 (4 - 0) = 0, as in FedProx.
TEST(FedDynTest, SitesArePulledTowardsTheReceivedModel) {
  OneNumberFederation federation(Spec(1.0), {{8, 1, 2}, {0, 1, 2}});
  federation.Round();
  EXPECT_EQ(federation.kept(0, "gradient"), -4.0);
}

// One of two sites: h = -1/2 * 4, w = 4 + 2.
TEST(FedDynTest, WhatIsRememberedIsOfTheShareOfSitesThatTookPart) {
  OneNumberFederation federation(Spec(1.0), kSites);
  federation.RoundOf({0});
  EXPECT_EQ(federation.state("h"), -2.0);
  EXPECT_EQ(federation.w(), 6.0);
}

TEST(FedDynTest, EndsInTheMiddleOfSitesWhateverTheirRowsAndSteps) {
  OneNumberFederation federation(Spec(1.0), {{0, 5, 3}, {10, 1, 3}});
  federation.Rounds(500);
  EXPECT_NEAR(federation.w(), 5.0, 1e-12);
}

TEST(FedDynTest, ReachesTheBestModelForThePlainMeanOfTheSites) {
  const ThreeSites sites;
  v1::TrainingSpec spec = ThreeSites::Spec("feddyn");
  spec.set_alpha(0.1);
  const std::vector<double> w = sites.After(spec, 4000);
  EXPECT_LT(sites.Slope(w, true), 1e-10);
  EXPECT_GT(sites.Slope(w, false), 1e-3);  // which is another one than that of all rows
}

TEST(FedDynTest, AnAlphaThatIsNotOverZeroIsRefused) {
  for (const double alpha : {0.0, -1.0, std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(MakeStrategy(Spec(alpha)),
                Fails(Code::kInvalidArgument, HasSubstr("training.alpha")));
  }
}

TEST(FedDynTest, OtherMeansThanThePlainOneAreRefused) {
  v1::TrainingSpec spec = Spec(1.0);
  spec.set_weighting("examples");
  EXPECT_THAT(MakeStrategy(spec), Fails(Code::kInvalidArgument, HasSubstr("weighting")));
  spec = Spec(1.0);
  spec.mutable_aggregation()->set_rule("median");
  EXPECT_THAT(MakeStrategy(spec), Fails(Code::kInvalidArgument, HasSubstr("aggregation")));
}

}  // namespace
}  // namespace skerry::learning
