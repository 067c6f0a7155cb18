// Time that jumps, stands still or runs while nobody is there, over whole federations.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "simulation/simulator.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"

namespace skerry::simulation {
namespace {

using skerry::testing::PatientSites;
using skerry::testing::PatientsRunFile;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kSites = 3;
constexpr int kRounds = 3;
constexpr const char* kSlow = "site-101";

class TimeFaultsTest : public ::testing::Test {
 protected:
  // Three sites, three rounds, five minutes a task.
  TimeFaultsTest() { plan_.every_site.task_overhead = 5min; }

  SiteFaults& SiteOf(const std::string& name) {
    return plan_.sites.try_emplace(name, plan_.every_site).first->second;
  }

  SimulationResult Run(const std::string& extra = "") {
    SimulationOptions options;
    Result<coordinator::RunPlan> plan =
        coordinator::ParseRunFile(PatientsRunFile(kRounds, extra), "run.toml");
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    options.plan = *std::move(plan);
    options.sites = PatientSites(kSites, 20, 9);
    options.num_threads = 0;
    options.faults = plan_;
    trace_.clear();
    options.trace = &trace_;
    Result<SimulationResult> result = Simulate(std::move(options));
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    if (!result.ok()) return {};
    EXPECT_THAT(result->evidence.complaints, IsEmpty());
    return *std::move(result);
  }

  // Seconds at which the first line that holds `what` was written; -1: there is none.
  double When(const std::string& what) const {
    const auto line = std::find_if(trace_.begin(), trace_.end(), [&](const std::string& text) {
      return text.find(what) != std::string::npos;
    });
    return line == trace_.end() ? -1 : std::strtod(line->c_str(), nullptr);
  }

  static std::vector<std::string> Phases(const SimulationResult& result) {
    std::vector<std::string> phases;
    for (const v1::RoundSummary& round : result.rounds) phases.push_back(round.phase());
    return phases;
  }

