// Strategies whose sites keep something, between real processes.
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "deployment.h"

namespace skerry::testing {
namespace {

constexpr const char* kSites[] = {"north", "south", "west"};

// Keeps two vectors at each site, sends two sections, and downloads a vector with the model.
constexpr const char* kScaffold =
    "strategy = \"scaffold\"\npersonal = { kind = \"ditto\", lambda = 0.5 }\n";
// Keeps one, of which nobody else has a copy.
constexpr const char* kFedDyn = "strategy = \"feddyn\"\nalpha = 0.1\n";

std::string RunFile(int num_rounds, const std::string& training = kScaffold) {
  return Deployment::RunFile(num_rounds, training);
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

struct KeepingCase {
  const char* name;
  const char* training;
};

class KeepingStrategyTest : public ::testing::TestWithParam<KeepingCase> {};

TEST_P(KeepingStrategyTest, WhatSitesKeepSurvivesThatEverybodyIsKilled) {
  Deployment federation({"north", "south", "west"});
  federation.StartAll();
  std::string file = RunFile(10, GetParam().training);
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

INSTANTIATE_TEST_SUITE_P(All, KeepingStrategyTest,
                         ::testing::Values(KeepingCase{"Scaffold", kScaffold},
                                           KeepingCase{"FedDyn", kFedDyn}),
                         [](const auto& test) { return std::string(test.param.name); });

// Which model a file says it is, and what it predicts for the first of a site's rows.
std::string Predictions(const Deployment& federation, const std::string& model) {
  const Finished predicted =
      federation.Skerry({"model", "predict", model, "--data", federation.File("data/south.csv")});
  EXPECT_EQ(predicted.exit_code, 0) << predicted.err;
  return predicted.out;
}

TEST(PersonalModelTest, EachSiteHasItsOwnModelWhenTheRunIsOverAndKeepsNothingElseOfIt) {
  Deployment federation({"north", "south", "west"});
  federation.StartAll();
  for (const char* training :
       {"personal = { kind = \"ditto\", lambda = 0.5 }\n",
        "personal = { kind = \"fine_tuning\", steps = 20, learning_rate = 0.5 }\n"}) {
    const std::string run = federation.Submit(Deployment::RunFile(3, training));
    ASSERT_EQ(federation.WaitForEnd(run), 0);
    ASSERT_EQ(
        federation.Skerry({"model", "export", run, "--out", federation.File("all.safetensors")})
            .exit_code,
        0);
    const auto own = [&](const char* site) {
      std::vector<std::string> found;
      for (const auto& entry :
           std::filesystem::directory_iterator(federation.Kit(site) + "/state/personal")) {
        const std::string path = entry.path().string();
        EXPECT_TRUE(path.ends_with(".safetensors")) << path;
        if (path.find("/" + run + "-") != std::string::npos) found.push_back(path);
      }
      EXPECT_EQ(found.size(), 1U) << site;
      return found.empty() ? "" : found.front();
    };
    const std::string shared = Predictions(federation, federation.File("all.safetensors"));
    EXPECT_NE(Predictions(federation, own("north")), shared) << training;
    EXPECT_NE(Predictions(federation, own("south")), Predictions(federation, own("north")));
    EXPECT_TRUE(Eventually(
        [&] { return std::filesystem::is_empty(federation.Kit("north") + "/state/site-state"); }));
  }
}

TEST(PersonalModelTest, ASiteThatWasAwayWhenTheRunEndedLetsGoOfWhatItKeptWhenItIsBack) {
  Deployment federation({"north", "south", "west"});
  federation.StartAll();
  std::string file = RunFile(8);
  file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"150ms\"");
  const std::string run = federation.Submit(file);
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "3"}).exit_code, 0);
  federation.client("south").Kill9();
  const std::string kept = federation.Kit("south") + "/state/site-state";
  EXPECT_FALSE(std::filesystem::is_empty(kept));
  EXPECT_EQ(federation.Skerry({"run", "stop", run}).exit_code, 0);
  federation.StartClient("south");
  EXPECT_TRUE(Eventually([&] { return std::filesystem::is_empty(kept); }));
}

}  // namespace
}  // namespace skerry::testing
