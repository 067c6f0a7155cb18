#include "deployment.h"

#include <gtest/gtest.h>

#include <sstream>

#include "testing/patients.h"

namespace skerry::testing {

Deployment::Deployment(std::vector<std::string> sites) : sites_(std::move(sites)) {
  for (const std::string& site : sites_) {
    WriteAll(File("data/" + site + ".csv"), PatientsCsv(site, 80, 5));
  }
  const auto must = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), Program("skerry"));
    const Finished finished = RunToEnd(std::move(arguments), path());
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
  };
  must({"ca", "init", "--federation", "test", "--dir", File("ca")});
  std::vector<std::string> issue = {
      "ca",      "issue",      "--dir",         File("ca"),
      "--out",   File("kits"), "--coordinator", "localhost",
      "--admin", "ada",        "--data",        "patients=" + File("data/{site}.csv")};
  for (const std::string& site : sites_) {
    issue.emplace_back("--site");
    issue.push_back(site);
  }
  must(issue);
  Edit(Kit("coordinator") + "/coordinator.toml", "0.0.0.0:8443", "127.0.0.1:0");
}

void Deployment::LaunchCoordinator(const Environment& environment) {
  coordinator_.reset();
  const std::string config = Kit("coordinator") + "/coordinator.toml";
  coordinator_ = std::make_unique<Process>(
      std::vector<std::string>{Program("skerry-coordinator"), "--config", config},
      File("coordinator.log"), environment);
}

void Deployment::StartCoordinator() {
  LaunchCoordinator();
  ASSERT_TRUE(coordinator_->WaitFor("listens on port")) << coordinator_->Output();
  if (port_ != 0) return;
  port_ = std::stoi(Field(coordinator_->Output(), "port"));
  const std::string address = "localhost:" + std::to_string(port_);
  for (const std::string& site : sites_) {
    Edit(Kit(site) + "/agent.toml", "localhost:8443", address);
    Edit(Kit(site) + "/agent.toml", "retry_cap = \"60s\"", "retry_cap = \"500ms\"");
  }
  Edit(Kit("admin-ada") + "/admin.toml", "localhost:8443", address);
  // The same port after a restart.
  Edit(Kit("coordinator") + "/coordinator.toml", "127.0.0.1:0",
       "127.0.0.1:" + std::to_string(port_));
}

void Deployment::StartClient(const std::string& site, const Environment& environment) {
  clients_.erase(site);
  clients_[site] = std::make_unique<Process>(
      std::vector<std::string>{Program("skerry-client"), "--config", Kit(site) + "/agent.toml"},
      File(site + ".log"), environment);
}

void Deployment::StartAll() {
  StartCoordinator();
  for (const std::string& site : sites_) StartClient(site);
  for (const std::string& site : sites_) {
    ASSERT_TRUE(client(site).WaitFor("joined as site")) << client(site).Output();
  }
}

Finished Deployment::Skerry(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), Program("skerry"));
  return RunToEnd(std::move(arguments), path(), {{"SKERRY_ADMIN_SOCKET", Socket()}});
}

std::string Deployment::Submit(const std::string& run_file) const {
  WriteAll(File("run.toml"), run_file);
  const Finished finished = Skerry({"run", "submit", File("run.toml")});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  return finished.out.substr(0, finished.out.find('\n'));
}

int Deployment::WaitForEnd(const std::string& run) const {
  return Skerry({"run", "wait", run, "--timeout", "50s"}).exit_code;
}

std::string Deployment::ModelSha256(const std::string& run) const {
  const Finished finished = Skerry({"model", "export", run, "--out", File("exported.safetensors")});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  return Field(finished.out, "sha256");
}

std::string Deployment::WithLargerModel(std::string run_file) {
  const std::string small = "kind = \"logistic\"";
  return run_file.replace(run_file.find(small), small.size(),
                          "kind = \"mlp\"\nhidden = [200, 120]");
}

std::string Deployment::RunFile(int num_rounds, const std::string& extra) {
  return PatientsRunFile(num_rounds, extra + "[simulation]\nsites = \"data/*.csv\"\n");
}

std::string Field(const std::string& text, const std::string& key) {
  std::istringstream words(text);
  std::string word;
  while (words >> word) {
    if (word == key && words >> word) {
      return word.ends_with(',') ? word.substr(0, word.size() - 1) : word;
    }
  }
  return "";
}

}  // namespace skerry::testing
