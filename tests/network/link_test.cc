// One thing at a time happens to the link of a site.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linked_federation.h"

namespace skerry::testing {
namespace {

TEST(LinkTest, ASiteBehindASlowSatelliteJoinsAndWorks) {
  LinkedFederation federation({"north", "south"});
  federation.StartCoordinatorAndLinks();
  federation.link("south").Delay(500ms);
  for (const std::string& site : federation.sites()) federation.deployment().StartClient(site);
  EXPECT_TRUE(federation.deployment().client("south").WaitFor("joined as site"))
      << federation.Story();
  const std::string run = federation.Submit(TrainOnly(RunFileWith(1, "0s", "")));
  EXPECT_EQ(federation.deployment().WaitForEnd(run), 0);
  EXPECT_EQ(federation.ModelSha256(run), federation.SimulatedSha256());
}

}  // namespace
}  // namespace skerry::testing
