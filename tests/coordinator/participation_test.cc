// Sites that are late, lost, failed or too few, and runs beside each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator_fixture.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using skerry::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST_F(CoordinatorTest, ALateUpdateIsDiscardedAndItsSiteIsTold) {
  RunFile file;
  file.participation = "sites = [\"a\", \"b\"]\nmin_sites = 1\nquorum = 1";
  BeginRun(file);
  ASSERT_OK(a.Submit(task_a));
  b.Beat(task_b.task_id());
  b.Break();
  h.Wait(15s);  // b is lost, and the quorum is there
  EXPECT_EQ(run().last_committed_round(), 1);
  ASSERT_OK_AND_ASSIGN(const auto reply, b.Join({Held(task_b.task_id(), v1::HeldTask::FINISHED)}));
  ASSERT_THAT(reply.verdicts(), SizeIs(1));
  EXPECT_EQ(reply.verdicts(0).outcome(), v1::Verdict::DISCARDED);
  EXPECT_THAT(reply.verdicts(0).reason(), HasSubstr("round 1"));
  EXPECT_THAT(b.Submit(task_b), HasCode(Code::kNotFound));
}

TEST_F(CoordinatorTest, ARunThatLackedASiteInSomeRoundIsCompletedDegradedAndSaysWho) {
  RunFile file;
  file.rounds = 1;
  file.participation = "sites = [\"a\", \"b\"]\nmin_sites = 1\nquorum = 1";
  BeginRun(file);
  ASSERT_OK(a.Submit(task_a));
  b.Break();
  h.Wait(15s);
  EXPECT_EQ(State(), "completed_degraded");
  EXPECT_THAT(run().record().reason, HasSubstr("b in 1"));
  const v1::ShowRunReply shown = h.Show("t-1");
  const v1::RoundSummary& round = shown.rounds(shown.rounds_size() - 1);
  ASSERT_EQ(round.sites_size(), 2);
  EXPECT_TRUE(round.sites(0).counted());
  EXPECT_FALSE(round.sites(1).counted());
  EXPECT_EQ(round.sites(1).state(), "lost");
}

TEST_F(CoordinatorTest, WithoutAQuorumTheRunPausesAndGoesOnWhenTheSitesAreBack) {
  RunFile file;
  file.extra = "[time]\nheartbeat = \"5s\"\nno_progress = \"1h\"\nround_deadline = \"1m\"";
  BeginRun(file);
  ASSERT_OK(a.Submit(task_a));
  b.Break();
  h.Wait(61s);
  EXPECT_EQ(State(), "paused");
  EXPECT_THAT(run().record().reason, HasSubstr("quorum_lost"));
  EXPECT_THAT(run().record().reason, HasSubstr("b"));
  ASSERT_OK(a.Join({Held(task_a.task_id(), v1::HeldTask::SUBMITTED)}));
  EXPECT_EQ(State(), "paused");
  ASSERT_OK(b.Join({Held(task_b.task_id(), v1::HeldTask::WORKING)}));
  EXPECT_EQ(State(), "running");
  EXPECT_EQ(run().round_state().attempt, 2);
  ASSERT_OK(b.Submit(task_b));
  EXPECT_EQ(run().last_committed_round(), 1) << "a's result of the first attempt counts";
}

TEST_F(CoordinatorTest, AFailedTaskThatCostsTheQuorumPausesTheRunUntilSomebodyResumesIt) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(b.Fail(task_b, InvalidArgument("icu.csv:17, column age: \"x\" is not a number")));
  EXPECT_EQ(State(), "paused");
  EXPECT_THAT(run().record().reason, HasSubstr("icu.csv:17"));
  EXPECT_THAT(run().record().hint, HasSubstr("skerry run resume t-1"));
  ASSERT_OK(b.Join());
  EXPECT_EQ(State(), "paused") << "it does not resume by itself";
  ASSERT_OK(h.Call<v1::ResumeRunReply>(
      [&](auto done) { h.coordinator->ResumeRun("t-1", std::move(done)); }));
  const v1::Task again = b.Take();
  EXPECT_NE(again.task_id(), task_b.task_id());
  ASSERT_OK(b.Submit(again));
  EXPECT_EQ(run().last_committed_round(), 1);
}

