// Models and results of several chunks over lines that break.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "crypto/content_hash.h"
#include "simulation/simulator.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"

namespace skerry::simulation {
namespace {

using skerry::testing::PatientSites;
using skerry::testing::PatientsRunFile;
using ::testing::Gt;
using ::testing::Le;

constexpr int kSites = 2;
constexpr int kRounds = 2;

// A model of 4.5 MB, five chunks, and lines that carry a megabyte in a second.
class TransferFaultsTest : public ::testing::Test {
 protected:
  TransferFaultsTest() { plan_.every_site.link.bytes_per_second = 1e6; }

  SimulationResult Run() {
    std::string file = PatientsRunFile(kRounds);
    const std::string logistic = "kind = \"logistic\"";
    file.replace(file.find(logistic), logistic.size(), "kind = \"mlp\"\nhidden = [190000]");
    SimulationOptions options;
    Result<coordinator::RunPlan> plan = coordinator::ParseRunFile(file, "run.toml");
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    options.plan = *std::move(plan);
    options.sites = PatientSites(kSites, 12, 9);
    options.num_threads = 0;
    options.faults = plan_;
    Result<SimulationResult> result = Simulate(std::move(options));
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    if (!result.ok()) return {};
    EXPECT_EQ(result->run.state(), "completed") << result->run.reason();
    return *std::move(result);
  }

  FaultPlan plan_;
};

TEST_F(TransferFaultsTest, ALineThatBreaksCostsOnlyTheChunkThatWasOnIt) {
  const SimulationResult calm = Run();
  EXPECT_GT(calm.model.size(), 4 * crypto::kChunkBytes);
  // Of every 34 seconds the line is dead for 29, which no call outlives: many a transfer is cut.
  int breaks = 0;
  for (Duration from = 4s; from < 10min; from += 34s, ++breaks) {
    plan_.every_site.link.down.push_back({from, 29s});
  }
  const SimulationResult broken = Run();
  EXPECT_EQ(broken.model, calm.model);
  const uint64_t most = static_cast<uint64_t>(breaks) * kSites * crypto::kChunkBytes;
  EXPECT_THAT(broken.evidence.bytes_up, Gt(calm.evidence.bytes_up)) << "some were cut";
  EXPECT_THAT(broken.evidence.bytes_up, Le(calm.evidence.bytes_up + most));
  // Of a model the last chunk is fetched again, and with it all are checked.
  EXPECT_THAT(broken.evidence.bytes_down, Le(calm.evidence.bytes_down + 2 * most));
}

TEST_F(TransferFaultsTest, ACoordinatorThatDiesInTheMiddleOfUploadsKeepsWhatItHas) {
  const SimulationResult calm = Run();
  for (Duration at = 8s; at < 2min; at += 7s) plan_.coordinator.crashes.push_back({at, 1s, false});
  const SimulationResult broken = Run();
  EXPECT_EQ(broken.model, calm.model);
  const auto results = static_cast<uint64_t>(kSites) * kRounds;
  EXPECT_THAT(broken.evidence.bytes_up,
              Le(calm.evidence.bytes_up + results * 3 * crypto::kChunkBytes));
}

TEST_F(TransferFaultsTest, PowerLossAtEitherEndCostsTimeAndNoBit) {
  const SimulationResult calm = Run();
  for (Duration at = 11s; at < 3min; at += 23s) plan_.coordinator.crashes.push_back({at, 2s, true});
  plan_.sites["site-101"] = plan_.every_site;
  for (Duration at = 9s; at < 3min; at += 31s) {
    plan_.sites["site-101"].machine.crashes.push_back({at, 3s, true});
  }
  EXPECT_EQ(Run().model, calm.model);
}

}  // namespace
}  // namespace skerry::simulation
