// Encoded updates between real processes.
#include <gtest/gtest.h>

#include "deployment.h"

namespace skerry::testing {
namespace {

std::string ModelOfSimulation(const Deployment& federation) {
  const Finished simulated =
      federation.Skerry({"simulate", federation.File("run.toml"), "--out", federation.File("sim")});
  EXPECT_EQ(simulated.exit_code, 0) << simulated.err;
  return Field(simulated.out, "sha256");
}

class EncodedUpdates : public ::testing::TestWithParam<const char*> {};

TEST_P(EncodedUpdates, MakeTheSameModelDeployedAndSimulated) {
  Deployment federation({"north", "south", "west"});
  federation.StartAll();
  const std::string file = Deployment::RunFile(6, "[compression]\n" + std::string(GetParam()));
  for (const std::string& run_file : {file, Deployment::WithLargerModel(file)}) {
    const std::string run = federation.Submit(run_file);
    ASSERT_EQ(federation.WaitForEnd(run), 0);
    EXPECT_EQ(federation.ModelSha256(run), ModelOfSimulation(federation));
  }
}

INSTANTIATE_TEST_SUITE_P(Encodings, EncodedUpdates,
                         ::testing::Values("update = \"int8\"\nblock = 4\n",
                                           "update = \"top_k\"\nratio = 0.2\n"));

TEST(EncodedUpdatesTest, WhatSitesKeepSurvivesThatEverybodyIsKilled) {
  Deployment federation({"north", "south", "west"});
  federation.StartAll();
  std::string file = Deployment::RunFile(10, "[compression]\nupdate = \"top_k\"\nratio = 0.2\n");
  file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"150ms\"");
  const std::string run = federation.Submit(file);
  for (const char* round : {"3", "6"}) {
    ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", round}).exit_code, 0);
    for (const char* site : {"north", "south", "west"}) federation.client(site).Kill9();
    federation.coordinator().Kill9();
    federation.StartCoordinator();
    for (const char* site : {"north", "south", "west"}) federation.StartClient(site);
  }
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  EXPECT_EQ(federation.ModelSha256(run), ModelOfSimulation(federation));
}

}  // namespace
}  // namespace skerry::testing
