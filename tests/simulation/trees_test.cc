#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes_file.h"
#include "base/random.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "simulation/random_plan.h"
#include "simulation/simulator.h"
#include "storage/safetensors.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"

namespace skerry::simulation {
namespace {

using skerry::testing::PatientsCsv;

constexpr int kTrees = 6;

// Patients of whom some cells are missing; `label` is "died" or "score".
std::string RunFile(const std::string& label = "died", const std::string& extra = "") {
  const bool classes = label == "died";
  return std::string("[run]\nname = \"patients\"\nseed = 3\nnum_rounds = ") +
         std::to_string(kTrees) + "\n[data]\nsource = \"patients\"\n" +
         (classes ? "features = [\"age\", \"score\"]\nlabel = \"died\"\n"
                    "label_classes = [\"0\", \"1\"]\n"
                  : "features = [\"age\"]\nlabel = \"score\"\n") +
         "categories.sex = [\"f\", \"m\"]\n"
         "split = { train = 0.7, test = 0.3, key = \"id\" }\n"
         "[model]\nkind = \"trees\"\n[model.trees]\nmax_depth = 3\nbins = 16\n"
         "learning_rate = 0.3\nmin_child_weight = 2\n" +
         extra;
}

using Files = std::map<std::string, std::string>;

// Every seventh age is missing.
std::string WithHoles(const std::string& csv) {
  std::string holes;
  int line = 0;
  for (const std::string& text : Split(csv, '\n')) {
    if (text.empty()) continue;
    const std::size_t first = text.find(',');
    const std::size_t second = text.find(',', first + 1);
    const bool hole = line++ % 7 == 3;
    holes += (hole ? text.substr(0, first + 1) + text.substr(second) : text) + "\n";
  }
  return holes;
}

Files SiteFiles(int num_sites) {
  Files files;
  for (int i = 0; i < num_sites; ++i) {
    const std::string name = "site-" + std::to_string(100 + i);
    files[name] = WithHoles(PatientsCsv(name, 80 + 11 * i, 9));
  }
  return files;
}

// All rows in one place, the last site's first.
Files Joined(const Files& files) {
  std::string rows;
  std::string header;
  for (const auto& [name, csv] : files) {
    header = csv.substr(0, csv.find('\n') + 1);
    rows = csv.substr(header.size()) + rows;
  }
  return {{"all", header + rows}};
}

SimulationOptions Federation(const std::string& run_file, const Files& files) {
  SimulationOptions options;
  Result<coordinator::RunPlan> plan = coordinator::ParseRunFile(run_file, "run.toml");
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  options.plan = *std::move(plan);
  for (const auto& [name, csv] : files) {
    options.sites.push_back({name, [name = name, csv = csv](std::span<const std::string> columns) {
                               return client::ReadCsv(csv, name + ".csv", client::DataSource{},
                                                      columns);
                             }});
  }
  options.num_threads = 2;
  return options;
}

SimulationResult Completed(SimulationOptions options) {
  Result<SimulationResult> result = Simulate(std::move(options));
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  if (!result.ok()) return {};
  EXPECT_EQ(result->run.state(), "completed") << result->run.reason();
  return *std::move(result);
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

TEST(TreesTest, AFederationGrowsTrees) {
  const SimulationResult result = Completed(Federation(RunFile(), SiteFiles(4)));
  EXPECT_GT(LastMetric(result, "test.auc"), 0.65);
  EXPECT_LT(LastMetric(result, "train.loss"), 0.6);
  ASSERT_EQ(result.rounds.size(), 4U + 3 * kTrees + 1);
  EXPECT_EQ(result.rounds.front().kind(), "statistics");
  EXPECT_EQ(result.rounds[4].kind(), "tree 1 of 6");
  EXPECT_EQ(result.rounds[21].kind(), "tree 6 of 6");
  EXPECT_EQ(result.rounds.back().kind(), "evaluate");
}

TEST(TreesTest, AFederationGrowsTheVeryTreesOfAllRowsInOnePlace) {
  for (const char* label : {"died", "score"}) {
    SCOPED_TRACE(label);
    const Files files = SiteFiles(5);
    const SimulationResult federated = Completed(Federation(RunFile(label), files));
    const SimulationResult joined = Completed(Federation(RunFile(label), Joined(files)));
    EXPECT_EQ(crypto::Sha256(federated.model).Hex(), crypto::Sha256(joined.model).Hex());
  }
}

TEST(TreesTest, NeitherThreadsNorTheOrderOfResultsChangeABit) {
  SimulationOptions one = Federation(RunFile(), SiteFiles(4));
  one.num_threads = 1;
  const std::string expected = crypto::Sha256(Completed(std::move(one)).model).Hex();
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SimulationOptions shuffled = Federation(RunFile(), SiteFiles(4));
    shuffled.num_threads = 4;
    shuffled.task_time = [seed](const std::string& site, const v1::Task& task) {
      RandomStream random(seed, Purpose::kSimulation, static_cast<uint64_t>(task.round()), site, 0);
      return Duration(1ms) * static_cast<int64_t>(1 + random.Below(100'000));
    };
    EXPECT_EQ(crypto::Sha256(Completed(std::move(shuffled)).model).Hex(), expected)
        << "seed " << seed;
  }
}

TEST(TreesTest, CrashesAndLostMessagesChangeNoBit) {
  const std::string run_file =
      RunFile("died", "[time]\nheartbeat = \"2s\"\nround_deadline = \"10m\"\n");
  const std::string expected =
      crypto::Sha256(Completed(Federation(run_file, SiteFiles(3))).model).Hex();
  int64_t deaths = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SimulationOptions options = Federation(run_file, SiteFiles(3));
    std::vector<std::string> names;
    for (const SimulatedSite& site : options.sites) names.push_back(site.name);
    options.faults = RandomPlan(seed, names);
    const SimulationResult result = Completed(std::move(options));
    EXPECT_EQ(crypto::Sha256(result.model).Hex(), expected) << "seed " << seed;
    deaths += result.evidence.deaths;
  }
  EXPECT_GT(deaths, 0);
}

TEST(TreesTest, EachTreeIsEvaluatedInTheFirstRoundOfTheNext) {
  const SimulationResult result =
      Completed(Federation(RunFile("died", "[evaluation]\nevery = 2\n"), SiteFiles(3)));
  std::vector<int64_t> evaluated;
  for (const v1::RoundSummary& round : result.rounds) {
    for (const v1::Metric& metric : round.metrics()) {
      if (metric.name() == "test.auc" && metric.site().empty()) evaluated.push_back(round.round());
    }
  }
  EXPECT_THAT(evaluated, ::testing::ElementsAre(4, 10, 16, 22));
}

}  // namespace
}  // namespace skerry::simulation
