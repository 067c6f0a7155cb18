// Whole federations with each strategy, and with what sites keep and evaluate for themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>

#include "base/random.h"
#include "crypto/sha256.h"
#include "simulation/simulator.h"
#include "storage/safetensors.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"

namespace skerry::simulation {
namespace {

using skerry::testing::Fails;
using skerry::testing::PatientSites;
using skerry::testing::PatientsRunFile;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// `training` are keys of [training] and tables behind it.
Result<coordinator::RunPlan> Plan(const std::string& training, int num_rounds,
                                  const std::string& model = "") {
  std::string text = PatientsRunFile(num_rounds, training);
  const std::string kind = "kind = \"logistic\"\n";
  text.insert(text.find(kind) + kind.size(), model);
  // A key may stand once.
  const std::string batch_size = "batch_size = 16\n";
  if (training.find("batch_size") != std::string::npos) {
    text.erase(text.find(batch_size), batch_size.size());
  }
  return coordinator::ParseRunFile(text, "run.toml");
}

SimulationOptions Patients(const std::string& training, int num_rounds, int num_threads,
                           const std::string& model = "") {
  SimulationOptions options;
  Result<coordinator::RunPlan> plan = Plan(training, num_rounds, model);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  options.plan = *std::move(plan);
  options.sites = PatientSites(4, 60, 9);
  options.num_threads = num_threads;
  return options;
}

struct Outcome {
  std::string hash;
  std::map<std::string, double> metrics;  // the last of each, of the whole federation
};

Outcome OutcomeOf(SimulationOptions options) {
  Outcome outcome;
  const Result<SimulationResult> result = Simulate(std::move(options));
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  if (!result.ok()) return outcome;
  EXPECT_EQ(result->run.state(), "completed") << result->run.reason();
  outcome.hash = crypto::Sha256(result->model).Hex();
  for (const v1::RoundSummary& round : result->rounds) {
    for (const v1::Metric& metric : round.metrics()) {
      if (metric.site().empty()) outcome.metrics[metric.name()] = metric.value();
    }
  }
  return outcome;
}

struct Case {
  const char* name;
  const char* training;
  const char* model = "";
};

const Case kCases[] = {
    {"FedProx", "strategy = \"fedprox\"\nproximal_mu = 0.1\n"},
    {"FedAvgM", "strategy = \"fedavgm\"\nserver.momentum = 0.5\n"},
    {"FedAvgMWithNesterov",
     "strategy = \"fedavgm\"\nserver.momentum = 0.5\nserver.nesterov = true\n"},
    {"FedAdagrad", "strategy = \"fedadagrad\"\nserver.learning_rate = 0.1\n"},
    {"FedAdam",
     "strategy = \"fedadam\"\nserver.learning_rate = 0.1\nserver.bias_correction = \"standard\"\n"},
    {"FedYogi", "strategy = \"fedyogi\"\nserver.learning_rate = 0.1\n"},
    {"Scaffold", "strategy = \"scaffold\"\nlocal_steps = 5\n"},
    {"ScaffoldF64", "strategy = \"scaffold\"\nweighting = \"uniform\"\n", "dtype = \"f64\"\n"},
    {"FedNova", "strategy = \"fednova\"\nmomentum = 0.5\nproximal_mu = 0.01\n"},
    {"FedDyn", "strategy = \"feddyn\"\nalpha = 0.1\n"},
    {"QFedAvg", "strategy = \"qfedavg\"\nq = 1.0\n"},
    {"QFedAvgF64", "strategy = \"qfedavg\"\nq = 1.0\n", "dtype = \"f64\"\n"},
    {"AdamWAtTheSites", "optimizer = \"adamw\"\nweight_decay = 0.01\nclipping_norm = 1.0\n"},
    {"AllRowsAtOnceWithASchedule",
     "batch_size = 0\nlocal_steps = 3\nnesterov = true\nmomentum = 0.5\n"
     "schedule = { kind = \"cosine\", minimum = 0.1, warm_up = 2 }\n"},
    {"FedAvgF64", "strategy = \"fedavg\"\n", "dtype = \"f64\"\n"},
    {"MedianF64", "\n[aggregation]\nrule = \"median\"\n", "dtype = \"f64\"\n"},
    {"ClippedKrumF64",
     "\n[aggregation]\nrule = \"multi_krum\"\nattackers = 0\nclipping_norm = 1.0\n",
     "dtype = \"f64\"\n"},
    {"GeometricMedianF64", "\n[aggregation]\nrule = \"geometric_median\"\n", "dtype = \"f64\"\n"},
    {"Ditto", "personal = { kind = \"ditto\", lambda = 0.5 }\n"},
    {"DittoBesideScaffoldF64",
     "strategy = \"scaffold\"\npersonal = { kind = \"ditto\", lambda = 0.5 }\n",
     "dtype = \"f64\"\n"},
    {"ABiasOfEachSitesOwn", "", "local_tensors = [\"bias\"]\n"},
    {"ABiasOfEachSitesOwnF64", "strategy = \"fedprox\"\nproximal_mu = 0.1\n",
     "dtype = \"f64\"\nlocal_tensors = [\"bias\"]\n"},
    {"FineTuning", "personal = { kind = \"fine_tuning\", steps = 20, learning_rate = 0.05 }\n"},
};

class StrategyTest : public ::testing::TestWithParam<Case> {
 protected:
  static SimulationOptions Options(int num_rounds, int num_threads) {
    return Patients(GetParam().training, num_rounds, num_threads, GetParam().model);
  }
};

TEST_P(StrategyTest, AFederationLearns) {
  const Outcome outcome = OutcomeOf(Options(20, 2));
  EXPECT_LT(outcome.metrics.at("test.log_loss"), 0.66);
}

TEST_P(StrategyTest, TheBitsAreTheSameWithAnyNumberOfThreadsAndAnyOrderOfArrival) {
  const std::string expected = OutcomeOf(Options(5, 1)).hash;
  EXPECT_EQ(OutcomeOf(Options(5, 2)).hash, expected);
  SimulationOptions shuffled = Options(5, 2);
  shuffled.task_time = [](const std::string& site, const v1::Task& task) {
    RandomStream random(3, Purpose::kSimulation, static_cast<uint64_t>(task.round()), site, 0);
    return Duration(1ms) * static_cast<int64_t>(1 + random.Below(100'000));
  };
  EXPECT_EQ(OutcomeOf(std::move(shuffled)).hash, expected);
}

INSTANTIATE_TEST_SUITE_P(All, StrategyTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(PersonalModelsTest, AreEvaluatedBesideTheRunsModelAndDoNotTouchIt) {
  const Outcome plain = OutcomeOf(Patients("", 10, 2));
  EXPECT_EQ(plain.metrics.count("personal_test.log_loss"), 0U);
  for (const char* personal : {"personal = { kind = \"ditto\", lambda = 0.5 }\n",
                               "personal = { kind = \"fine_tuning\", steps = 30 }\n"}) {
    SCOPED_TRACE(personal);
    const Outcome outcome = OutcomeOf(Patients(personal, 10, 2));
    EXPECT_EQ(outcome.metrics.at("test.log_loss"), plain.metrics.at("test.log_loss"));
    EXPECT_LT(outcome.metrics.at("personal_test.log_loss"), 0.7);
    EXPECT_NE(outcome.metrics.at("personal_test.log_loss"), plain.metrics.at("test.log_loss"));
  }
}

// The model of the run has what is shared, and nothing else.
TEST(LocalTensorsTest, StayAtTheSites) {
  const Result<SimulationResult> result =
      Simulate(Patients("", 3, 2, "local_tensors = [\"bias\"]\n"));
  ASSERT_OK(result);
  EXPECT_NE(result->model.find("\"weight\""), std::string::npos);
  EXPECT_EQ(result->model.find("\"bias\""), std::string::npos);
}

// The bytes of a tensor in a model file.
std::string TensorBytes(const std::string& model, const std::string& name) {
  uint64_t header = 0;
  std::memcpy(&header, model.data(), sizeof header);
  const std::size_t at = model.find("\"" + name + "\"");
  const std::string key = "\"data_offsets\":[";
  const std::size_t offsets = model.find(key, at) + key.size();
  char* comma = nullptr;
  const uint64_t begin = std::strtoull(model.c_str() + offsets, &comma, 10);
  const uint64_t end = std::strtoull(comma + 1, nullptr, 10);
  return model.substr(8 + header + begin, end - begin);
}

// A network with batch normalisation; `model` are further keys of [model].
SimulationOptions Normalised(const std::string& training, int num_rounds, int num_threads,
                             const std::string& model = "") {
  SimulationOptions options = Patients("", num_rounds, num_threads);
  std::string text = PatientsRunFile(num_rounds, training);
  const std::string kind = "kind = \"logistic\"\n";
  text.replace(text.find(kind), kind.size(),
               "kind = \"network\"\nlayers = [{ kind = \"dense\", units = 4 }, { kind = "
               "\"batch_norm\" }, { kind = \"dense\", units = 1 }]\n" +
                   model);
  Result<coordinator::RunPlan> plan = coordinator::ParseRunFile(text, "run.toml");
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  options.plan = *std::move(plan);
  return options;
}

// The model after a round.
std::string NormalisedModel(const std::string& training) {
  const Result<SimulationResult> result = Simulate(Normalised(training, 1, 2));
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return result.ok() ? result->model : std::string();
}

// As the algorithms' paper says of batch normalisation: a server's Adam, or momentum, would make
// something else of a measured variance than the mean of the sites'.
TEST(BatchNormTest, WhatIsMeasuredIsTheMeanOfTheSitesWhateverTheStrategy) {
  const std::string plain = NormalisedModel("");
  for (const char* training : {"strategy = \"fedadam\"\nserver.learning_rate = 0.5\n",
                               "strategy = \"fedyogi\"\nserver.learning_rate = 0.5\n",
                               "strategy = \"fedavgm\"\nserver.learning_rate = 3.0\n"}) {
    SCOPED_TRACE(training);
    const std::string model = NormalisedModel(training);
    for (const char* measured : {"bn.1.running_mean", "bn.1.running_variance"}) {
      ASSERT_EQ(TensorBytes(model, measured).size(), 16U);
      EXPECT_EQ(TensorBytes(model, measured), TensorBytes(plain, measured));
    }
    EXPECT_NE(TensorBytes(model, "layers.0.weight"), TensorBytes(plain, "layers.0.weight"));
  }
}

TEST(BatchNormTest, WhatIsMeasuredIsTheMedianOfTheSitesWhereTheRuleComparesUpdates) {
  const std::string median = NormalisedModel("\n[aggregation]\nrule = \"median\"\n");
  for (const char* aggregation :
       {"clipping_norm = 1e-3\n", "rule = \"multi_krum\"\nattackers = 0\n",
        "rule = \"geometric_median\"\n", "rule = \"centered_clipping\"\nradius = 1e-3\n"}) {
    SCOPED_TRACE(aggregation);
    const std::string model = NormalisedModel("\n[aggregation]\n" + std::string(aggregation));
    for (const char* measured : {"bn.1.running_mean", "bn.1.running_variance"}) {
      EXPECT_EQ(TensorBytes(model, measured), TensorBytes(median, measured));
    }
    EXPECT_NE(TensorBytes(model, "layers.0.weight"), TensorBytes(median, "layers.0.weight"));
  }
}

std::vector<std::string> TensorNames(const std::string& model) {
  const Result<storage::SafetensorsInfo> info = storage::ParseSafetensors(model, model.size());
  EXPECT_TRUE(info.ok()) << info.status().ToString();
  std::vector<std::string> names;
  if (!info.ok()) return names;
  for (const learning::TensorSpec& tensor : info->layout.tensors()) names.push_back(tensor.name);
  return names;
}

// FedBN (Li et al., "FedBN: federated learning on non-IID features via local batch normalization",
// ICLR 2021).
constexpr const char* kLocalNormalisation = "loss = \"logistic\"\nlocal_tensors = [\"bn.\"]\n";

TEST(FedBnTest, AFederationLearns) {
  const Outcome outcome = OutcomeOf(Normalised("", 20, 2, kLocalNormalisation));
  EXPECT_LT(outcome.metrics.at("test.log_loss"), 0.66);
}

TEST(FedBnTest, TheNormalisationStaysAtTheSites) {
  ASSERT_OK_AND_ASSIGN(const SimulationResult result,
                       Simulate(Normalised("", 3, 2, kLocalNormalisation)));
  EXPECT_THAT(TensorNames(result.model),
              AllOf(Contains("layers.0.weight"), Contains("layers.2.bias"),
                    Not(Contains(StartsWith("bn.")))));
  EXPECT_THAT(TensorNames(NormalisedModel("")), Contains(StartsWith("bn.")));
}

TEST(FedBnTest, TheBitsAreTheSameEachTimeAndNotThoseOfASharedNormalisation) {
  const auto model = [](int num_threads, const char* keys) {
    const Result<SimulationResult> result = Simulate(Normalised("", 5, num_threads, keys));
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? result->model : std::string();
  };
  const std::string expected = model(1, kLocalNormalisation);
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(model(1, kLocalNormalisation), expected);
  EXPECT_EQ(model(2, kLocalNormalisation), expected);
  EXPECT_NE(TensorBytes(model(2, "loss = \"logistic\"\n"), "layers.2.weight"),
            TensorBytes(expected, "layers.2.weight"));
}

TEST(ScheduledRunsTest, ACosineOfDefaultSettingsTrainsToTheLastRound) {
  for (const char* training :
       {"schedule = { kind = \"cosine\" }\n", "schedule = { kind = \"cosine\", warm_up = 2 }\n",
        "schedule = { kind = \"cosine\" }\npersonal = { kind = "
        "\"fine_tuning\", steps = 3, learning_rate = 0.01 }\n"}) {
    SCOPED_TRACE(training);
    EXPECT_GT(OutcomeOf(Patients(training, 4, 2)).metrics.count("test.log_loss"), 0U);
  }
  EXPECT_GT(OutcomeOf(Patients("schedule = { kind = \"cosine\" }\n", 1, 2)).hash.size(), 0U);
}

TEST(ScheduledRunsTest, ARunWhoseLastRoundWouldTrainAtNothingIsNotAccepted) {
  EXPECT_THAT(Plan("schedule = { kind = \"exponential\", factor = 1e-200 }\n", 5).status(),
              Fails(Code::kInvalidArgument, HasSubstr("training.schedule.factor")));
}

TEST(StrategyKeysTest, WhatClashesIsRefusedWithBothKeys) {
  const auto refuses = [](const std::string& training, const char* one, const char* other,
                          const std::string& model = "") {
    const Result<coordinator::RunPlan> plan = Plan(training, 5, model);
    EXPECT_FALSE(plan.ok()) << training;
    EXPECT_THAT(plan.status().ToString(), AllOf(HasSubstr(one), HasSubstr(other))) << training;
  };
  refuses("strategy = \"scaffold\"\nmomentum = 0.9\n", "momentum", "scaffold");
  refuses("strategy = \"scaffold\"\noptimizer = \"adam\"\n", "optimizer", "scaffold");
  refuses("strategy = \"scaffold\"\n[aggregation]\nrule = \"median\"\n", "aggregation.rule",
          "scaffold");
  refuses("strategy = \"feddyn\"\nalpha = 0.1\n[compression]\nupdate = \"top_k\"\n",
          "compression.update", "feddyn");
  refuses("personal = { kind = \"ditto\", lambda = 1.0 }\n[compression]\nupdate = \"top_k\"\n",
          "compression.update", "ditto");
  refuses("strategy = \"scaffold\"\n", "model.local_tensors", "scaffold",
          "local_tensors = [\"bias\"]\n");
  refuses("\n[compression]\nupdate = \"top_k\"\n", "model.local_tensors", "compression.update",
          "local_tensors = [\"bias\"]\n");
  refuses("optimizer = \"adam\"\nmomentum = 0.9\n", "momentum", "optimizer");
  refuses("local_steps = 5\nlocal_epochs = 2\n", "local_steps", "local_epochs");
  refuses("\n[compression]\nupdate = \"int8\"\n", "model.dtype", "compression.update",
          "dtype = \"f64\"\n");
}

TEST(StrategyKeysTest, AKeyThatTheStrategyDoesNotReadIsRefused) {
  for (const char* training :
       {"proximal_mu = 0.1\n", "alpha = 0.1\n", "q = 1.0\n", "server.momentum = 0.9\n",
        "strategy = \"feddyn\"\nalpha = 0.1\nweighting = \"examples\"\n",
        "strategy = \"fedadagrad\"\nserver.learning_rate = 0.1\nserver.beta2 = 0.9\n",
        "beta1 = 0.9\n", "schedule = { kind = \"cosine\", factor = 0.5 }\n",
        "personal = { kind = \"ditto\", lambda = 1.0, steps = 5 }\n"}) {
    EXPECT_THAT(Plan(training, 5).status(),
                Fails(Code::kInvalidArgument, HasSubstr("nothing reads this")))
        << training;
  }
}

}  // namespace
}  // namespace skerry::simulation
