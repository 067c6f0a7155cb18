// What the reports of a simulation with faults say.

#include "cli/what_if.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/render/timeline_svg.h"
#include "cli/what_if_numbers.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"

namespace skerry::cli {
namespace {

using simulation::SimulationResult;
using skerry::testing::PatientSites;
using skerry::testing::PatientsRunFile;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

SimulationResult RunWith(const simulation::FaultPlan& plan) {
  simulation::SimulationOptions options;
  Result<coordinator::RunPlan> run = coordinator::ParseRunFile(
      PatientsRunFile(10, "[time]\nround_deadline = \"20m\"\n[evaluation]\nmetrics = [\"auc\"]\n"),
      "run.toml");
  EXPECT_TRUE(run.ok()) << run.status().ToString();
  options.plan = *std::move(run);
  options.sites = PatientSites(3, 60, 9);
  options.num_threads = 0;
  options.faults = plan;
  options.timeline = true;
  Result<SimulationResult> result = simulation::Simulate(std::move(options));
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return result.ok() ? *std::move(result) : SimulationResult();
}

// site-101 is nine times slower; site-102's link dies for two and a half hours, while it trains.
class WhatIfTest : public ::testing::Test {
 protected:
  WhatIfTest() {
    plan_.every_site.task_overhead = 2min;
    plan_.sites["site-101"] = plan_.every_site;
    plan_.sites["site-101"].task_overhead = 18min;
    plan_.sites["site-102"] = plan_.every_site;
    plan_.sites["site-102"].link.down = {{55min, 150min}};
    plan_.coordinator.crashes = {{5h, 15min, false}};
    result_ = RunWith(plan_);
    calm_ = RunWith(simulation::WithoutFaults(plan_));
  }

  const simulation::SiteLane& Lane(const std::string& site) const {
    return *std::find_if(result_.timeline.sites.begin(), result_.timeline.sites.end(),
                         [&](const simulation::SiteLane& lane) { return lane.site == site; });
  }

