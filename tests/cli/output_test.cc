#include "cli/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/treatments.h"

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

round  kind   phase      results  seconds  metrics of the model it began with  not counted
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

v1::SiteInRound FailedSite(const std::string& name, const std::string& reason) {
  v1::SiteInRound site = SiteOf(name, "failed");
  site.set_reason(reason);
  return site;
}

TEST(OutputTest, WhatARuleDidIsShownOfTheNewestRoundAndToldOfAll) {
  v1::ShowRunReply run;
  *run.mutable_run() = RunOf("icu-1", "running");
  for (const int64_t number : {1, 2}) {
    v1::RoundSummary& round = *run.add_rounds();
    round.set_round(number);
    round.set_phase("committed");
    for (const char* name : {"north", "south"}) {
      v1::SiteInRound& site = *round.add_sites();
      site = SiteOf(name, "reported");
      site.set_counted(true);
      site.mutable_treatment()->set_norm(number == 1 ? 7 : 123.456);
      site.mutable_treatment()->set_selected(std::string(name) == "north");
    }
  }
  const std::string text = RunText(run);
  EXPECT_THAT(text, AllOf(HasSubstr("What the aggregation rule did in round 2"), HasSubstr("123.5"),
                          HasSubstr("selected"), Not(HasSubstr("left out"))));
  EXPECT_EQ(TreatmentsCsv({run.rounds().begin(), run.rounds().end()}),
            "round,site,norm,factor,selected,score,trimmed,share\n"
            "1,north,7,,1,,,\n1,south,7,,0,,,\n2,north,123.456,,1,,,\n2,south,123.456,,0,,,\n");
  const Json json = Json::parse(RunJson(run));
  EXPECT_EQ(json["rounds"][1]["sites"][1]["treatment"],
            (Json{{"norm", 123.456}, {"selected", false}}));
  EXPECT_FALSE(Json::parse(RunJson(ShownRun()))["rounds"][0]["sites"][0].contains("treatment"))
      << "of the mean there is nothing to tell";
}

TEST(OutputTest, AReasonIsToldOnceForAllItsSites) {
  v1::ShowRunReply shown = ShownRun();
  v1::RoundSummary& round = *shown.mutable_rounds(0);
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    *round.add_sites() = FailedSite(name, "no column \"age\"");
  }
  EXPECT_THAT(RunText(shown), HasSubstr("south lost: the connection was lost; "
                                        "a, b, c, d, e, f and 2 more failed: no column \"age\"\n"));
  // An abandoned round says itself who was missing; and what the run's state says is not repeated.
  round.set_phase("abandoned");
  round.set_reason("the quorum of 9 cannot be reached; a: no column \"age\"");
  EXPECT_THAT(RunText(shown),
              HasSubstr("test.auc 0.7712                     the quorum of 9 cannot "
                        "be reached; a: no column \"age\"\n"));
  shown.mutable_run()->set_reason("tasks_failed: " + round.reason());
  EXPECT_THAT(RunText(shown), HasSubstr("test.auc 0.7712                     the reason above\n"));
}

TEST(OutputTest, OnATerminalReasonsAreWrappedOrElidedToItsWidth) {
  v1::ShowRunReply shown = ShownRun();
  std::string reason = "tasks_failed:";
  for (int i = 0; i < 40; ++i) reason += " word" + std::to_string(i);
  shown.mutable_run()->set_reason(reason);
  shown.mutable_sites(0)->set_reason(reason);
  shown.mutable_rounds(0)->mutable_sites(1)->set_reason(reason);
  std::string text = Short(RunText(shown, 110));
  EXPECT_THAT(text, HasSubstr("state    paused (tasks_failed: word0 "));
  EXPECT_THAT(text, HasSubstr("\n         word"));
  EXPECT_THAT(text, HasSubstr("south lost: tasks_failed: word…\n"));
  for (const std::string& line : Split(text, '\n')) {
    EXPECT_LE(CountCharacters(line), 110U) << line;
  }
  EXPECT_THAT(text, HasSubstr("word39)\n")) << "nothing of the state is lost";
  EXPECT_THAT(RunsText({shown.run()}, 110), HasSubstr("…\n"));
}

TEST(OutputTest, ARoundUnderWayShowsWhoHasReportedAndWhoIsLost) {
  v1::ShowRunReply shown = ShownRun();
  v1::RoundSummary& round = *shown.mutable_rounds(0);
  round.set_phase("training");
  round.mutable_sites(0)->set_counted(false);
  EXPECT_THAT(RunText(shown), HasSubstr("  3.2  train  training      1/2  "));
  EXPECT_THAT(RunText(shown), HasSubstr("  south lost: the connection was lost\n"));
  round.mutable_sites(1)->set_state("training");
  EXPECT_THAT(RunText(shown), Not(HasSubstr("the connection was lost"))) << "it may still count";
}

TEST(OutputTest, TheEvaluationAtTheEndIsNoRoundOfTraining) {
  v1::ShowRunReply shown = ShownRun();
  shown.mutable_run()->set_round(60);
  shown.mutable_run()->set_current_round(61);
  shown.mutable_run()->set_attempt(1);
  EXPECT_THAT(RunText(shown),
              HasSubstr("round 60 of 60, now in the evaluation at its end (training)\n"));
}

TEST(OutputTest, WhoSubmitsARunHearsWhoIsNotThere) {
  v1::SubmitRunReply reply;
  *reply.mutable_run() = RunOf("icu-1", "pending");
  for (const char* name : {"north", "south", "west"}) reply.add_sites(name);
  EXPECT_EQ(SubmittedText(reply), "submitted; sites: north, south, west\n");
  reply.add_warnings("the median of 2 updates is their mean");
  EXPECT_THAT(SubmittedText(reply),
              HasSubstr("\nwarning: the median of 2 updates is their mean\n"));
  EXPECT_EQ(Json::parse(SubmittedJson(reply))["warnings"].size(), 1U);
  reply.clear_warnings();
  reply.add_not_connected()->set_site("south");
  reply.mutable_not_connected(0)->set_last_seen_unix_ms(kCreated);
  reply.add_not_connected()->set_site("west");
  reply.set_waits_for_them(true);
  EXPECT_THAT(SubmittedText(reply),
              HasSubstr("warning: not connected now: south (last seen 2026-09-21T14:13:20Z), "
                        "west (has never connected); the run waits for them\nhint: "));
  reply.set_waits_for_them(false);
  reply.set_join_wait_ms(60'000);
  EXPECT_THAT(SubmittedText(reply), HasSubstr("each round waits for them, at most 1m\n"));
  const Json json = Json::parse(SubmittedJson(reply));
  EXPECT_EQ(json["run"], "icu-1");
  EXPECT_EQ(json["not_connected"][0]["site"], "south");
  EXPECT_TRUE(json["not_connected"][1]["last_seen"].is_null());
}

TEST(OutputTest, ARunThatIsWatchedIsOneLineOfJson) {
  v1::WatchRunReply reply;
  *reply.mutable_run() = RunOf("icu-1", "running");
  *reply.mutable_last_round() = ShownRun().rounds(0);
  const std::string line = WatchJson(reply);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const Json json = Json::parse(line);
  EXPECT_EQ(json["run"], "icu-1");
  ASSERT_EQ(json["metrics"].size(), 1U) << "those of the federation";
  EXPECT_EQ(json["metrics"][0]["name"], "test.auc");
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
