// Federations whose updates are encoded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "crypto/sha256.h"
#include "simulation/simulator.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"

namespace skerry::simulation {
namespace {

using skerry::testing::PatientSites;
using skerry::testing::PatientsRunFile;

SimulationOptions Patients(const std::string& compression, int num_rounds = 20,
                           int num_threads = 2) {
  SimulationOptions options;
  Result<coordinator::RunPlan> plan = coordinator::ParseRunFile(
      PatientsRunFile(num_rounds, "[compression]\n" + compression), "run.toml");
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  options.plan = *std::move(plan);
  options.sites = PatientSites(4, 60, 9);
  options.num_threads = num_threads;
  return options;
}

std::string ModelHash(SimulationOptions options) {
  const Result<SimulationResult> result = Simulate(std::move(options));
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  if (!result.ok()) return "";
  EXPECT_EQ(result->run.state(), "completed") << result->run.reason();
  return crypto::Sha256(result->model).Hex();
}

double LogLoss(const std::string& compression) {
  const Result<SimulationResult> result = Simulate(Patients(compression));
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  double value = -1;
  if (!result.ok()) return value;
  for (const v1::RoundSummary& round : result->rounds) {
    for (const v1::Metric& metric : round.metrics()) {
      if (metric.name() == "test.log_loss" && metric.site().empty()) value = metric.value();
    }
  }
  return value;
}

const char* const kEncodings[] = {"update = \"f16\"\n", "update = \"bf16\"\n",
                                  "update = \"int8\"\nblock = 8\n",
                                  "update = \"top_k\"\nratio = 0.3\n"};

TEST(CompressionTest, AFederationLearnsAsMuchWithEachEncoding) {
  const double plain = LogLoss("update = \"f32\"\n");
  ASSERT_LT(plain, 0.62);
  EXPECT_NEAR(LogLoss(kEncodings[0]), plain, 1e-4);
  EXPECT_NEAR(LogLoss(kEncodings[1]), plain, 1e-3);
  EXPECT_NEAR(LogLoss(kEncodings[2]), plain, 2e-3);
  EXPECT_NEAR(LogLoss(kEncodings[3]), plain, 2e-2);
}

TEST(CompressionTest, TheBitsAreTheSameWithAnyNumberOfThreadsAndAnyOrderOfArrival) {
  for (const char* encoding : kEncodings) {
    SCOPED_TRACE(encoding);
    const std::string expected = ModelHash(Patients(encoding, 5, 1));
    EXPECT_EQ(ModelHash(Patients(encoding, 5, 2)), expected);
    SimulationOptions shuffled = Patients(encoding, 5, 2);
    shuffled.task_time = [](const std::string& site, const v1::Task& task) {
      RandomStream random(3, Purpose::kSimulation, static_cast<uint64_t>(task.round()), site, 0);
      return Duration(1ms) * static_cast<int64_t>(1 + random.Below(100'000));
    };
    EXPECT_EQ(ModelHash(std::move(shuffled)), expected);
  }
}

}  // namespace
}  // namespace skerry::simulation