  simulation::FaultPlan plan_;
  SimulationResult result_;
  SimulationResult calm_;
};

TEST_F(WhatIfTest, TheTimelineAddsUp) {
  const simulation::Timeline& timeline = result_.timeline;
  EXPECT_EQ(timeline.end, result_.virtual_time);
  ASSERT_EQ(timeline.sites.size(), 3U);
  for (const simulation::SiteLane& lane : timeline.sites) {
    Duration total{0};
    for (const Duration part : lane.total) total += part;
    EXPECT_EQ(total, timeline.end) << lane.site;
    EXPECT_EQ(lane.did.front().from, Duration{0});
    EXPECT_EQ(lane.did.back().to, timeline.end);
    for (std::size_t i = 1; i < lane.did.size(); ++i) {
      EXPECT_EQ(lane.did[i].from, lane.did[i - 1].to);
    }
    EXPECT_EQ(lane.counted, 12);
  }
  Duration total{0};
  for (const Duration part : timeline.run_total) total += part;
  EXPECT_EQ(total, timeline.end);
  EXPECT_EQ(timeline.run_total[static_cast<std::size_t>(simulation::RunActivity::kDown)], 15min);
}

TEST_F(WhatIfTest, ItSaysWhomTheRunWaitedForAndWhy) {
  EXPECT_EQ(Lane("site-102").cut_off, 150min);
  EXPECT_EQ(MostlyWhile(Lane("site-101")), "training");
  EXPECT_GT(Lane("site-101").Awaited(), 2h);
  EXPECT_GT(Lane("site-102").Awaited(), 2h);
  EXPECT_THAT(MostlyWhile(Lane("site-102")), HasSubstr("its link down"));
  EXPECT_EQ(MostlyWhile(Lane("site-100")), "");
  EXPECT_GT(result_.timeline.pauses.at("quorum_lost"), 1h);
}

TEST_F(WhatIfTest, ARoundIsShownWithAllItsAttempts) {
  const std::vector<RoundRow> rows = RoundRows(result_.timeline);
  ASSERT_EQ(rows.size(), 12U);
  const auto longest =
      std::max_element(rows.begin(), rows.end(),
                       [](const RoundRow& a, const RoundRow& b) { return a.took < b.took; });
  EXPECT_GT(longest->attempts, 1);
  EXPECT_THAT(longest->given_up, HasSubstr("missing: site-102"));
  ASSERT_NE(longest->committed, nullptr);
  EXPECT_THAT(longest->committed->counted, ElementsAre("site-100", "site-101", "site-102"));
  EXPECT_EQ(rows.back().committed->last, "site-101");
}

TEST_F(WhatIfTest, TheTextComparesWithTheSameRunWithoutTheFaults) {
  const std::string text = WhatIfText({"plan.toml", 7, result_, calm_}, false);
  EXPECT_THAT(text, AllOf(HasSubstr("what if: plan.toml, seed 7"), HasSubstr("with these faults"),
                          HasSubstr("the same to the bit"), HasSubstr("paused: quorum_lost"),
                          HasSubstr("coordinator down"), HasSubstr("while it was"),
                          HasSubstr("(12 rounds, all of them in report.txt)")));
  EXPECT_THAT(WhatIfText({"plan.toml", 7, result_, calm_}, true), Not(HasSubstr("all of them in")));
}

TEST_F(WhatIfTest, TheJsonHoldsTheSame) {
  const auto json = nlohmann::json::parse(WhatIfJson({"plan.toml", 7, result_, calm_}));
  EXPECT_EQ(json["same_model"], true);
  EXPECT_EQ(json["with_faults"]["state"], "completed");
  EXPECT_GT(json["with_faults"]["seconds"], json["without_faults"]["seconds"]);
  EXPECT_EQ(json["sites"].size(), 3U);
  EXPECT_EQ(json["sites"][2]["seconds_link_down"], 9000.0);
  EXPECT_EQ(json["seconds"]["coordinator down"], 900.0);
  EXPECT_EQ(json["with_faults"]["metrics"]["test.auc"].size(), 11U);
}

TEST_F(WhatIfTest, ThePictureHasALaneForEverySiteAndTheCurveBelow) {
  const std::string svg = WhatIfSvg({"plan.toml", 7, result_, calm_});
  for (const char* text : {"coordinator", "site-100", "site-101", "site-102", "link down",
                           "test.auc of the newest model", "without them", "12 of 12"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
  EXPECT_THAT(svg, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
}

TEST_F(WhatIfTest, VersionsAreThereWhenTheirRoundsHaveEnded) {
  const std::vector<Measured> with = MetricOverTime(result_, "test.auc");
  const std::vector<Measured> without = MetricOverTime(calm_, "test.auc");
  ASSERT_EQ(with.size(), without.size());
  for (std::size_t i = 0; i < with.size(); ++i) {
    EXPECT_EQ(with[i].value, without[i].value) << "the same models";
    EXPECT_GE(with[i].at, without[i].at) << "later";
    EXPECT_GE(with[i].at, with[i > 0 ? i - 1 : 0].at);
  }
}

TEST(TimeTicksTest, AreRoundAndFew) {
  EXPECT_THAT(TimeTicks(10h, 5), ElementsAre(0h, 2h, 4h, 6h, 8h, 10h));
  EXPECT_THAT(TimeTicks(95s, 4), ElementsAre(0s, 30s, 60s, 90s));
  EXPECT_THAT(TimeTicks(0s, 4), ElementsAre(0s));
  EXPECT_LE(TimeTicks(24h * 365, 12).size(), 14U);
}

TEST(ShortTimeTest, DropsWhatNobodyNeeds) {
  EXPECT_EQ(ShortTime(13h + 2min + 7s), "13h2m");
  EXPECT_EQ(ShortTime(4min + 20s + 300ms), "4m20s");
  EXPECT_EQ(ShortTime(830ms), "830ms");
}

}  // namespace
}  // namespace skerry::cli
