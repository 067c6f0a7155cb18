// Run files of external models, and federations whose sites all have the same trainer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "base/files.h"
#include "coordinator/run_plan.h"
#include "crypto/sha256.h"
#include "simulation/simulator.h"
#include "storage/safetensors.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::simulation {
namespace {

using coordinator::ParseRunFile;
using testing::Fails;
using ::testing::HasSubstr;

std::string RunFile(const std::string& external, const std::string& more = "") {
  std::string file = testing::PatientsRunFile(3, more);
  const std::string kind = "kind = \"logistic\"\n";
  return file.replace(file.find(kind), kind.size(),
                      "kind = \"external\"\n[model.external]\n" + external);
}

constexpr const char* kModel = "trainer = \"own\"\ntensors.weights = [4]\ntensors.bias = [1]\n";

TEST(ExternalRunFileTest, SaysWhatTheModelIsMadeOf) {
  const auto plan = ParseRunFile(
      RunFile(std::string(kModel) + "tensors.\"a.b\" = [2, 3]\nsettings.depth = \"3\"\n"
                                    "initial = \"uniform\"\ninitial_scale = 0.5\n",
              "[evaluation]\nmetrics = [\"f1\"]\n"),
      "run.toml");
  ASSERT_OK(plan);
  const v1::ExternalSpec& external = plan->spec.model().external();
  EXPECT_EQ(external.trainer(), "own");
  ASSERT_EQ(external.tensors_size(), 3);
  EXPECT_EQ(external.tensors(0).name(), "a.b");
  EXPECT_EQ(external.tensors(0).shape(1), 3);
  EXPECT_EQ(external.settings().at("depth"), "3");
  const auto program = learning::MakeTrainingProgram(plan->spec);
  ASSERT_OK(program);
  std::vector<double> all(11);
  (*program)->InitialParameters(0, all);
  std::vector<double> part(4);
  (*program)->InitialParameters(3, part);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 3));
  for (const double value : all) EXPECT_LE(std::abs(value), 0.5);
  EXPECT_NE(all[0], all[1]);
}

// What trainers begin with is the model, to the bit; rules for updates are for later rounds.
TEST(ExternalRunFileTest, WhatTrainersBeginWithIsNotShortened) {
  for (const char* rule :
       {"clipping_norm = 0.5\n", "rule = \"centered_clipping\"\nradius = 0.5\n"}) {
    SCOPED_TRACE(rule);
    const auto plan = ParseRunFile(RunFile(std::string(kModel) + "initial = \"trainer\"\n",
                                           std::string("[aggregation]\n") + rule),
                                   "run.toml");
    ASSERT_OK(plan);
    const auto program = learning::MakeTrainingProgram(plan->spec);
    ASSERT_OK(program);
    const std::optional<learning::RoundSpec> round = (*program)->Next({});
    ASSERT_TRUE(round && round->kind == v1::INITIAL_MODEL);
    const learning::Strategy& strategy = (*program)->StrategyOf(*round);
    EXPECT_FALSE(strategy.aggregator().NeedsStatistics());
    const std::vector<float> begins = {3, -4, 12, 0, 1};
    const std::vector<std::span<const float>> rows = {begins};
    const std::vector<learning::UpdateInfo> infos = {{.site = "a", .num_examples = 7}};
    std::vector<double> mean(5);
    strategy.aggregator().Reduce(rows, strategy.Weigh(infos).value(), mean);
    std::vector<double> parameters(5, 9);
    const std::vector<std::span<const double>> reduced = {mean};
    strategy.Apply({reduced, parameters, {}}, {});
    EXPECT_TRUE(std::equal(begins.begin(), begins.end(), parameters.begin()));
    EXPECT_EQ(&(*program)->StrategyOf(
                  (*program)->Next(std::vector<learning::RoundOutcome>{{0, {}}}).value()),
              &(*program)->strategy());
  }
}

struct BadFile {
  const char* external;
  const char* more;
  const char* why;
};
class BadExternalRunFile : public ::testing::TestWithParam<BadFile> {};
TEST_P(BadExternalRunFile, IsRefused) {
  EXPECT_THAT(ParseRunFile(RunFile(GetParam().external, GetParam().more), "run.toml"),
              Fails(Code::kInvalidArgument, HasSubstr(GetParam().why)));
}
INSTANTIATE_TEST_SUITE_P(
    Files, BadExternalRunFile,
    ::testing::Values(
        BadFile{"tensors.w = [1]\n", "", "model.external.trainer: is missing"},
        BadFile{"trainer = \"A B\"\ntensors.w = [1]\n", "", "model.external.trainer: must be"},
        BadFile{"trainer = \"own\"\n", "", "the model needs tensors"},
        BadFile{"trainer = \"own\"\ntensors.w = [0]\n", "", "lengths of at least 1"},
        BadFile{"trainer = \"own\"\ntensors.\"input.w\" = [1]\n", "", "Skerry's own"},
        BadFile{"trainer = \"own\"\ntensors.w = [4611686018427387904, 9]\n", "", "tensors"},
        BadFile{"trainer = \"own\"\ntensors.w = [1]\ninitial = \"zero\"\n", "", "\"zeros\""},
        BadFile{"trainer = \"own\"\ntensors.w = [1]\ninitial_scale = 1.0\n", "", "has no scale"},
        BadFile{"trainer = \"own\"\ntensors.w = [1]\ninitial = \"uniform\"\n", "",
                "initial_scale: is missing"},
        BadFile{"trainer = \"own\"\ntensors.w = [1]\nhidden = [3]\n", "", "hidden"},
        BadFile{"trainer = \"own\"\ntensors.w = [1]\n", "[evaluation]\nmetrics = [\"a b\"]\n",
                "named by letters"}));

