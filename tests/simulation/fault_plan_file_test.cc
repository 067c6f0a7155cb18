#include "simulation/fault_plan_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "coordinator/run_plan.h"
#include "simulation/fault_statements.h"
#include "simulation/random_plan.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"

namespace skerry::simulation {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(FaultStatementsTest, EachIsAShortSentence) {
  ASSERT_OK_AND_ASSIGN(const Window window, ParseWindow("from 1h for 2.5h"));
  EXPECT_EQ(window, (Window{1h, 150min}));
  ASSERT_OK_AND_ASSIGN(const Crash crash, ParseCrash("at 3h  for 5m"));
  EXPECT_EQ(crash, (Crash{3h, 5min, false}));
  ASSERT_OK_AND_ASSIGN(const Crash plug, ParseCrash("at 3h for 5m with power loss"));
  EXPECT_EQ(plug, (Crash{3h, 5min, true}));
  ASSERT_OK_AND_ASSIGN(const ClockJump back, ParseClockJump("at 2h by -1h"));
  EXPECT_EQ(back, (ClockJump{2h, -1h}));
  ASSERT_OK_AND_ASSIGN(const ClockJump ahead, ParseClockJump("at 2h by +1h"));
  EXPECT_EQ(ahead, (ClockJump{2h, 1h}));
}

TEST(FaultStatementsTest, BandwidthsInBytesAndBits) {
  EXPECT_EQ(*ParseBandwidth("100 KB/s"), 100e3);
  EXPECT_EQ(*ParseBandwidth("2.5MB/s"), 2.5e6);
  EXPECT_EQ(*ParseBandwidth("8 Mbit/s"), 1e6);
}

TEST(FaultStatementsTest, WhatIsNoSentenceIsShownWithTheForm) {
  for (const char* text : {"", "1h for 2h", "from 1h", "from 1h to 2h", "from one for 2h",
                           "from 1h for 2h for 3h", "at 1h for 2h"}) {
    EXPECT_THAT(ParseWindow(text), Fails(Code::kInvalidArgument, HasSubstr("from 1h for 2h30m")))
        << text;
  }
  EXPECT_THAT(ParseCrash("at 1h for 5m without power"),
              Fails(Code::kInvalidArgument, HasSubstr("with power loss")));
  EXPECT_THAT(ParseClockJump("at 1h by 1h"), Fails(Code::kInvalidArgument, HasSubstr("by +1h")));
  EXPECT_THAT(ParseBandwidth("100"), Fails(Code::kInvalidArgument, HasSubstr("100 KB/s")));
  EXPECT_THAT(ParseBandwidth("fast"), Fails(Code::kInvalidArgument, HasSubstr("100 KB/s")));
  EXPECT_THAT(ParseBandwidth("-1 KB/s"), Fails(Code::kInvalidArgument, HasSubstr("100 KB/s")));
}

TEST(FaultPlanFileTest, AMistakeIsSaidOnceAndWithItsOwnHint) {
  const Status status = ParseFaultPlan(R"([every_site]
drop = 2.0
bandwidth = "fast"
link_down = ["at noon"]
[sites.utrecht]
slower = 9
[sites.aachen]
drop = 0.1
)",
                                       "plan.toml")
                            .status();
  EXPECT_THAT(status, Fails(Code::kInvalidArgument, AllOf(HasSubstr("plan.toml:2: every_site.drop"),
                                                          Not(HasSubstr("sites.utrecht.drop")))));
  EXPECT_EQ(std::count(status.message().begin(), status.message().end(), '\n'), 2)
      << status.message();
  EXPECT_THAT(status.message(), HasSubstr("bandwidth (write a number and a unit"));
}

TEST(FaultPlanFileTest, SaysWhatIfUtrechtIsNineTimesSlowerAndAachensLinkDies) {
  ASSERT_OK_AND_ASSIGN(const FaultPlan plan, ParseFaultPlan(R"(
seed = 7
[every_site]
seconds_per_example = 0.2
bandwidth = "1 MB/s"
[sites.utrecht]
slower = 9
[sites.aachen]
link_down = ["from 1h for 2.5h"]
)",
                                                            "what_if.toml"));
  EXPECT_EQ(plan.seed, 7U);
  EXPECT_EQ(plan.Of("utrecht").slower, 9);
  EXPECT_EQ(plan.Of("utrecht").seconds_per_example, 0.2);
  EXPECT_EQ(plan.Of("aachen").slower, 1);
  EXPECT_THAT(plan.Of("aachen").link.down, ElementsAre(Window{1h, 150min}));
  EXPECT_EQ(plan.Of("aachen").link.bytes_per_second, 1e6);
  EXPECT_EQ(plan.Of("somewhere").seconds_per_example, 0.2);
}

