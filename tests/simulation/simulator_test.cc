#include "simulation/simulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/random.h"
#include "base/text.h"
#include "coordinator/history.h"
#include "crypto/sha256.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"

namespace skerry::simulation {
namespace {

using skerry::testing::Fails;
using skerry::testing::PatientSites;
using skerry::testing::PatientsRunFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

SimulationOptions Patients(const std::string& run_file, int num_sites = 4) {
  SimulationOptions options;
  Result<coordinator::RunPlan> plan = coordinator::ParseRunFile(run_file, "run.toml");
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  options.plan = *std::move(plan);
  options.sites = PatientSites(num_sites, 60, 9);
  options.num_threads = 2;
  return options;
}

std::string ModelHash(SimulationOptions options) {
  const Result<SimulationResult> result = Simulate(std::move(options));
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  if (!result.ok()) return "";
  EXPECT_EQ(result->run.state(), "completed") << result->run.reason();
  return crypto::Sha256(result->model).Hex();
}

double LastMetric(const SimulationResult& result, const std::string& name) {
  double value = -1;
  for (const v1::RoundSummary& round : result.rounds) {
    for (const v1::Metric& metric : round.metrics()) {
      if (metric.name() == name && metric.site().empty()) value = metric.value();
    }
  }
  return value;
}

TEST(SimulatorTest, AFederationLearns) {
  ASSERT_OK_AND_ASSIGN(const SimulationResult result, Simulate(Patients(PatientsRunFile(20))));
  EXPECT_EQ(result.run.state(), "completed");
  EXPECT_EQ(result.run.model_version(), 20);
  EXPECT_EQ(result.run.round(), 20) << "the evaluation after it is no round of training";
  EXPECT_GT(LastMetric(result, "test.auc"), 0.7);
  EXPECT_LT(LastMetric(result, "test.log_loss"), 0.62);
  EXPECT_EQ(result.rounds.front().kind(), "statistics");
  EXPECT_EQ(result.rounds.back().kind(), "evaluate");
}

// Validation rows, and a rate at which the loss soon goes up again.
std::string StopsEarly(int num_rounds, const std::string& stopping) {
  std::string text = PatientsRunFile(num_rounds, "[evaluation]\nevery = 1\n" + stopping);
  const std::string given = "split = {";
  const std::size_t split = text.find(given);
  EXPECT_NE(split, std::string::npos);
  text.replace(split, text.find('}', split) + 1 - split,
               "split = { train = 0.5, validation = 0.3, test = 0.2 }");
  return text;
}

TEST(SimulatorTest, TrainingEndsEarlyWithTheModelOfARunOfSoManyRounds) {
  constexpr int kMany = 200;
  ASSERT_OK_AND_ASSIGN(
      const SimulationResult stopped,
      Simulate(Patients(StopsEarly(
          kMany, "early_stopping = { metric = \"auc\", patience = 2, min_delta = 0.001 }\n"))));
  EXPECT_EQ(stopped.run.state(), "completed");
  const int64_t last = stopped.run.model_version();
  EXPECT_GT(last, 2);
  EXPECT_LT(last, kMany);
  EXPECT_EQ(stopped.run.round(), last);
  EXPECT_THAT(stopped.run.reason(), HasSubstr("stopped early: validation.auc did not improve"));
  EXPECT_EQ(stopped.rounds.back().kind(), "evaluate") << "the last version is evaluated";
  EXPECT_EQ(stopped.rounds.back().round(), last + 1);
  ASSERT_OK_AND_ASSIGN(const SimulationResult whole,
                       Simulate(Patients(StopsEarly(static_cast<int>(last), ""))));
  EXPECT_EQ(whole.run.reason(), "");
  // The metadata differ in nothing but the run's description.
  EXPECT_EQ(stopped.model.substr(stopped.model.size() - 64),
            whole.model.substr(whole.model.size() - 64));
}

// How many sites were asked in each round.
std::vector<int> SitesAsked(const std::string& evaluation) {
  const Result<SimulationResult> result = Simulate(Patients(
      PatientsRunFile(3, "[participation]\nsites_per_round = 2\n[evaluation]\n" + evaluation)));
  EXPECT_OK(result);
  std::vector<int> asked;
  if (!result.ok()) return asked;
  EXPECT_EQ(result->run.state(), "completed");
  for (const v1::RoundSummary& round : result->rounds) asked.push_back(round.sites_size());
  return asked;
}

TEST(SimulatorTest, WhatIsToldOfAllSitesIsAskedOfAllWhereRoundsDrawAmongThem) {
  EXPECT_THAT(SitesAsked(""), ElementsAre(4, 2, 2, 2, 4)) << "statistics, training, evaluation";
  EXPECT_THAT(SitesAsked("sites = \"drawn\"\n"), ElementsAre(4, 2, 2, 2, 2));
}

TEST(SimulatorTest, TheSameFileGivesTheSameBytesWithAnyNumberOfThreads) {
  SimulationOptions one = Patients(PatientsRunFile(5));
  one.num_threads = 1;
  SimulationOptions four = Patients(PatientsRunFile(5));
  four.num_threads = 4;
  EXPECT_EQ(ModelHash(std::move(one)), ModelHash(std::move(four)));
}

TEST(SimulatorTest, TheOrderInWhichResultsArriveChangesNoBit) {
  const std::string expected = ModelHash(Patients(PatientsRunFile(5)));
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulationOptions shuffled = Patients(PatientsRunFile(5));
    shuffled.task_time = [seed](const std::string& site, const v1::Task& task) {
      RandomStream random(seed, Purpose::kSimulation, static_cast<uint64_t>(task.round()), site, 0);
      return Duration(1ms) * static_cast<int64_t>(1 + random.Below(100'000));
    };
    EXPECT_EQ(ModelHash(std::move(shuffled)), expected);
  }
}

TEST(SimulatorTest, AnotherSeedGivesAnotherModel) {
  std::string other = PatientsRunFile(5);
  other.replace(other.find("seed = 3"), 8, "seed = 4");
  EXPECT_NE(ModelHash(Patients(PatientsRunFile(5))), ModelHash(Patients(other)));
}

TEST(SimulatorTest, AnMlpKeepsItsBitsTooWithAnyNumberOfThreads) {
  std::string mlp = PatientsRunFile(3);
  mlp.replace(mlp.find("kind = \"logistic\""), 17, "kind = \"mlp\"\nhidden = [16, 8]");
  SimulationOptions one = Patients(mlp);
  one.num_threads = 1;
  SimulationOptions three = Patients(mlp);
  three.num_threads = 3;
  EXPECT_EQ(ModelHash(std::move(one)), ModelHash(std::move(three)));
}

TEST(SimulatorTest, RobustRulesLearnAndKeepTheirBitsWithAnyNumberOfThreads) {
  for (const char* rule : {"rule = \"median\"\n", "rule = \"trimmed_mean\"\ntrim = 0.25\n"}) {
    SCOPED_TRACE(rule);
    const std::string file = PatientsRunFile(10, std::string("[aggregation]\n") + rule);
    ASSERT_OK_AND_ASSIGN(const SimulationResult result, Simulate(Patients(file)));
    EXPECT_EQ(result.run.state(), "completed");
    EXPECT_GT(LastMetric(result, "test.auc"), 0.7);
    SimulationOptions one = Patients(file);
    one.num_threads = 1;
    EXPECT_EQ(ModelHash(std::move(one)), crypto::Sha256(result.model).Hex());
    EXPECT_NE(ModelHash(Patients(PatientsRunFile(10))), crypto::Sha256(result.model).Hex());
  }
}

TEST(SimulatorTest, AHistoryIsReplayedToTheSameModel) {
  // Two of five sites are drawn each round, so who took part is not obvious.
  const std::string file = PatientsRunFile(6, "[participation]\nsites_per_round = 2\nquorum = 2\n");
  ASSERT_OK_AND_ASSIGN(const SimulationResult first, Simulate(Patients(file, 5)));
  ASSERT_OK_AND_ASSIGN(coordinator::Participants history,
                       coordinator::ParseHistory(first.history_json, "history.json"));
  ASSERT_EQ(history.at(1).size(), 2U);
  // A run file that would draw differently, were it not for the history.
  SimulationOptions replay = Patients(PatientsRunFile(6), 5);
  replay.history = std::make_unique<coordinator::Participants>(history);
  ASSERT_OK_AND_ASSIGN(const SimulationResult second, Simulate(std::move(replay)));
  EXPECT_EQ(crypto::Sha256(second.model), crypto::Sha256(first.model));
}

TEST(SimulatorTest, AHistoryThatEndsEarlyEndsTheRunThere) {
  const auto replay = [](int num_rounds, int64_t last_round) {
    SimulationOptions options = Patients(PatientsRunFile(num_rounds));
    coordinator::Participants history;
    for (int64_t round = 0; round <= last_round; ++round) {
      history[round] = {{"site-100"}, {"site-102"}};
    }
    options.history = std::make_unique<coordinator::Participants>(std::move(history));
    return Simulate(std::move(options));
  };
  ASSERT_OK_AND_ASSIGN(const SimulationResult cut, replay(6, 3));
  EXPECT_EQ(cut.run.state(), "stopped");
  EXPECT_EQ(cut.run.reason(), "the history ends before round 4");
  EXPECT_EQ(cut.run.model_version(), 3);
  EXPECT_FALSE(cut.model.empty());
  ASSERT_OK_AND_ASSIGN(const coordinator::Participants took_part,
                       coordinator::ParseHistory(cut.history_json, "history.json"));
  EXPECT_THAT(took_part.at(3), ::testing::ElementsAre(coordinator::Participant{"site-100"},
                                                      coordinator::Participant{"site-102"}))
      << "the last round counts as it did";
}

TEST(SimulatorTest, AHistoryOfASiteThatIsNotHereIsRefused) {
  SimulationOptions options = Patients(PatientsRunFile(3));
  options.history = std::make_unique<coordinator::Participants>(coordinator::Participants{
      {0, {{"site-100"}}}, {1, {{"west"}, {"elsewhere"}}}, {2, {{"west"}}}});
  EXPECT_THAT(Simulate(std::move(options)),
              Fails(Code::kInvalidArgument, HasSubstr("sites that are not here: elsewhere, west")));
}

TEST(SimulatorTest, ASiteWithBadDataPausesTheRunAndIsNamedWithFileLineAndColumn) {
  SimulationOptions options = Patients(PatientsRunFile(3));
  options.sites[2].rows = [](std::span<const std::string> columns) {
    return client::ReadCsv("id,age,score,sex,died\n1,50,18,f,0\n2,old,20,m,1\n", "site-102.csv",
                           client::DataSource{}, columns);
  };
  ASSERT_OK_AND_ASSIGN(const SimulationResult result, Simulate(std::move(options)));
  EXPECT_EQ(result.run.state(), "paused");
  EXPECT_THAT(result.run.reason(), HasSubstr("site-102"));
  EXPECT_THAT(result.run.reason(), ::testing::Not(HasSubstr("csv:")));
  ASSERT_EQ(result.failures.size(), 1u);
  EXPECT_THAT(result.failures[0], HasSubstr("site-102.csv:3, column age: the cell is \"old\""));
  EXPECT_THAT(result.run.reason(), HasSubstr("age"));
  EXPECT_THAT(result.run.hint(), HasSubstr("skerry run resume"));
}

TEST(SimulatorTest, TheRunCanBeStoppedAfterAnyRoundAndItsModelIsThere) {
  SimulationOptions options = Patients(PatientsRunFile(50));
  std::atomic<int64_t> seen = -1;
  options.on_round = [&](const v1::RunSummary&, const v1::RoundSummary& round) {
    seen = round.round();
    return round.round() < 7;
  };
  ASSERT_OK_AND_ASSIGN(const SimulationResult result, Simulate(std::move(options)));
  EXPECT_EQ(result.run.state(), "stopped");
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(result.run.model_version(), 7);
  EXPECT_FALSE(result.model.empty());
}

TEST(SimulatorTest, ImpossibleParticipationIsRefusedBeforeAnythingRuns) {
  SimulationOptions options = Patients(PatientsRunFile(3, "[participation]\nmin_sites = 9\n"));
  EXPECT_THAT(Simulate(std::move(options)),
              Fails(Code::kInvalidArgument, HasSubstr("min_sites (9) is more than sites (4)")));
}

}  // namespace
}  // namespace skerry::simulation
