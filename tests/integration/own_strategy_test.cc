#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "deployment.h"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

TEST(OwnStrategyTest, AProgramWithAStrategyOfItsOwnRunsAndSimulatesItToTheSameModel) {
  Deployment federation({"north", "south"});
  federation.UseCoordinator(SKERRY_OWN_STRATEGY);
  federation.StartAll();
  std::string own = Deployment::RunFile(4);
  own.replace(own.find("[training]"), 10, "[training]\nstrategy = \"halfway\"");
  const std::string run = federation.Submit(own);
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  const Finished simulated = RunToEnd({SKERRY_OWN_STRATEGY, "simulate", federation.File("run.toml"),
                                       "--out", federation.File("sim")},
                                      federation.path());
  ASSERT_EQ(simulated.exit_code, 0) << simulated.err;
  EXPECT_EQ(federation.ModelSha256(run), Field(simulated.out, "sha256"));
  // The program that was shipped does not know it.
  const Finished refused = federation.Skerry({"simulate", federation.File("run.toml")});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("\"halfway\""));
}

}  // namespace
}  // namespace skerry::testing
