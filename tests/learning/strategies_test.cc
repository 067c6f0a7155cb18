#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learning/strategy.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

class DoesNothing final : public Strategy {
 public:
  const Aggregator& aggregator() const override { return MeanAggregator(); }
  void Apply(const RoundBlock&, const RoundScalars&) const override {}
};

Result<std::unique_ptr<Strategy>> MakeDoesNothing(const v1::TrainingSpec& /*spec*/) {
  return std::unique_ptr<Strategy>(std::make_unique<DoesNothing>());
}

v1::TrainingSpec Named(const std::string& name) {
  v1::TrainingSpec spec;
  spec.set_strategy(name);
  return spec;
}

TEST(StrategiesTest, AProgramMayAddItsOwn) {
  EXPECT_THAT(MakeStrategy(Named("does-nothing")),
              Fails(Code::kInvalidArgument, HasSubstr("known strategies: fedavg")));
  RegisterStrategy("does-nothing", MakeDoesNothing);
  EXPECT_OK(MakeStrategy(Named("does-nothing")));
  EXPECT_OK(MakeStrategy(Named("fedavg")));
  EXPECT_THAT(StrategyNames(), AllOf(Contains("fedavg"), Contains("does-nothing")));
  EXPECT_THAT(MakeStrategy(Named("does-nothin")),
              Fails(Code::kInvalidArgument, HasSubstr("did you mean \"does-nothing\"?")));
}

}  // namespace
}  // namespace skerry::learning
