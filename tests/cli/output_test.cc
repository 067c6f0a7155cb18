#include "cli/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace skerry::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr int64_t kCreated = 1'790'000'000'000;  // 2026-09-21T14:13:20Z

v1::RunSummary RunOf(const std::string& id, const std::string& state) {
  v1::RunSummary run;
  run.set_run_id(id);
  run.set_name("icu");
  run.set_state(state);
  run.set_round(3);
  run.set_num_rounds(60);
  run.set_created_unix_ms(kCreated);
  run.set_model_version(3);
  run.set_model_hash(std::string(32, '\xab'));
  return run;
}

v1::SiteInRound SiteOf(const std::string& name, const std::string& state) {
  v1::SiteInRound site;
  site.set_site(name);
  site.set_state(state);
  return site;
}

v1::ShowRunReply ShownRun() {
  v1::ShowRunReply shown;
  *shown.mutable_run() = RunOf("icu-1", "paused");
  shown.mutable_run()->set_reason("quorum_lost: south is away");
  shown.mutable_run()->set_hint("skerry run resume icu-1");
  shown.mutable_run()->set_phase("training");
  shown.mutable_run()->set_current_round(4);
  shown.mutable_run()->set_attempt(2);
  shown.set_run_file("[run]\n");
  v1::SiteInRound& north = *shown.add_sites() = SiteOf("north", "training");
  north.set_done(40);
  north.set_total(100);
  v1::SiteInRound& south = *shown.add_sites() = SiteOf("south", "submitting");
  south.set_done(1);
  south.set_total(3);
  v1::SiteInRound& west = *shown.add_sites() = SiteOf("west", "reported");
  west.set_num_examples(12345);
  west.set_bytes_up(2'500'000);
  v1::RoundSummary& round = *shown.add_rounds();
  round.set_round(3);
  round.set_attempt(2);
  round.set_kind("train");
  round.set_phase("committed");
  round.set_seconds(1.234);
  *round.add_sites() = SiteOf("north", "reported");
  round.mutable_sites(0)->set_counted(true);
  *round.add_sites() = SiteOf("south", "lost");
  round.mutable_sites(1)->set_reason("the connection was lost");
  v1::Metric& auc = *round.add_metrics();
  auc.set_name("test.auc");
  auc.set_value(0.77123);
  v1::Metric& own = *round.add_metrics();
  own.set_name("test.auc");
  own.set_value(0.5);
  own.set_site("north");
  return shown;
}

// Each rule across a table as "---".
std::string Short(std::string text) {
  const std::string dash = "─";
  for (std::size_t at; (at = text.find(dash)) != std::string::npos;) {
    std::size_t end = at;
    while (text.compare(end, dash.size(), dash) == 0) end += dash.size();
    text.replace(at, end - at, "---");
  }
  return text;
}

TEST(OutputTest, RunsAreATableWithOneLineForEach) {
  v1::RunSummary ended = RunOf("icu-1", "completed");
  ended.set_round(61);  // the evaluation at the end is no training round
  ended.set_ended_unix_ms(kCreated + 5000);
  EXPECT_EQ(Short(RunsText({ended, RunOf("icu-2", "running")})),
            "run    state      round  created               ended                 reason\n"
            "---\n"
            "icu-1  completed  60/60  2026-09-21T14:13:20Z  2026-09-21T14:13:25Z\n"
            "icu-2  running     3/60  2026-09-21T14:13:20Z  -\n");
  EXPECT_THAT(RunsText({}), HasSubstr("skerry run submit"));
}

TEST(OutputTest, ARunShowsItsStateItsSitesAndItsRounds) {
  EXPECT_EQ(Short(RunText(ShownRun())), R"(run      icu-1
state    paused (quorum_lost: south is away)
next     skerry run resume icu-1
round    round 3 of 60, now in round 4 (training, attempt 2)
model    version 3, abababababababab
created  2026-09-21T14:13:20Z
ended    -

site   state             examples  sent    reason
---
north  training(40/100)         -  -
south  submitting(33%)          -  -
west   reported            12 345  2.5 MB

round  kind   phase      counted  seconds  metrics of the model it began with  not counted
---
  3.2  train  committed      1/2     1.23  test.auc 0.7712                     south lost: the connection was lost
)");
}