TEST_F(CoordinatorTest, AResumedRunGivesNewTasksAlsoAfterARestartBeforeTheSiteCame) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(b.Fail(task_b, InvalidArgument("column age")));
  b.Break();
  h.Wait(30s);
  ASSERT_OK(h.Call<v1::ResumeRunReply>(
      [&](auto done) { h.coordinator->ResumeRun("t-1", std::move(done)); }));
  h.Restart();
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  const v1::Task again = b.Take();
  EXPECT_NE(again.task_id(), task_b.task_id());
  ASSERT_OK(b.Submit(again));
  EXPECT_EQ(run().last_committed_round(), 1);
}

TEST_F(CoordinatorTest, ATaskWithoutProgressFailsWithTheReasonAndItsSiteIsToldToAbandonIt) {
  RunFile file;
  file.extra = "[time]\nheartbeat = \"20s\"\nno_progress = \"2m\"\nround_deadline = \"1h\"";
  BeginRun(file);
  for (int i = 0; i < 10; ++i) {
    a.Beat(task_a.task_id(), i, 100);  // slow, but it goes on
    b.Beat(task_b.task_id(), 7, 100);
    h.Wait(15s);
  }
  EXPECT_EQ(run().round_state().seats[0], Seat::kInvited);
  EXPECT_EQ(run().round_state().seats[1], Seat::kFailed);
  EXPECT_THAT(run().FindSlot(1)->record().reason, HasSubstr("no progress for 2m"));
  const auto beat = b.Beat(task_b.task_id(), 7, 100);
  ASSERT_TRUE(beat->has_value());
  EXPECT_THAT((**beat)->abandon_tasks(), ::testing::ElementsAre(task_b.task_id()));
}

TEST_F(CoordinatorTest, AClientAtWorkThatCouldDoMoreIsHeldNoLongerThanItsProgressMayWait) {
  RunFile file;
  file.extra = "[time]\nheartbeat = \"2s\"";
  BeginRun(file);
  EXPECT_EQ(task_a.heartbeat_ms(), 2000);
  const auto working = a.Pull({task_a.task_id()});
  h.Wait(900ms);
  EXPECT_FALSE(working->has_value());
  h.Wait(100ms);  // two sites are no load
  ASSERT_TRUE(working->has_value());
  EXPECT_TRUE((**working)->has_wait());
  ASSERT_OK(b.Submit(task_b));
  const auto idle = b.Pull({task_b.task_id()});
  h.Wait(15s);
  EXPECT_FALSE(idle->has_value()) << "its task has reported";
}

TEST_F(CoordinatorTest, TwoRunsTakeTurnsAtASite) {
  h.Submit({});
  h.Submit({});
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  const v1::Task first = a.Take();
  EXPECT_EQ(first.run_id(), "t-1");
  EXPECT_FALSE(a.Pull({first.task_id()})->has_value()) << "one task at a time";
  ASSERT_OK(a.Submit(first));
  const v1::Task second = a.Take({first.task_id()});
  EXPECT_EQ(second.run_id(), "t-2");
}

TEST_F(CoordinatorTest, AStoppedRunTellsItsSitesAndKeepsItsModel) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(
      h.Call<v1::StopRunReply>([&](auto done) { h.coordinator->StopRun("t-1", std::move(done)); }));
  EXPECT_EQ(State(), "stopped");
  const auto reply = a.Pull({task_a.task_id()});
  ASSERT_TRUE(reply->has_value());
  ASSERT_THAT((**reply)->verdicts(), SizeIs(1));
  EXPECT_EQ((**reply)->verdicts(0).outcome(), v1::Verdict::DISCARDED);
  EXPECT_TRUE(run().base().has_value());
  EXPECT_THAT(
      h.Call<v1::StopRunReply>([&](auto done) { h.coordinator->StopRun("t-1", std::move(done)); }),
      Fails(Code::kFailedPrecondition, HasSubstr("stopped")));
}

TEST_F(CoordinatorTest, AnUnknownRunIsNamedWithTheNearestOne) {
  h.Submit({});
  EXPECT_THAT(
      h.Call<v1::StopRunReply>([&](auto done) { h.coordinator->StopRun("t-11", std::move(done)); }),
      Fails(Code::kNotFound, HasSubstr("did you mean \"t-1\"")));
}

}  // namespace
}  // namespace skerry::coordinator
