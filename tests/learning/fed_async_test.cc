#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learning/one_number.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::HasSubstr;

// Mixes half of a fresh model in; one that began s versions ago counts 1 / (s + 1) of that.
v1::TrainingSpec Spec() {
  v1::TrainingSpec spec = HalfSteps("fedasync");
  spec.mutable_async()->set_mixing(0.5);
  spec.mutable_async()->set_staleness("hinge");
  spec.mutable_async()->set_a(1.0);
  spec.mutable_async()->set_b(0.0);
  return spec;
}

const std::vector<OneNumberSite> kSites = {{8, 1}, {0, 3}};

// Sites make 4 of 0, and 1 of 2: 2, and (2 + 1) / 2.
TEST(FedAsyncTest, EachUpdateMixesTheSitesModelIn) {
  OneNumberFederation federation(Spec(), kSites);
  federation.Version({{0, 0}});
  EXPECT_EQ(federation.w(), 2.0);
  federation.Version({{1, 1}});
  EXPECT_EQ(federation.w(), 1.5);
}

// The model, not the update: what the first site makes of version 0 is 4 still, and counts 1/4.
TEST(FedAsyncTest, AnOldModelIsThatOfTheVersionThatItBeganWith) {
  OneNumberFederation federation(Spec(), kSites);
  federation.Version({{1, 0}});
  EXPECT_EQ(federation.w(), 0.0);
  federation.Version({{0, 1}});
  EXPECT_EQ(federation.w(), 2.0);
  federation.Version({{0, 1}});
  EXPECT_EQ(federation.w(), 0.75 * 2.0 + 0.25 * 4.0);
}

// As in FedProx: two steps with mu = 1 end at 4.
TEST(FedAsyncTest, AProximalTermPullsTowardsTheReceivedModel) {
  v1::TrainingSpec spec = Spec();
  spec.set_proximal_mu(1);
  OneNumberFederation federation(spec, {{8, 1, 2}});
  federation.Version({{0, 0}});
  EXPECT_EQ(federation.w(), 2.0);
}

TEST(FedAsyncTest, AVersionIsOfOneUpdate) {
  ASSERT_OK_AND_ASSIGN(const auto strategy, MakeStrategy(Spec()));
  const std::vector<UpdateInfo> two = {{"north", 1}, {"south", 1}};
  EXPECT_THAT(strategy->Prepare({.round = 1}, two),
              Fails(Code::kFailedPrecondition, HasSubstr("one update")));
}

TEST(FedAsyncTest, WrongSettingsAreRefusedByName) {
  v1::TrainingSpec spec = Spec();
  spec.set_proximal_mu(-1);
  EXPECT_THAT(MakeStrategy(spec), Fails(Code::kInvalidArgument, HasSubstr("proximal_mu")));
  spec = Spec();
  spec.mutable_aggregation()->set_rule("median");
  EXPECT_THAT(MakeStrategy(spec), Fails(Code::kInvalidArgument, HasSubstr("aggregation")));
}

}  // namespace
}  // namespace skerry::learning
