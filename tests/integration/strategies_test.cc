// Strategies whose sites keep something, between real processes.
#include <gtest/gtest.h>

#include "deployment.h"

namespace skerry::testing {
namespace {

constexpr const char* kSites[] = {"north", "south", "west"};

// Keeps two vectors at each site, sends two sections, and downloads a vector with the model.
std::string RunFile(int num_rounds) {
  return Deployment::RunFile(num_rounds,
                             "strategy = \"scaffold\"\n"
                             "personal = { kind = \"ditto\", lambda = 0.5 }\n");
}

std::string ModelOfSimulation(const Deployment& federation) {
  const Finished simulated =
      federation.Skerry({"simulate", federation.File("run.toml"), "--out", federation.File("sim")});
  EXPECT_EQ(simulated.exit_code, 0) << simulated.err;
  return Field(simulated.out, "sha256");
}

TEST(ScaffoldTest, MakesTheSameModelDeployedAndSimulated) {
  Deployment federation({"north", "south", "west"});
  federation.StartAll();
  for (const std::string& file : {RunFile(6), Deployment::WithLargerModel(RunFile(6))}) {
    const std::string run = federation.Submit(file);
    ASSERT_EQ(federation.WaitForEnd(run), 0);
    EXPECT_EQ(federation.ModelSha256(run), ModelOfSimulation(federation));
  }
}

TEST(ScaffoldTest, WhatSitesKeepSurvivesThatEverybodyIsKilled) {
  Deployment federation({"north", "south", "west"});
  federation.StartAll();
  std::string file = RunFile(10);
  file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"150ms\"");
  const std::string run = federation.Submit(file);
  for (const char* round : {"3", "6"}) {
    ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", round}).exit_code, 0);
    for (const char* site : kSites) federation.client(site).Kill9();
    federation.coordinator().Kill9();
    federation.StartCoordinator();
    for (const char* site : kSites) federation.StartClient(site);
  }
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  EXPECT_EQ(federation.ModelSha256(run), ModelOfSimulation(federation));
}

}  // namespace
}  // namespace skerry::testing
