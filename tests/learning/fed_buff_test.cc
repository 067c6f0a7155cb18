#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learning/one_number.h"
#include "learning/strategies/staleness.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::HasSubstr;

// An update that is s versions old counts 1 / (s + 1).
v1::TrainingSpec Spec() {
  v1::TrainingSpec spec = HalfSteps("fedbuff");
  spec.mutable_server()->set_learning_rate(1.0);
  spec.mutable_async()->set_staleness("hinge");
  spec.mutable_async()->set_a(1.0);
  spec.mutable_async()->set_b(0.0);
  return spec;
}

const std::vector<OneNumberSite> kSites = {{8, 1}, {0, 3}};

// How many rows they rest on does not matter.
TEST(FedBuffTest, FreshUpdatesOfTheBufferCountAlike) {
  OneNumberFederation federation(Spec(), kSites);
  federation.Version({{0, 0}, {1, 0}});
  EXPECT_EQ(federation.w(), 2.0);
}

// From 4: the first site's 4 of the version before counts half, the second's -2 is fresh.
TEST(FedBuffTest, OldUpdatesCountLessAndAreDividedByAllTheSame) {
  OneNumberFederation federation(Spec(), kSites);
  federation.Version({{0, 0}});
  EXPECT_EQ(federation.w(), 4.0);
  federation.Version({{0, 0}, {1, 1}, {1, 1}});
  EXPECT_DOUBLE_EQ(federation.w(), 4.0 + (4.0 / 2 - 2 - 2) / 3);
}

TEST(FedBuffTest, TheServersRateScalesTheStep) {
  v1::TrainingSpec spec = Spec();
  spec.mutable_server()->set_learning_rate(0.5);
  OneNumberFederation federation(spec, kSites);
  federation.Version({{0, 0}, {1, 0}});
  EXPECT_EQ(federation.w(), 1.0);
}

TEST(FedBuffTest, HowMuchAnOldUpdateCountsIsThePapers) {
  v1::AsyncSpec spec;
  spec.set_staleness("polynomial");
  spec.set_a(0.5);
  EXPECT_EQ(StalenessWeight(spec, 0), 1.0);
  EXPECT_EQ(StalenessWeight(spec, 3), 0.5);
  spec.set_a(1.0);
  EXPECT_DOUBLE_EQ(StalenessWeight(spec, 3), 0.25);
  spec.set_staleness("hinge");
  spec.set_a(10);
  spec.set_b(4);
  EXPECT_EQ(StalenessWeight(spec, 4), 1.0);
  EXPECT_DOUBLE_EQ(StalenessWeight(spec, 6), 1.0 / 21);
  spec.set_staleness("constant");
  EXPECT_EQ(StalenessWeight(spec, 100), 1.0);
}

TEST(FedBuffTest, WrongSettingsAreRefusedByName) {
  v1::TrainingSpec spec = Spec();
  spec.mutable_server()->set_learning_rate(-1);
  EXPECT_THAT(MakeStrategy(spec), Fails(Code::kInvalidArgument, HasSubstr("learning_rate")));
  spec = Spec();
  spec.mutable_aggregation()->set_rule("median");
  EXPECT_THAT(MakeStrategy(spec), Fails(Code::kInvalidArgument, HasSubstr("aggregation")));
}

}  // namespace
}  // namespace skerry::learning
