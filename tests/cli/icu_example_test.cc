#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/cli_app.h"
#include "testing/temp_dir.h"

// The evidence of examples/icu, without its processes: a simulation makes the same models.
namespace skerry::cli {
namespace {

const std::string kExample = std::string(SKERRY_SOURCE_DIR) + "/examples/icu";
const std::vector<std::string> kSites = {"coast", "east", "north", "south", "valley", "west"};

std::string Skerry(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "skerry");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(CliMain(static_cast<int>(arguments.size()), pointers.data()), 0);
  ::testing::internal::GetCapturedStderr();
  return ::testing::internal::GetCapturedStdout();
}

void Simulate(const std::string& out, const std::string& sites) {
  Skerry({"simulate", kExample + "/run.toml", "--sites", sites, "--out", out, "--quiet"});
}

// The AUC of each model on the held-out rows of all sites together.
std::map<std::string, double> Compare(const testing::TempDir& dir) {
  const auto json =
      nlohmann::json::parse(Skerry({"model", "evaluate", kExample + "/run.toml", "--format", "json",
                                    "local=" + dir.File("{site}/model.safetensors"),
                                    "federated=" + dir.File("federated/model.safetensors"),
                                    "pooled=" + dir.File("pooled/model.safetensors")}));
  std::map<std::string, double> auc;
  for (const auto& score : json.at("all")) auc[score.at("model")] = score.at("auc");
  return auc;
}

TEST(IcuExampleTest, TheFederatedModelIsAsGoodAsThePooledOneAndBetterThanSitesAlone) {
  const testing::TempDir dir;
  Simulate(dir.File("federated"), kExample + "/data");
  Simulate(dir.File("pooled"), "1");
  for (const std::string& site : kSites)
    Simulate(dir.File(site), kExample + "/data/" + site + ".csv");
  std::map<std::string, double> auc = Compare(dir);
  double local = 0;
  for (const std::string& site : kSites) local += auc.at("local of " + site) / 6;
  EXPECT_NEAR(auc.at("federated"), auc.at("pooled"), 0.005);
  EXPECT_GT(auc.at("federated"), local);
}

}  // namespace
}  // namespace skerry::cli