TEST(OutputTest, JsonHoldsWhatTheTextShows) {
  const Json run = Json::parse(RunJson(ShownRun()));
  EXPECT_EQ(run["run"], "icu-1");
  EXPECT_EQ(run["state"], "paused");
  EXPECT_EQ(run["hint"], "skerry run resume icu-1");
  EXPECT_EQ(run["attempt"], 2);
  EXPECT_EQ(run["model_hash"].get<std::string>().size(), 64U);
  EXPECT_EQ(run["created"], "2026-09-21T14:13:20Z");
  EXPECT_TRUE(run["ended"].is_null());
  EXPECT_EQ(run["sites"][0]["done"], 40);
  EXPECT_EQ(run["sites"][2]["num_examples"], 12345);
  EXPECT_EQ(run["rounds"][0]["sites"][1]["reason"], "the connection was lost");
  EXPECT_EQ(run["rounds"][0]["metrics"][0]["value"], 0.77123);
  EXPECT_FALSE(run["rounds"][0]["metrics"][0].contains("site"));
  EXPECT_EQ(run["rounds"][0]["metrics"][1]["site"], "north");
  EXPECT_EQ(Json::parse(RunsJson({RunOf("a", "running")}))["runs"][0]["round"], 3);
  EXPECT_TRUE(Json::parse(RunsJson({}))["runs"].empty());
  EXPECT_EQ(Json::parse(RunSummaryJson(RunOf("a", "failed")))["state"], "failed");
}

TEST(OutputTest, SitesShowWhenTheirCertificatesEnd) {
  v1::SiteSummary north;
  north.set_site("north");
  north.set_state("ready");
  north.set_version("0.1.0");
  north.set_last_seen_unix_ms(kCreated);
  north.set_certificate_expires_unix(kCreated / 1000 + 30 * 86400 + 5);
  north.add_data_sources("icu");
  north.add_data_sources("lab");
  v1::SiteSummary south;
  south.set_site("south");
  south.set_state("lost");
  south.set_certificate_expires_unix(kCreated / 1000 - 86401);
  EXPECT_EQ(Short(SitesText({north, south}, kCreated)),
            "site   state  last seen             version  certificate   data sources  reason\n"
            "---\n"
            "north  ready  2026-09-21T14:13:20Z    0.1.0  30 days left  icu, lab\n"
            "south  lost   -                              expired\n");
  const Json json = Json::parse(SitesJson({north, south}));
  EXPECT_EQ(json["sites"][0]["data_sources"][1], "lab");
  EXPECT_TRUE(json["sites"][1]["last_seen"].is_null());
  EXPECT_THAT(SitesText({}, kCreated), HasSubstr("skerry-client --config"));
}

TEST(OutputTest, ACertificateThatEndedAMomentAgoHasExpired) {
  v1::SiteSummary north;
  north.set_site("north");
  north.set_certificate_expires_unix(kCreated / 1000 - 1);
  EXPECT_THAT(SitesText({north}, kCreated), HasSubstr("expired"));
}

TEST(OutputTest, WhatASiteSaysOfItselfCannotSteerATerminal) {
  const std::string evil = "\x1b]0;owned\x07\nroot# \x1b[2J";
  v1::SiteSummary site;
  site.set_site("north");
  site.set_version(evil);
  site.add_data_sources(evil);
  v1::ShowRunReply shown = ShownRun();
  shown.mutable_run()->set_reason(evil);
  shown.mutable_run()->set_hint(evil);
  shown.mutable_sites(0)->set_reason(evil);
  shown.mutable_rounds(0)->mutable_sites(1)->set_reason(evil);
  shown.mutable_rounds(0)->set_reason(evil);
  for (const std::string& text : {SitesText({site}, kCreated), RunText(shown),
                                  RunsText({shown.run()}), SitesJson({site}), RunJson(shown)}) {
    EXPECT_THAT(text,
                AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07")), Not(HasSubstr("\nroot#"))));
  }
  EXPECT_EQ(Json::parse(SitesJson({site}))["sites"][0]["version"], evil) << "as it was, in JSON";
}

TEST(OutputTest, BytesThatAreNoTextDoNotBreakTheJson) {
  v1::RunSummary run = RunOf("icu-1", "failed");
  run.set_reason("caf\xe9");
  EXPECT_TRUE(Json::accept(RunSummaryJson(run)));
}

}  // namespace
}  // namespace skerry::cli
