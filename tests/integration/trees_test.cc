// Models that sums alone fit, between real processes.
#include <gtest/gtest.h>

#include "deployment.h"

namespace skerry::testing {
namespace {

constexpr const char* kSites[] = {"north", "south", "west"};

std::string RunFile(const std::string& label, const std::string& model) {
  return "[run]\nname = \"patients\"\nnum_rounds = 6\nseed = 3\nmin_round = \"100ms\"\n"
         "[data]\nsource = \"patients\"\nfeatures = [\"age\", \"score\"]\n"
         "categories.sex = [\"f\", \"m\"]\n" +
         label + "split = { train = 0.7, test = 0.3, key = \"id\" }\n" + model +
         "[simulation]\nsites = \"data/*.csv\"\n";
}

const std::string kTrees = RunFile("label = \"died\"\nlabel_classes = [\"0\", \"1\"]\n",
                                   "[model]\nkind = \"trees\"\n[model.trees]\nmax_depth = 3\n");
const std::string kKMeans =
    RunFile("", "[model]\nkind = \"k_means\"\n[model.k_means]\nclusters = 3\n");

std::string ModelOfSimulation(const Deployment& federation) {
  const Finished simulated =
      federation.Skerry({"simulate", federation.File("run.toml"), "--out", federation.File("sim")});
  EXPECT_EQ(simulated.exit_code, 0) << simulated.err;
  return Field(simulated.out, "sha256");
}

class SumModels : public ::testing::TestWithParam<std::string> {};

TEST_P(SumModels, AreTheSameDeployedAndSimulatedWhoeverIsKilledMeanwhile) {
  Deployment federation({std::begin(kSites), std::end(kSites)});
  federation.StartAll();
  const std::string run = federation.Submit(GetParam());
  for (const char* round : {"1", "3"}) {
    ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", round}).exit_code, 0);
    for (const char* site : kSites) federation.client(site).Kill9();
    federation.coordinator().Kill9();
    federation.StartCoordinator();
    for (const char* site : kSites) federation.StartClient(site);
  }
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  EXPECT_EQ(federation.ModelSha256(run), ModelOfSimulation(federation));
}

INSTANTIATE_TEST_SUITE_P(Kinds, SumModels, ::testing::Values(kTrees, kKMeans),
                         [](const auto& kind) { return kind.index == 0 ? "Trees" : "KMeans"; });

TEST(TreesDeployedTest, AnExportedModelIsEvaluatedOnTheSitesRows) {
  Deployment federation({std::begin(kSites), std::end(kSites)});
  federation.StartAll();
  const std::string run = federation.Submit(kTrees);
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  const std::string model = federation.File("trees.safetensors");
  ASSERT_EQ(federation.Skerry({"model", "export", run, "--out", model}).exit_code, 0);
  const Finished evaluated =
      federation.Skerry({"model", "evaluate", federation.File("run.toml"), "trees=" + model});
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
  EXPECT_NE(evaluated.out.find("auc"), std::string::npos) << evaluated.out;
  const Finished shown = federation.Skerry({"run", "show", run});
  EXPECT_NE(shown.out.find("tree 6 of 6"), std::string::npos) << shown.out;
}

TEST(TreesDeployedTest, TheirRoundsAreComputedAgainFromKeptSums) {
  Deployment federation({std::begin(kSites), std::end(kSites)});
  federation.StartAll();
  ASSERT_EQ(federation.WaitForEnd(federation.Submit(kTrees + "[keep]\nupdates = 100\n")), 0);
  const Finished verified = federation.Skerry(
      {"run", "verify", "latest", "--state-dir", federation.Kit("coordinator") + "/state"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
  EXPECT_NE(verified.out.find("22"), std::string::npos) << verified.out;
}

}  // namespace
}  // namespace skerry::testing
