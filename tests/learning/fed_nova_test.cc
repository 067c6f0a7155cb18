#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "learning/one_number.h"
#include "learning/three_sites.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;

// From 4, one step towards 8 and two towards 0: updates 2 and -3, of one and two steps. Their mean
// per step, 1/4, times the mean number of steps, 3/2.
TEST(FedNovaTest, UpdatesAreDividedByTheirSteps) {
  OneNumberFederation federation(HalfSteps("fednova"), {{8, 1, 1}, {0, 1, 2}});
  federation.SetW(4);
  federation.Round();
  EXPECT_EQ(federation.w(), 4.0 + 1.5 * (2.0 / 1 - 3.0 / 2) / 2);
}

// The same with three rows at the first: (3 * 2 - 3/2) / 4, times (3 + 2) / 4.
TEST(FedNovaTest, TheMeansAreByRows) {
  OneNumberFederation federation(HalfSteps("fednova"), {{8, 3, 1}, {0, 1, 2}});
  federation.SetW(4);
  federation.Round();
  EXPECT_DOUBLE_EQ(federation.w(), 4.0 + 1.25 * (3 * 2.0 - 1.5) / 4);
}

TEST(FedNovaTest, WithEqualStepsItIsFedAvg) {
  OneNumberFederation plain(HalfSteps("fedavg"), {{8, 1, 2}, {0, 3, 2}});
  OneNumberFederation normalized(HalfSteps("fednova"), {{8, 1, 2}, {0, 3, 2}});
  plain.Rounds(5);
  normalized.Rounds(5);
  EXPECT_DOUBLE_EQ(normalized.w(), plain.w());
}

std::map<std::string, double> SaysAfter(int64_t steps, double momentum, double mu) {
  v1::TrainingSpec spec = HalfSteps("fednova");
  spec.set_momentum(momentum);
  spec.set_proximal_mu(mu);
  const auto site = MakeLocalAlgorithm<double>(spec);
  LocalEnd<double> end;
  site->End({}, steps, 0.5, end);
  return end.scalars;
}

// Section 4.1: a counter 1, 3/2, 7/4, whose sum is 17/4.
TEST(FedNovaTest, WithMomentumAStepCountsAsMuchAsItsVelocity) {
  EXPECT_EQ(SaysAfter(3, 0, 0).at("normalizer"), 3.0);
  EXPECT_EQ(SaysAfter(3, 0.5, 0).at("normalizer"), 4.25);
  EXPECT_EQ(SaysAfter(3, 0.5, 0).at("num_steps"), 3.0);
}

// eta mu = 1/2: 1, 1/2 + 1, 3/4 + 1.
TEST(FedNovaTest, AProximalTermForgetsEarlierSteps) {
  EXPECT_EQ(SaysAfter(3, 0, 1).at("normalizer"), 1.75);
}

// From 0 towards 8 in two steps with mu = 1: an update of 4, normalizer 3/2, and tau counts steps.
TEST(FedNovaTest, AProximalTermPullsAsFedProxDoes) {
  v1::TrainingSpec spec = HalfSteps("fednova");
  spec.set_proximal_mu(1);
  OneNumberFederation federation(spec, {{8, 1, 2}});
  federation.Round();
  EXPECT_DOUBLE_EQ(federation.w(), 2 * 4.0 / 1.5);
}

TEST(FedNovaTest, DoesNotCareWhichSiteTakesMoreSteps) {
  const ThreeSites sites;
  constexpr std::array<int64_t, 3> kSteps = {16, 4, 2};
  const double pulled = sites.Slope(sites.After(ThreeSites::Spec("fedavg"), 2000, kSteps), false);
  const double normalized =
      sites.Slope(sites.After(ThreeSites::Spec("fednova"), 2000, kSteps), false);
  EXPECT_GT(pulled, 10 * normalized);
}

TEST(FedNovaTest, ASiteThatDoesNotSayItsStepsOrLiesIsNamed) {
  ASSERT_OK_AND_ASSIGN(const auto strategy, MakeStrategy(HalfSteps("fednova")));
  std::vector<UpdateInfo> counted = {{"north", 1, 0, {{"normalizer", 2}, {"num_steps", 2}}},
                                     {"south", 1, 0, {{"normalizer", 2}}}};
  EXPECT_THAT(strategy->Weigh(counted),
              Fails(Code::kFailedPrecondition, AllOf(HasSubstr("south"), HasSubstr("num_steps"))));
  counted[1].scalars = {{"normalizer", 0}, {"num_steps", 2}};
  EXPECT_THAT(strategy->Weigh(counted),
              Fails(Code::kFailedPrecondition, AllOf(HasSubstr("south"), HasSubstr("normalizer"))));
}

TEST(FedNovaTest, SettingsForWhichItsEquationsDoNotHoldAreRefused) {
  const auto refuses = [](const char* key, const std::function<void(v1::TrainingSpec&)>& set) {
    v1::TrainingSpec spec = HalfSteps("fednova");
    set(spec);
    EXPECT_THAT(MakeStrategy(spec), Fails(Code::kInvalidArgument, HasSubstr(key)));
  };
  refuses("optimizer", [](v1::TrainingSpec& spec) { spec.set_optimizer("adamw"); });
  refuses("nesterov", [](v1::TrainingSpec& spec) { spec.set_nesterov(true); });
  refuses("proximal_mu", [](v1::TrainingSpec& spec) { spec.set_proximal_mu(-1); });
  refuses("learning_rate", [](v1::TrainingSpec& spec) { spec.set_proximal_mu(2); });
  refuses("aggregation",
          [](v1::TrainingSpec& spec) { spec.mutable_aggregation()->set_rule("krum"); });
}

}  // namespace
}  // namespace skerry::learning
