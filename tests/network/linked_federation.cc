#include "linked_federation.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/check.h"

namespace skerry::testing {

LinkedFederation::LinkedFederation(std::vector<std::string> sites, uint64_t seed)
    : sites_(sites), seed_(seed), deployment_(std::move(sites)) {}

void LinkedFederation::StartCoordinatorAndLinks() {
  deployment_.StartCoordinator();
  const std::string to = std::to_string(deployment_.port());
  for (const std::string& site : sites_) {
    links_[site] = std::make_unique<ChaosProxy>(
        ChaosProxyOptions{.to = "127.0.0.1:" + to, .seed = seed_ * 100 + links_.size()});
    Edit(deployment_.Kit(site) + "/agent.toml", "localhost:" + to,
         "localhost:" + std::to_string(link(site).port()));
  }
}

void LinkedFederation::Start() {
  StartCoordinatorAndLinks();
  for (const std::string& site : sites_) deployment_.StartClient(site);
  for (const std::string& site : sites_) {
    Process& client = deployment_.client(site);
    ASSERT_TRUE(client.WaitFor("joined as site")) << client.Output();
  }
}

nlohmann::json LinkedFederation::Show(const std::string& run) const {
  const Finished shown =
      deployment_.Skerry({"run", "show", run, "--rounds", "-1", "--format", "json"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  return nlohmann::json::parse(shown.out, nullptr, false);
}

std::string LinkedFederation::StateOf(const std::string& run) const {
  return Show(run).value("state", "");
}

std::string LinkedFederation::ReasonOf(const std::string& run) const {
  return Show(run).value("reason", "");
}

bool LinkedFederation::Until(const std::string& run,
                             const std::function<bool(const nlohmann::json&)>& holds,
                             std::chrono::seconds limit) const {
  const Stopwatch watch;
  while (!holds(Show(run))) {
    if (watch.Seconds() > static_cast<double>(limit.count())) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return true;
}

bool LinkedFederation::UntilState(const std::string& run, const std::string& state,
                                  std::chrono::seconds limit) const {
  return Until(
      run, [&](const auto& shown) { return shown.value("state", "") == state; }, limit);
}

bool LinkedFederation::UntilSiteIs(const std::string& run, const std::string& site,
                                   const std::string& state, std::chrono::seconds limit) const {
  const auto is_so = [&](const nlohmann::json& shown) {
    for (const nlohmann::json& one : shown["sites"]) {
      if (one.value("site", "") == site) return one.value("state", "") == state;
    }
    return false;
  };
  return Until(run, is_so, limit);
}

bool LinkedFederation::UntilRound(const std::string& run, int round) const {
  return deployment_.Skerry({"run", "wait", run, "--round", std::to_string(round), "--quiet"})
             .exit_code == 0;
}

std::string LinkedFederation::Story() {
  std::string story = "---- coordinator\n" + ReadAll(deployment_.File("coordinator.log"));
  for (const std::string& site : sites_) {
    story += "---- " + site + "\n" + ReadAll(deployment_.File(site + ".log"));
    if (links_.contains(site)) story += "---- its link\n" + link(site).diary();
  }
  return story;
}

std::string LinkedFederation::SimulatedSha256(const std::vector<std::string>& further) const {
  std::vector<std::string> arguments = {"simulate", deployment_.File("run.toml"), "--out",
                                        deployment_.File("sim")};
  arguments.insert(arguments.end(), further.begin(), further.end());
  const Finished simulated = deployment_.Skerry(arguments);
  EXPECT_TRUE(simulated.exit_code == 0 || simulated.exit_code == 20) << simulated.err;
  return Field(simulated.out, "sha256");
}

std::string LinkedFederation::ReplayedSha256(const std::string& run) const {
  const Finished history = deployment_.Skerry({"run", "export-history", run});
  EXPECT_EQ(history.exit_code, 0) << history.err;
  WriteAll(deployment_.File("history.json"), history.out);
  return SimulatedSha256({"--history", deployment_.File("history.json")});
}

std::string RunFileWith(int rounds, const std::string& min_round, const std::string& extra) {
  std::string file = Deployment::RunFile(rounds, extra);
  const std::string seed = "seed = 3\n";
  return file.replace(file.find(seed), seed.size(), seed + "min_round = \"" + min_round + "\"\n");
}

std::string BigModel(std::string run_file, const std::string& hidden) {
  const std::string small = "kind = \"logistic\"\n";
  SKERRY_CHECK(run_file.find(small) != std::string::npos);
  return run_file.replace(run_file.find(small), small.size(),
                          "kind = \"mlp\"\nhidden = " + hidden + "\n");
}

std::string TrainOnly(std::string run_file) {
  const std::string split = "split = { train = 0.7, test = 0.3, key = \"id\" }";
  SKERRY_CHECK(run_file.find(split) != std::string::npos);
  return run_file.replace(run_file.find(split), split.size(), "split = { train = 1.0 }");
}

}  // namespace skerry::testing
