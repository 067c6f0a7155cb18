// The coordinator's spool is full of a result that comes slowly: the next one waits and says why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linked_federation.h"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

// 0.6 MB to fetch and to send.
std::string RunOf(const std::string& site) {
  return TrainOnly(BigModel(RunFileWith(1, "0s", "[participation]\nsites = [\"" + site + "\"]\n"),
                            "[500, 300]"));
}

TEST(SpoolTest, AFullOneMakesAClientWaitWithTheReasonAndGoOnWhenThereIsRoom) {
  LinkedFederation federation({"north", "south"});
  Deployment& deployment = federation.deployment();
  Edit(deployment.Kit("coordinator") + "/coordinator.toml", "state_dir = \"state\"",
       "state_dir = \"state\"\nspool_bytes = 1048576");
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  federation.link("north").Throttle(200'000);
  const std::string slow = federation.Submit(RunOf("north"));
  ASSERT_TRUE(Eventually([&] { return federation.link("north").total().up_passed > 100'000; }));
  const std::string next = federation.Submit(RunOf("south"));
  EXPECT_TRUE(deployment.client("south").WaitFor("the spool is full"))
      << deployment.client("south").Output();
  EXPECT_EQ(deployment.WaitForEnd(next), 0) << federation.Story();
  EXPECT_EQ(federation.ModelSha256(next), federation.ReplayedSha256(next));
  EXPECT_EQ(deployment.WaitForEnd(slow), 0) << federation.Story();
}

TEST(SpoolTest, ARunThatCanNeverFitIsRefusedWithTheKeyToRaise) {
  Deployment deployment({"north"});
  Edit(deployment.Kit("coordinator") + "/coordinator.toml", "state_dir = \"state\"",
       "state_dir = \"state\"\nspool_bytes = 1048576");
  deployment.StartCoordinator();
  WriteAll(deployment.File("run.toml"),
           BigModel(RunFileWith(1, "0s", "[participation]\nsites = [\"north\"]\n"), "[1000, 500]"));
  const Finished refused = deployment.Skerry({"run", "submit", deployment.File("run.toml")});
  EXPECT_EQ(refused.exit_code, 6);
  EXPECT_THAT(refused.err, HasSubstr("the coordinator's spool holds 1048576"));
  EXPECT_THAT(refused.err, HasSubstr("storage.spool_bytes"));
}

}  // namespace
}  // namespace skerry::testing
