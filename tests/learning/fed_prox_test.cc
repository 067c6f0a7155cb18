#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "learning/one_number.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::HasSubstr;

v1::TrainingSpec Spec(double mu) {
  v1::TrainingSpec spec = HalfSteps("fedprox");
  spec.set_proximal_mu(mu);
  return spec;
}

// Towards 8 from 0: the first step goes to 4, where the site's pull, 4 - 8, and that of what it
// received, 4 - 0, are equal. Without mu the second goes to 6.
TEST(FedProxTest, APullTowardsTheReceivedModelIsAddedToEachGradient) {
  OneNumberFederation federation(Spec(1.0), {{8, 1, 2}});
  federation.Round();
  EXPECT_EQ(federation.w(), 4.0);
}

// The next round is pulled towards 4: to 6, where (6 - 8) + (6 - 4) = 0.
TEST(FedProxTest, ItPullsTowardsTheModelOfTheRoundNotOfTheRun) {
  OneNumberFederation federation(Spec(1.0), {{8, 1, 2}});
  federation.Rounds(2);
  EXPECT_EQ(federation.w(), 6.0);
}

// With mu = 1 a second step adds nothing: sites that take more pull as much as others, and the run
// ends in the middle (FedAvg: at 6).
TEST(FedProxTest, ItHoldsBackASiteThatTakesMoreSteps) {
  OneNumberFederation federation(Spec(1.0), {{0, 1, 1}, {10, 1, 2}});
  federation.Rounds(100);
  EXPECT_DOUBLE_EQ(federation.w(), 5.0);
}

TEST(FedProxTest, WithoutMuItIsFedAvg) {
  OneNumberFederation plain(HalfSteps("fedavg"), {{0.3, 2, 3}, {-7.1, 5, 2}});
  OneNumberFederation proximal(Spec(0.0), {{0.3, 2, 3}, {-7.1, 5, 2}});
  plain.Rounds(5);
  proximal.Rounds(5);
  EXPECT_EQ(proximal.w(), plain.w());
}

TEST(FedProxTest, AMuBelowZeroOrInfiniteIsRefused) {
  for (const double mu :
       {-0.1, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(MakeStrategy(Spec(mu)), Fails(Code::kInvalidArgument, HasSubstr("proximal_mu")));
  }
}

}  // namespace
}  // namespace skerry::learning