TEST(ExternalRunFileTest, WithoutFeaturesTheTrainersReadTheData) {
  const std::string rest =
      "[model]\nkind = \"external\"\nexternal.trainer = \"own\"\nexternal.tensors.w = [1]\n"
      "[training]\nlearning_rate = 1.0\n";
  const std::string begin = "[run]\nname = \"t\"\nnum_rounds = 1\n[data]\nsource = \"icu\"\n";
  const auto plan = ParseRunFile(begin + rest, "run.toml");
  ASSERT_OK(plan);
  EXPECT_FALSE(plan->spec.data().standardize());
  EXPECT_THAT(ParseRunFile(begin + "standardize = true\n" + rest, "run.toml"),
              Fails(Code::kInvalidArgument, HasSubstr("read the data themselves")));
}

class ExternalSimulationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("perl -MJSON::PP -e 1 2>/dev/null") != 0) GTEST_SKIP() << "there is no perl";
  }

  // The trainer of examples/perl, which also says what the model begins with: 0.3 everywhere.
  std::shared_ptr<client::ExternalTrainers> Trainers() {
    PosixFiles files;
    const std::string example = std::string(SKERRY_SOURCE_DIR) + "/examples/perl/train.pl";
    std::string text = ReadFile(files, example).value();
    const std::string load = "        my ($model, $rows) = ";
    text.insert(text.find(load),
                "        if ($task->{task} eq 'initialize') {\n"
                "            my $n = 0.3;\n"
                "            save($task, { weights => [($n) x 4], bias => [$n] });\n"
                "            return +{};\n        }\n");
    client::TrainerProgram program;
    program.name = "own";
    program.command = {"/usr/bin/perl", dir_.Write("train.pl", text)};
    program.sha256[program.command[1]] = crypto::Sha256(text).Hex();
    client::ExternalTrainersOptions options;
    options.folder = dir_.File("trainers");
    options.max_idle = 4;
    return std::make_shared<client::ExternalTrainers>(client::TrainerPrograms{{"own", program}},
                                                      std::move(options));
  }

  SimulationResult Run(const std::string& run_file, int num_threads) {
    SimulationOptions options;
    options.plan = ParseRunFile(run_file, "run.toml").value();
    options.sites = testing::PatientSites(3, 60, 5);
    options.num_threads = num_threads;
    options.trainers = Trainers();
    Result<SimulationResult> result = Simulate(std::move(options));
    EXPECT_OK(result);
    EXPECT_EQ(result->run.state(), "completed") << ::testing::PrintToString(result->failures);
    return *std::move(result);
  }

  const testing::TempDir dir_;
};

TEST_F(ExternalSimulationTest, TheModelLearnsAndIsTheSameWithAnyNumberOfThreads) {
  const std::string file = RunFile(kModel,
                                   "local_epochs = 3\n[evaluation]\nmetrics = "
                                   "[\"accuracy\"]\n");
  const SimulationResult one = Run(file, 1);
  const SimulationResult three = Run(file, 3);
  EXPECT_EQ(one.model, three.model);
  const auto loss = [](const v1::RoundSummary& round) {
    for (const v1::Metric& metric : round.metrics()) {
      if (metric.name() == "test.loss" && metric.site().empty()) return metric.value();
    }
    return -1.0;
  };
  ASSERT_GE(one.rounds.size(), 4U);
  double first = -1;
  for (const v1::RoundSummary& round : one.rounds) {
    if (first < 0) first = loss(round);
  }
  EXPECT_NEAR(first, 0.693147, 1e-6);  // of a model of zeros
  EXPECT_LT(loss(one.rounds.back()), first);
}

TEST_F(ExternalSimulationTest, WhatTheTrainersSayIsWhatTheModelBeginsWith) {
  // With so small a step the model stays where it began.
  std::string file = RunFile(std::string(kModel) + "initial = \"trainer\"\n",
                             "[evaluation]\nmetrics = [\"accuracy\"]\n");
  file.replace(file.find("learning_rate = 0.1"), 19, "learning_rate = 1e-30");
  const SimulationResult result = Run(file, 2);
  const auto info = storage::ParseSafetensors(result.model, result.model.size());
  ASSERT_OK(info);
  const auto at = info->layout.Find("bias");
  ASSERT_TRUE(at.has_value());
  float bias = 0;
  std::memcpy(&bias,
              result.model.data() + info->data_begin +
                  static_cast<std::size_t>(info->layout.offset_bytes(*at)),
              sizeof(bias));
  EXPECT_EQ(bias, 0.3F);  // which all say, so their mean is it, to the bit
}

}  // namespace
}  // namespace skerry::simulation