  FaultPlan plan_;
  std::vector<std::string> trace_;
};

TEST_F(TimeFaultsTest, WallClocksThatJumpAnHourChangeNothing) {
  const SimulationResult calm = Run();
  plan_.coordinator.clock_jumps = {{2min, 1h}, {7min, -1h}, {13min, -1h}};
  SiteOf(kSlow).machine.clock_jumps = {{3min, -1h}, {8min, 1h}, {11min, 1h}};
  const SimulationResult jumpy = Run("[time]\nround_deadline = \"10m\"\n");
  EXPECT_EQ(jumpy.run.state(), "completed");
  EXPECT_EQ(jumpy.model, calm.model);
  EXPECT_EQ(jumpy.virtual_time, calm.virtual_time);
  ASSERT_EQ(jumpy.rounds.size(), calm.rounds.size());
  for (std::size_t i = 0; i < calm.rounds.size(); ++i) {
    EXPECT_EQ(jumpy.rounds[i].seconds(), calm.rounds[i].seconds());
  }
}

TEST_F(TimeFaultsTest, TrainingTakesAsLongAsItLooksAtRowsHoweverItsLengthIsWritten) {
  plan_.every_site.seconds_per_example = 10;
  const auto seconds = [this](const std::string& length) {
    const SimulationResult result = Run(length);
    EXPECT_EQ(result.run.state(), "completed") << result.run.reason();
    return std::chrono::duration<double>(result.virtual_time).count();
  };
  const double ten = seconds("local_steps = 10\n");
  const double twenty = seconds("local_steps = 20\n");
  // Ten more steps of at most 16 rows, in each round.
  EXPECT_GT(twenty - ten, kRounds * 10 * 10 * 10);
  EXPECT_LE(twenty - ten, kRounds * 10 * 16 * 10 + 1);
}

TEST_F(TimeFaultsTest, DeadlinesDoNotRunWhileTheCoordinatorIsDown) {
  // Each task takes half of the deadline; the coordinator is down for six times as long as that.
  plan_.coordinator.crashes = {{7min, 1h, false}, {75min, 2h, true}};
  const SimulationResult result = Run("[time]\nround_deadline = \"10m\"\n");
  EXPECT_EQ(result.run.state(), "completed") << result.run.reason();
  EXPECT_THAT(Phases(result), Each("committed")) << "no attempt was given up";
  EXPECT_GT(result.virtual_time, 3h);
  for (const v1::RoundSummary& round : result.rounds) EXPECT_LT(round.seconds(), 600);
  plan_ = FaultPlan();
  EXPECT_EQ(result.model, Run().model);
}

TEST_F(TimeFaultsTest, TheyDoRunWhileItIsUp) {
  SiteOf(kSlow).slower = 1;
  SiteOf(kSlow).task_overhead = 11min;
  const SimulationResult result = Run("[time]\nround_deadline = \"10m\"\n");
  EXPECT_EQ(result.run.state(), "completed") << "the results that came during the pause count";
  EXPECT_THAT(Phases(result), Contains("abandoned"));
  EXPECT_NE(When("run_paused: quorum_lost"), -1);
}

TEST_F(TimeFaultsTest, WhenAllClientsDieTheRunIsPausedAndGoesOnWhenTheyAreBack) {
  plan_.every_site.machine.crashes = {{7min, 3h, false}};
  const SimulationResult result = Run("[time]\nround_deadline = \"20m\"\n");
  EXPECT_EQ(result.run.state(), "completed") << result.run.reason();
  const double paused = When(
      "run_paused: quorum_lost: 0 results within 20m; quorum is 3; missing: "
      "site-100, site-101, site-102");
  EXPECT_GT(paused, 1200);
  EXPECT_LT(paused, 2000);
  const double resumed = When("run_resumed: enough sites are back");
  EXPECT_GE(resumed, 7 * 60 + 3 * 3600);
  EXPECT_LT(resumed, 7 * 60 + 3 * 3600 + 60);
  plan_ = FaultPlan();
  EXPECT_EQ(result.model, Run().model);
}

TEST_F(TimeFaultsTest, AKilledClientIsNoticedWithinTenSeconds) {
  SiteOf(kSlow).machine.crashes = {{7min, 1h, false}};
  Run();
  const double lost = When("site_lost site-101");
  EXPECT_GT(lost, 7 * 60);
  EXPECT_LT(lost, 7 * 60 + 11) << "the broken connection, and the ten seconds of grace";
}

TEST_F(TimeFaultsTest, ATrainerThatComputesForLongWithProgressIsNeverLost) {
  SiteOf(kSlow).task_overhead = 9h;
  const SimulationResult result =
      Run("[time]\nno_progress = \"40m\"\nround_deadline = \"1d\"\nheartbeat = \"20s\"\n");
  EXPECT_EQ(result.run.state(), "completed") << result.run.reason();
  EXPECT_THAT(Phases(result), Each("committed"));
  EXPECT_EQ(When("site_lost"), -1);
  EXPECT_EQ(When("task_failed"), -1);
  EXPECT_GT(result.virtual_time, 27h);
}

TEST_F(TimeFaultsTest, ATrainerWithoutProgressFailsAfterNoProgressWithTheReason) {
  SiteOf(kSlow).stuck = {{8min, 20h}};
  const SimulationResult result =
      Run("[participation]\nquorum = 2\nmin_sites = 2\n"
          "[time]\nno_progress = \"40m\"\nround_deadline = \"1d\"\n");
  EXPECT_EQ(result.run.state(), "completed_degraded");
  EXPECT_THAT(result.run.reason(), HasSubstr("site-101"));
  EXPECT_EQ(When("site_lost"), -1) << "it is connected all the time";
  const double failed = When("task_failed site-101: no progress for 40m");
  EXPECT_GT(failed, (8 + 39) * 60);
  EXPECT_LT(failed, (8 + 41) * 60);
}

TEST_F(TimeFaultsTest, LateUpdatesAreDiscardedAndNeverAbortARun) {
  SiteOf(kSlow).task_overhead = 25min;
  const SimulationResult result =
      Run("[participation]\nquorum = 2\nmin_sites = 2\n[time]\nround_deadline = \"10m\"\n");
  EXPECT_EQ(result.run.state(), "completed_degraded");
  EXPECT_THAT(Phases(result), Each("committed"));
  int64_t discarded = 0;
  for (const HeardVerdict& verdict : result.evidence.verdicts) {
    if (verdict.counted) continue;
    ++discarded;
    EXPECT_EQ(verdict.site, kSlow);
    EXPECT_THAT(verdict.reason, HasSubstr("closed without it"));
  }
  EXPECT_GT(discarded, 0);
}

TEST_F(TimeFaultsTest, ALaptopThatIsSuspendedInATaskGoesOnWithIt) {
  SiteOf(kSlow).machine.asleep = {{7min, 3h}};
  const SimulationResult result = Run("[time]\nno_progress = \"15m\"\nround_deadline = \"4h\"\n");
  EXPECT_EQ(result.run.state(), "completed") << result.run.reason();
  EXPECT_THAT(Phases(result), Each("committed"));
  EXPECT_NE(When("site_lost site-101"), -1);
  EXPECT_EQ(When("task_failed"), -1);
  plan_ = FaultPlan();
  EXPECT_EQ(result.model, Run().model);
}

}  // namespace
}  // namespace skerry::simulation
