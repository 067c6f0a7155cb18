#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>

#include "coordinator/history.h"
#include "crypto/sha256.h"
#include "simulation/simulator.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"

// Sites of a simulation have a client only when there is work for them: nothing of the outcome may
// show it.
namespace skerry::simulation {
namespace {

using skerry::testing::PatientSites;
using skerry::testing::PatientsRunFile;

constexpr int kSites = 12;

std::string RunFile(int rounds) {
  return PatientsRunFile(
      rounds, "[participation]\nsites_per_round = 3\nquorum = 3\n[evaluation]\nevery = 0\n");
}

// No statistics round, which would ask every site.
std::string WithoutStatistics(std::string file) {
  return file.insert(file.find("label ="), "standardize = false\n");
}

struct Options {
  std::string run_file = RunFile(8);
  int64_t max_idle_clients = 4096;
  int num_threads = 2;
  std::atomic<int>* reads = nullptr;  // how often a site's rows were read
};

SimulationOptions Federation(const Options& options) {
  SimulationOptions simulation;
  Result<coordinator::RunPlan> plan = coordinator::ParseRunFile(options.run_file, "run.toml");
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  simulation.plan = *std::move(plan);
  simulation.sites = PatientSites(kSites, 40, 9);
  simulation.num_threads = options.num_threads;
  simulation.max_idle_clients = options.max_idle_clients;
  if (options.reads == nullptr) return simulation;
  for (SimulatedSite& site : simulation.sites) {
    site.rows = [rows = site.rows, reads = options.reads](std::span<const std::string> columns) {
      ++*reads;
      return rows(columns);
    };
  }
  return simulation;
}

TEST(SitesOnCallTest, AFederationInWhichEverySiteIsThereAllTheTimeGivesTheSameModelAndHistory) {
  SimulationOptions always = Federation({});
  std::vector<std::string> trace;
  always.trace = &trace;  // which makes every site a client from the beginning
  ASSERT_OK_AND_ASSIGN(const SimulationResult expected, Simulate(std::move(always)));
  ASSERT_EQ(expected.run.state(), "completed");
  for (const int64_t idle : {0, 2, 5, 100}) {
    Options options;
    options.max_idle_clients = idle;
    ASSERT_OK_AND_ASSIGN(const SimulationResult result, Simulate(Federation(options)));
    EXPECT_EQ(result.run.state(), "completed") << result.run.reason();
    EXPECT_EQ(crypto::Sha256(result.model), crypto::Sha256(expected.model)) << idle;
    EXPECT_EQ(result.history_json, expected.history_json) << idle;
  }
}

TEST(SitesOnCallTest, SitesThatKeepSomethingBetweenRoundsKeepItWhenTheyRest) {
  for (const char* training :
       {"strategy = \"scaffold\"\n", "strategy = \"feddyn\"\nalpha = 0.1\n"}) {
    const auto model = [&](int64_t idle) {
      Options options;
      options.max_idle_clients = idle;
      options.run_file = PatientsRunFile(
          8, std::string(training) +
                 "[participation]\nsites_per_round = 3\nquorum = 3\n[evaluation]\nevery = 0\n");
      const Result<SimulationResult> result = Simulate(Federation(options));
      EXPECT_OK(result);
      return result.ok() ? crypto::Sha256(result->model).Hex() : "";
    };
    EXPECT_EQ(model(0), model(100)) << training;
  }
}

TEST(SitesOnCallTest, OnlySitesThatAreDrawnReadTheirRows) {
  std::atomic<int> reads = 0;
  Options options;
  options.run_file = WithoutStatistics(RunFile(3));
  options.reads = &reads;
  ASSERT_OK_AND_ASSIGN(const SimulationResult result, Simulate(Federation(options)));
  ASSERT_OK_AND_ASSIGN(const coordinator::Participants took_part,
                       coordinator::ParseHistory(result.history_json, "history.json"));
  std::set<std::string> names;
  for (const auto& [round, sites] : took_part) {
    // The last round evaluates at whoever is drawn for it.
    for (const coordinator::Participant& participant : sites) names.insert(participant.site);
  }
  EXPECT_EQ(reads, static_cast<int>(names.size()));
  EXPECT_LT(reads, kSites + 1);
}

TEST(SitesOnCallTest, ASiteThatRestsHasForgottenItsRowsAndReadsThemAgain) {
  std::atomic<int> kept = 0;
  std::atomic<int> again = 0;
  Options options;
  options.run_file = WithoutStatistics(RunFile(10));
  options.reads = &kept;
  ASSERT_OK_AND_ASSIGN(const SimulationResult first, Simulate(Federation(options)));
  options.reads = &again;
  options.max_idle_clients = 0;
  ASSERT_OK_AND_ASSIGN(const SimulationResult second, Simulate(Federation(options)));
  EXPECT_GT(again, kept);
  EXPECT_EQ(first.model, second.model);
}

TEST(SitesOnCallTest, TheNumberOfThreadsChangesNothing) {
  const auto run = [](int num_threads) {
    Options options;
    options.num_threads = num_threads;
    options.max_idle_clients = 2;
    Result<SimulationResult> result = Simulate(Federation(options));
    EXPECT_OK(result);
    return result.ok() ? result->model + result->history_json : "";
  };
  const std::string expected = run(0);
  EXPECT_FALSE(expected.empty());
  for (const int num_threads : {1, 2, 5}) EXPECT_EQ(run(num_threads), expected);
}

}  // namespace
}  // namespace skerry::simulation
