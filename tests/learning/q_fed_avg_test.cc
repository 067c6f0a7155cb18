#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "learning/one_number.h"
#include "learning/three_sites.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::TrainingSpec Spec(double q) {
  v1::TrainingSpec spec = HalfSteps("qfedavg");
  spec.set_q(q);
  return spec;
}

// From 0 towards 2 and -4: losses 2 and 8, updates 1 and -2, L = 2. With q = 1 the sum of F L delta
// is 2 (2 - 16), and h is (4 + 2 * 2) + (16 + 2 * 8).
TEST(QFedAvgTest, UpdatesWeighByTheLossThatTheirSitesBeganWith) {
  OneNumberFederation federation(Spec(1.0), {{2}, {-4}});
  federation.Round();
  EXPECT_NEAR(federation.w(), -28.0 / 40.0, 1e-14);
}

// q = 2: the sum of F^2 L delta is 2 (4 - 128); h = 2 * 2 * 4 + 2 * 4 and 2 * 8 * 16 + 2 * 64.
TEST(QFedAvgTest, ALargerQWeighsTheWorstSiteMore) {
  OneNumberFederation federation(Spec(2.0), {{2}, {-4}});
  federation.Round();
  EXPECT_NEAR(federation.w(), -248.0 / (24.0 + 384.0), 1e-14);
}

TEST(QFedAvgTest, WithQ0ItIsThePlainMean) {
  OneNumberFederation federation(Spec(0.0), {{2, 7}, {-4, 1}});
  federation.Round();
  EXPECT_NEAR(federation.w(), -0.5, 1e-15);
}

TEST(QFedAvgTest, WithQ0ItIsThePlainMeanOfUpdatesRoundAfterRound) {
  const ThreeSites sites;
  v1::TrainingSpec uniform = ThreeSites::Spec("fedavg");
  uniform.set_weighting("uniform");
  const std::vector<double> mean = sites.After(uniform, 20);
  const std::vector<double> fair = sites.After(ThreeSites::Spec("qfedavg"), 20);
  for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(fair[i], mean[i], 1e-13);
}

TEST(QFedAvgTest, ALargeQEvensOutTheSitesLosses) {
  const ThreeSites sites;
  const auto spread = [&](double q) {
    v1::TrainingSpec spec = ThreeSites::Spec("qfedavg");
    spec.set_q(q);
    const std::array<double, 3> losses = sites.Losses(sites.After(spec, 3000));
    const auto [least, most] = std::minmax_element(losses.begin(), losses.end());
    return *most - *least;
  };
  EXPECT_LT(spread(5), 0.7 * spread(0));
}

// F = 0 at a site: F^(q - 1) is no number that may reach the model.
TEST(QFedAvgTest, SitesThatHaveNothingToImproveDoNotMoveTheModel) {
  OneNumberFederation federation(Spec(0.5), {{0}, {0}});
  federation.Round();
  EXPECT_EQ(federation.w(), 0.0);
}

TEST(QFedAvgTest, ASiteWithoutALossOrWithAnImpossibleOneIsNamed) {
  ASSERT_OK_AND_ASSIGN(const auto strategy, MakeStrategy(Spec(1.0)));
  std::vector<UpdateInfo> counted = {{"north", 1, 0, {{"initial_loss", 1}}}, {"south", 1}};
  EXPECT_THAT(
      strategy->Weigh(counted),
      Fails(Code::kFailedPrecondition, AllOf(HasSubstr("south"), HasSubstr("initial_loss"))));
  counted[1].scalars = {{"initial_loss", std::nan("")}};
  EXPECT_THAT(strategy->Weigh(counted), Fails(Code::kFailedPrecondition, HasSubstr("south")));
}

// 10^(100 / q): its power still fits beside updates and norms.
TEST(QFedAvgTest, ALossThatIsTooLargeForQIsRefusedWithWhatHelps) {
  const auto check = [](double q, double loss) {
    return MakeStrategy(Spec(q)).value()->CheckScalars({{"initial_loss", loss}});
  };
  EXPECT_OK(check(20, 0.99e5));
  const Status status = check(20, 1.01e5);
  EXPECT_THAT(status, Fails(Code::kInvalidArgument, HasSubstr("initial_loss is 101000")));
  EXPECT_THAT(status.hint(), AllOf(HasSubstr("scale the labels"), HasSubstr("training.q")));
  EXPECT_OK(check(2, 1.01e5));
  EXPECT_THAT(check(20, -1).hint(), IsEmpty());
}

TEST(QFedAvgTest, WrongSettingsAreRefusedByName) {
  for (const double q : {-1.0, 21.0, std::nan("")}) {
    EXPECT_THAT(MakeStrategy(Spec(q)), Fails(Code::kInvalidArgument, HasSubstr("training.q")));
  }
  v1::TrainingSpec spec = Spec(1.0);
  spec.set_weighting("examples");
  EXPECT_THAT(MakeStrategy(spec), Fails(Code::kInvalidArgument, HasSubstr("weighting")));
}

}  // namespace
}  // namespace skerry::learning
