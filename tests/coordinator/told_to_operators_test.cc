// What operators are told of runs and sites: whom a run waits for, why it paused, what it lacked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "coordinator/views.h"
#include "harness.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// "site-01" to "site-99".
std::vector<std::string> Names(int count) {
  std::vector<std::string> names;
  for (int i = 1; i <= count; ++i) {
    names.push_back(std::string(i < 10 ? "site-0" : "site-") + std::to_string(i));
  }
  return names;
}

std::string Quoted(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "\"" : ", \"") + name + "\"";
  return "[" + list + "]";
}

class ToldToOperatorsTest : public ::testing::Test {
 protected:
  // Sites that are connected, and have the tasks of a run's first round.
  void BeginRun(int num_sites, const std::string& participation = "") {
    const std::vector<std::string> names = Names(num_sites);
    RunFile file;
    file.participation = "sites = " + Quoted(names) + "\n" + participation;
    h.Submit(file);
    for (const std::string& name : names) {
      sites.emplace_back(h, name);
      ASSERT_OK(sites.back().Join());
    }
    for (FakeSite& site : sites) tasks.push_back(site.Take());
  }

  v1::SubmitRunReply Submit(const std::string& participation) {
    RunFile file;
    file.participation = participation;
    v1::SubmitRunRequest request;
    request.set_run_file(file.Text());
    const auto reply = h.Call<v1::SubmitRunReply>(
        [&](auto done) { h.coordinator->SubmitRun(request, std::move(done)); });
    EXPECT_OK(reply);
    return reply.ok() ? *reply : v1::SubmitRunReply();
  }

  Harness h;
  std::deque<FakeSite> sites;
  std::vector<v1::Task> tasks;
};

TEST_F(ToldToOperatorsTest, WhoSubmitsARunHearsWhichSitesAreNotConnected) {
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  EXPECT_THAT(Submit("sites = \"all\"").not_connected(), IsEmpty());
  h.Wait(1min);  // neither has called again
  ASSERT_OK(a.Join());
  const v1::SubmitRunReply all = Submit("sites = \"all\"");
  ASSERT_EQ(all.not_connected_size(), 1);
  EXPECT_EQ(all.not_connected(0).site(), "b");
  EXPECT_GT(all.not_connected(0).last_seen_unix_ms(), 0);
  EXPECT_TRUE(all.waits_for_them());
  const v1::SubmitRunReply listed = Submit("sites = [\"a\", \"z\"]\nmin_sites = 1");
  ASSERT_EQ(listed.not_connected_size(), 1);
  EXPECT_EQ(listed.not_connected(0).site(), "z");
  EXPECT_EQ(listed.not_connected(0).last_seen_unix_ms(), 0) << "it has never been there";
  EXPECT_FALSE(listed.waits_for_them());
  EXPECT_EQ(listed.join_wait_ms(), 60'000);
  EXPECT_TRUE(
      Submit("sites = [\"a\", \"z\"]\nmin_sites = 1\nrequired_sites = [\"z\"]").waits_for_them());
}

TEST_F(ToldToOperatorsTest, FailuresOfOneKindAreSaidOnceForAllTheirSites) {
  BeginRun(12);
  for (std::size_t i = 0; i < 9; ++i) {
    ASSERT_OK(sites[i + 3].Fail(tasks[i + 3], InvalidArgument("there is no column \"age\"")));
  }
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_OK(sites[i].Fail(tasks[i], InvalidArgument("line " + std::to_string(i))));
  }
  EXPECT_EQ(h.coordinator->FindRun("t-1")->record().reason,
            "tasks_failed: the quorum of 12 cannot be reached; "
            "site-04, site-05, site-06, site-07, site-08, site-09 and 3 more: "
            "there is no column \"age\"; site-01: line 0; site-02: line 1; "
            "and 1 more with other reasons");
}

TEST_F(ToldToOperatorsTest, OfManyAbsentSitesTheMostMissedAreNamed) {
  BeginRun(10, "min_sites = 1\nquorum = 1\n[time]\nheartbeat = \"1s\"");
  for (const std::size_t i : {0U, 9U}) {
    ASSERT_OK(sites[i].Submit(tasks[i]));
    sites[i].Pull({tasks[i].task_id()});
  }
  for (std::size_t i = 1; i < 9; ++i) sites[i].Break();
  h.Wait(15s);
  ASSERT_OK(sites[0].Submit(sites[0].Take()));
  h.Wait(15s);  // site-10 does not call again
  EXPECT_EQ(h.coordinator->FindRun("t-1")->record().reason,
            "rounds closed without site-02 in 2, site-03 in 2, site-04 in 2, site-05 in 2, "
            "site-06 in 2, site-07 in 2 and 3 more sites");
}

TEST_F(ToldToOperatorsTest, ASiteThatIsGoneIsShownAsSuchInTheRoundUnderWay) {
  BeginRun(2);
  const auto show = [&] {
    v1::ShowRunRequest request;
    request.set_run_id("t-1");
    request.set_first_round(-1);
    const auto reply = h.Call<v1::ShowRunReply>(
        [&](auto done) { h.coordinator->ShowRun(request, std::move(done)); });
    EXPECT_OK(reply);
    return reply.ok() ? *reply : v1::ShowRunReply();
  };
  sites[0].Beat(tasks[0].task_id());
  sites[1].Beat(tasks[1].task_id());
  sites[0].Break();
  v1::ShowRunReply shown = show();
  EXPECT_EQ(shown.sites(0).state(), "training") << "what it was at when its connection broke";
  EXPECT_EQ(shown.sites(0).reason(), kBrokenReason);
  h.Wait(15s);
  sites[1].Beat(tasks[1].task_id());
  shown = show();
  ASSERT_EQ(shown.rounds_size(), 1);
  for (const v1::SiteInRound& site : {shown.sites(0), shown.rounds(0).sites(0)}) {
    EXPECT_EQ(site.state(), "lost");
    EXPECT_THAT(site.reason(), StartsWith("the connection was lost; last heard of at 20"));
  }
  EXPECT_EQ(shown.rounds(0).sites(1).state(), shown.sites(1).state());
}

TEST_F(ToldToOperatorsTest, WhatCannotBeDoneComesWithWhatCan) {
  BeginRun(1);
  const auto resume = h.Call<v1::ResumeRunReply>(
      [&](auto done) { h.coordinator->ResumeRun("t-1", std::move(done)); });
  EXPECT_THAT(resume.status().hint(), HasSubstr("skerry run show t-1"));
  ASSERT_OK(sites[0].Fail(tasks[0], InvalidArgument("there is no column \"age\"")));
  EXPECT_THAT(h.coordinator->FindRun("t-1")->record().hint,
              AllOf(HasSubstr("skerry run resume t-1"), HasSubstr("submit a corrected one")));
  for (int i = 0; i < 2; ++i) {
    const auto stop = h.Call<v1::StopRunReply>(
        [&](auto done) { h.coordinator->StopRun("t-1", std::move(done)); });
    EXPECT_EQ(stop.status().hint().empty(), i == 0) << "the second finds it ended";
  }
}

}  // namespace
}  // namespace skerry::coordinator
