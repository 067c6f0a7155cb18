// Asynchronous runs in virtual time: slow and fast sites, replays, faults.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "coordinator/history.h"
#include "crypto/sha256.h"
#include "simulation/simulator.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"

namespace skerry::simulation {
namespace {

using coordinator::Participant;
using skerry::testing::Fails;
using skerry::testing::PatientSites;
using skerry::testing::PatientsRunFile;
using ::testing::HasSubstr;

constexpr const char* kSlow = "site-103";

std::string FedBuff(const std::string& async) {
  return "strategy = \"fedbuff\"\nasync = { " + async + " }\n";
}

// Four sites, of which the last takes nine times as long as the others.
SimulationOptions Patients(const std::string& training, int num_rounds = 12) {
  SimulationOptions options;
  Result<coordinator::RunPlan> plan =
      coordinator::ParseRunFile(PatientsRunFile(num_rounds, training), "run.toml");
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  options.plan = *std::move(plan);
  options.sites = PatientSites(4, 60, 9);
  options.num_threads = 2;
  options.task_time = [](const std::string& site, const v1::Task& /*task*/) {
    return site == kSlow ? Duration(9s) : Duration(1s);
  };
  return options;
}

double FinalAuc(const SimulationResult& result) {
  for (const v1::Metric& metric : result.rounds.back().metrics()) {
    if (metric.name() == "test.auc" && metric.site().empty()) return metric.value();
  }
  return -1;
}

// How often each site counted in a round of training, and how old its oldest update was.
struct Share {
  int counted = 0;
  int64_t oldest = 0;
};
std::map<std::string, Share> Shares(const SimulationResult& result) {
  std::map<std::string, Share> shares;
  for (const v1::RoundSummary& round : result.rounds) {
    if (round.kind() != "train") continue;
    for (const v1::SiteInRound& site : round.sites()) {
      if (!site.counted()) continue;
      Share& share = shares[site.site()];
      ++share.counted;
      share.oldest = std::max(share.oldest, site.staleness());
    }
  }
  return shares;
}

TEST(AsyncSimulationTest, ASlowSiteHoldsNobodyUpAndItsOldUpdatesCountStill) {
  ASSERT_OK_AND_ASSIGN(const SimulationResult result, Simulate(Patients(FedBuff("buffer = 3"))));
  EXPECT_EQ(result.run.state(), "completed") << result.run.reason();
  EXPECT_EQ(result.run.model_version(), 12);
  EXPECT_LT(result.virtual_time, 12 * Duration(9s)) << "it is waited for only at the end";
  const std::map<std::string, Share> shares = Shares(result);
  EXPECT_GE(shares.at("site-100").counted, 11);
  EXPECT_LE(shares.at("site-100").oldest, 1);
  EXPECT_EQ(shares.at(kSlow).counted, 1);
  EXPECT_GT(shares.at(kSlow).oldest, 5);
  EXPECT_EQ(result.rounds.back().kind(), "evaluate");
  EXPECT_GT(FinalAuc(result), 0.6);
}

TEST(AsyncSimulationTest, WithALimitToTheLeadTheSlowSiteCountsAsOftenAsTheLimitSays) {
  ASSERT_OK_AND_ASSIGN(const SimulationResult result,
                       Simulate(Patients(FedBuff("buffer = 3, max_lead = 2"))));
  EXPECT_EQ(result.run.state(), "completed") << result.run.reason();
  const std::map<std::string, Share> shares = Shares(result);
  EXPECT_EQ(shares.at(kSlow).counted, 4) << "in every third version";
  EXPECT_EQ(shares.at(kSlow).oldest, 2);
}

TEST(AsyncSimulationTest, AReplayGivesTheSameBitsThoughItsSitesTakeOtherTimes) {
  ASSERT_OK_AND_ASSIGN(const SimulationResult first, Simulate(Patients(FedBuff("buffer = 2"))));
  ASSERT_OK_AND_ASSIGN(coordinator::Participants history,
                       coordinator::ParseHistory(first.history_json, "history.json"));
  SimulationOptions replay = Patients(FedBuff("buffer = 2"));
  replay.task_time = nullptr;
  replay.history = std::make_unique<coordinator::Participants>(history);
  ASSERT_OK_AND_ASSIGN(const SimulationResult second, Simulate(std::move(replay)));
  EXPECT_EQ(crypto::Sha256(second.model), crypto::Sha256(first.model));
  EXPECT_EQ(coordinator::ParseHistory(second.history_json, "again").value(), history);
  SimulationOptions otherwise = Patients(FedBuff("buffer = 2"));
  otherwise.task_time = nullptr;
  ASSERT_OK_AND_ASSIGN(const SimulationResult other, Simulate(std::move(otherwise)));
  EXPECT_NE(crypto::Sha256(other.model), crypto::Sha256(first.model)) << "the history matters";
}

TEST(AsyncSimulationTest, AnyNumberOfThreadsGivesTheSameBytes) {
  const auto model = [](int num_threads) {
    SimulationOptions options = Patients(FedBuff("buffer = 2"));
    options.num_threads = num_threads;
    const Result<SimulationResult> result = Simulate(std::move(options));
    return result.ok() ? crypto::Sha256(result->model + result->history_json).Hex() : "";
  };
  EXPECT_EQ(model(1), model(4));
}

TEST(AsyncSimulationTest, WhatSitesKeepForCompressionIsReplayedToo) {
  const std::string training =
      FedBuff("buffer = 2") + "[compression]\nupdate = \"top_k\"\nratio = 0.3\n";
  ASSERT_OK_AND_ASSIGN(const SimulationResult first, Simulate(Patients(training)));
  SimulationOptions replay = Patients(training);
  ASSERT_OK_AND_ASSIGN(coordinator::Participants history,
                       coordinator::ParseHistory(first.history_json, "history.json"));
  replay.history = std::make_unique<coordinator::Participants>(std::move(history));
  ASSERT_OK_AND_ASSIGN(const SimulationResult second, Simulate(std::move(replay)));
  EXPECT_EQ(crypto::Sha256(second.model), crypto::Sha256(first.model));
}

TEST(AsyncSimulationTest, AHistoryThatThisRunCannotRepeatIsRefused) {
  const auto replay = [](const std::string& training, Participant participant, int64_t round) {
    SimulationOptions options = Patients(training);
    options.history = std::make_unique<coordinator::Participants>(
        coordinator::Participants{{0, {{"site-100"}}}, {round, {std::move(participant)}}});
    return Simulate(std::move(options)).status();
  };
  EXPECT_THAT(replay("", {"site-100", 0}, 1),
              Fails(Code::kInvalidArgument, HasSubstr("\"fedavg\" is not asynchronous")));
  EXPECT_THAT(replay(FedBuff("buffer = 1, max_staleness = 2"), {"site-100", 0}, 4),
              Fails(Code::kInvalidArgument, HasSubstr("training.async.max_staleness is 2")));
  EXPECT_THAT(replay(FedBuff("buffer = 1"), {"site-100", 4}, 4),
              Fails(Code::kInvalidArgument, HasSubstr("with version 4")));
}

}  // namespace
}  // namespace skerry::simulation