TEST(FaultPlanFileTest, EveryKeyIsRead) {
  const std::string machine = R"(
crash = ["at 1h for 5m with power loss"]
crash_every = "3h"
crash_for = "10m"
crash_per_write = 0.001
power_loss = 0.5
failed_sync = 0.01
flipped_bit = 0.02
disk_full = ["from 1h for 1h", "from 90m for 1h"]
asleep = ["from 5h for 1m"]
clock = ["at 2h by +1h", "at 3h by -1h"]
)";
  ASSERT_OK_AND_ASSIGN(
      const FaultPlan plan,
      ParseFaultPlan("calm_after = \"4h\"\nlimit = \"9d\"\n[coordinator]" + machine +
                         "compute_time = \"2s\"\n[sites.a]" + machine + R"(
seconds_per_example = 1
task_overhead = "3s"
slower = 1.5
stuck = ["from 1s for 2s"]
latency = "40ms"
jitter = "10ms"
bandwidth = "100 KB/s"
drop = 0.1
duplicate = 0.2
reorder = 0.3
reorder_by = "4s"
link_down = ["from 1m for 1m"]
link_down_every = "6h"
link_down_for = "7m"
)",
                     "plan.toml"));
  EXPECT_EQ(plan.calm_after, 4h);
  EXPECT_EQ(plan.limit, 9 * 24h);
  EXPECT_EQ(plan.compute_time, 2s);
  EXPECT_EQ(plan.coordinator.crashes.size(), 1U);
  EXPECT_EQ(plan.coordinator.crash_every, 3h);
  EXPECT_EQ(plan.coordinator.failed_sync, 0.01);
  EXPECT_THAT(plan.coordinator.disk_full, ElementsAre(Window{1h, 90min})) << "windows that touch";
  EXPECT_EQ(plan.coordinator.clock_jumps.size(), 2U);
  const SiteFaults& a = plan.Of("a");
  EXPECT_EQ(a.machine, plan.coordinator);
  EXPECT_EQ(a.task_overhead, 3s);
  EXPECT_EQ(a.stuck.size(), 1U);
  EXPECT_EQ(a.link.drop, 0.1);
  EXPECT_EQ(a.link.duplicate, 0.2);
  EXPECT_EQ(a.link.reorder_by, 4s);
  EXPECT_EQ(a.link.down_every, 6h);
  EXPECT_EQ(a.link.bytes_per_second, 100e3);
}

TEST(FaultPlanFileTest, ASiteKeepsWhatItsOwnTableDoesNotSay) {
  ASSERT_OK_AND_ASSIGN(const FaultPlan plan, ParseFaultPlan(R"(
[every_site]
drop = 0.1
crash = ["at 1h for 1m"]
[sites.a]
crash = []
[sites.b]
drop = 0
)",
                                                            "plan.toml"));
  EXPECT_EQ(plan.Of("a").link.drop, 0.1);
  EXPECT_TRUE(plan.Of("a").machine.crashes.empty());
  EXPECT_EQ(plan.Of("b").link.drop, 0);
  EXPECT_EQ(plan.Of("b").machine.crashes.size(), 1U);
}

TEST(FaultPlanFileTest, APartitionTakesTheLinksOfItsSitesDown) {
  ASSERT_OK_AND_ASSIGN(const FaultPlan plan, ParseFaultPlan(R"(
[every_site]
drop = 0.1
[sites.b]
link_down = ["from 1m for 1m"]
[partitions.alps]
sites = ["b", "c"]
when = ["from 1h for 20m"]
)",
                                                            "plan.toml"));
  EXPECT_THAT(plan.Of("b").link.down, ElementsAre(Window{1min, 1min}, Window{1h, 20min}));
  EXPECT_THAT(plan.Of("c").link.down, ElementsAre(Window{1h, 20min}));
  EXPECT_EQ(plan.Of("c").link.drop, 0.1);
  EXPECT_TRUE(plan.Of("a").link.down.empty());
}

TEST(FaultPlanFileTest, AllThatIsWrongIsSaidAtItsLine) {
  EXPECT_THAT(ParseFaultPlan("[sites.utrecht]\nslwer = 9\nlink_down = [\"at 1h for 2h\"]\n"
                             "[coordinator]\ndrop = 0.1\npower_loss = 2\n",
                             "plan.toml"),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("plan.toml:2: sites.utrecht.slwer"),
                          HasSubstr("did you mean \"sites.utrecht.slower\"?"),
                          HasSubstr("plan.toml:3: sites.utrecht.link_down: \"at 1h for 2h\""),
                          HasSubstr("plan.toml:5: coordinator.drop"),
                          HasSubstr("plan.toml:6: coordinator.power_loss: must be a chance"))));
  EXPECT_THAT(ParseFaultPlan("[every_site]\nslower = 0\n", "p"),
              Fails(Code::kInvalidArgument, HasSubstr("must be over 0")));
}

TEST(FaultPlanFileTest, TheRunFilesOwnTableIsReadWithItsFullKeys) {
  const std::string run = testing::PatientsRunFile(2, "[simulation]\nsites = \"data\"\n");
  ASSERT_OK_AND_ASSIGN(const auto none, ParseFaultsOfRunFile(run, "run.toml"));
  EXPECT_FALSE(none.has_value());
  const std::string with = run + "[simulation.faults.sites.a]\nslower = 3\n";
  ASSERT_OK_AND_ASSIGN(const auto plan, ParseFaultsOfRunFile(with, "run.toml"));
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->Of("a").slower, 3);
  EXPECT_OK(coordinator::ParseRunFile(with, "run.toml")) << "others leave the table alone";
  EXPECT_THAT(
      ParseFaultsOfRunFile(run + "[simulation.faults]\nsed = 3\n", "run.toml"),
      Fails(Code::kInvalidArgument, AllOf(HasSubstr("simulation.faults.sed"),
                                          HasSubstr("did you mean \"simulation.faults.seed\"?"))));
}

TEST(FaultPlanTest, ASiteThatIsNotThereIsNamedWithThoseThatAre) {
  FaultPlan plan;
  plan.sites["utrect"] = {};
  EXPECT_THAT(CheckSites(plan, {"aachen", "utrecht"}),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("\"utrect\""), HasSubstr("did you mean \"utrecht\"?"),
                          HasSubstr("aachen, utrecht"))));
}

TEST(RandomPlanTest, ASeedGivesOnePlan) {
  const std::vector<std::string> sites = {"a", "b", "c"};
  EXPECT_EQ(RandomPlan(5, sites), RandomPlan(5, sites));
  EXPECT_FALSE(RandomPlan(5, sites) == RandomPlan(6, sites));
}

}  // namespace
}  // namespace skerry::simulation
