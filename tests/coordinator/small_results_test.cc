// Results that share a file: what a restart, damage, [keep] and a backup make of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "coordinator/small_spool.h"
#include "coordinator/verify.h"
#include "coordinator/verify_rows.h"
#include "harness.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SmallResultsTest : public ::testing::Test {
 protected:
  void Begin(const std::string& extra = "", int rounds = 2) {
    RunFile file;
    file.rounds = rounds;
    file.extra = extra;
    h.Submit(file);
    ASSERT_OK(a.Join());
    ASSERT_OK(b.Join());
    TakeTasks();
  }
  void TakeTasks() {
    task_a = a.Take();
    task_b = b.Take();
  }
  void Round() {
    ASSERT_OK(Submit(a, task_a));
    ASSERT_OK(Submit(b, task_b));
  }
  Result<v1::SubmitResultReply> Submit(FakeSite& site, const v1::Task& task) {
    return site.SubmitSmall(task, {1, 2, 3});
  }
  int64_t Committed() { return h.coordinator->FindRun("t-1")->last_committed_round(); }
  SmallSpool Spool() {
    SmallSpool spool(h.files, SmallSpoolPath("state"));
    EXPECT_OK(spool.Scan());
    return spool;
  }
  static v1::HeldTask Held(const v1::Task& task, v1::HeldTask::State state) {
    v1::HeldTask held;
    held.set_task_id(task.task_id());
    held.set_state(state);
    return held;
  }
  // b's result comes after a restart.
  void RestartAndFinish() {
    h.Restart();
    ASSERT_OK(a.Join({Held(task_a, v1::HeldTask::SUBMITTED)}));
    ASSERT_OK(b.Join({Held(task_b, v1::HeldTask::WORKING)}));
    ASSERT_OK(Submit(b, task_b));
  }
  // After a restart at which b's result came, but a's could not be read.
  void ExpectAskedForAgain() {
    const auto pull = a.Pull({task_a.task_id()});
    ASSERT_TRUE(pull->has_value());
    EXPECT_EQ((**pull)->resend_task_id(), task_a.task_id());
    ASSERT_OK(Submit(a, task_a));
    EXPECT_EQ(Committed(), 1);
  }
  VerifyReport Verify() {
    VerifyInput input;
    input.state_dir = "state";
    input.scratch_dir = "scratch";
    const RunRows rows = ReadRunRows("t-1", h.journal).value();
    auto report = VerifyRun(input, rows, h.files, h.inline_executor);
    EXPECT_OK(report);
    return report.ok() ? *report : VerifyReport();
  }

  Harness h;
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
  v1::Task task_a;
  v1::Task task_b;
};

TEST_F(SmallResultsTest, AResultThatWasAcknowledgedCountsAfterAKill) {
  Begin();
  ASSERT_OK(Submit(a, task_a));
  RestartAndFinish();
  EXPECT_EQ(Committed(), 1);
}

TEST_F(SmallResultsTest, OneThatCameButWasNotCommittedIsSentAgainAfterAKill) {
  Begin();
  ASSERT_OK(Submit(a, task_a));
  SmallSpool before = Spool();
  ASSERT_OK(before.Append(task_b.task_id(), "came, but its receipt was not written down"));
  RestartAndFinish();
  EXPECT_EQ(Committed(), 1);
}

TEST_F(SmallResultsTest, ADamagedOneIsAskedForAgain) {
  Begin();
  ASSERT_OK(Submit(a, task_a));
  {
    ASSERT_OK_AND_ASSIGN(const auto file,
                         h.files.Open(SmallSpoolPath("state"), OpenMode::kReadWrite));
    ASSERT_OK(file->WriteAt(20, "X"));
  }
  RestartAndFinish();
  EXPECT_LT(Committed(), 1);
  ExpectAskedForAgain();
}

TEST_F(SmallResultsTest, OneThatAPowerLossTookIsAskedForAgain) {
  Begin();
  ASSERT_OK(Submit(a, task_a));
  ASSERT_OK(h.files.Remove(SmallSpoolPath("state")));
  RestartAndFinish();
  ExpectAskedForAgain();
}

TEST_F(SmallResultsTest, TheFileDoesNotGrowFromRoundToRoundAndIsGoneWhenTheRunHasEnded) {
  Begin("", 5);
  Round();
  ASSERT_OK_AND_ASSIGN(const std::string first, ReadFile(h.files, SmallSpoolPath("state")));
  for (int round = 2; round <= 4; ++round) {
    TakeTasks();
    Round();
  }
  ASSERT_OK_AND_ASSIGN(const std::string later, ReadFile(h.files, SmallSpoolPath("state")));
  EXPECT_EQ(later.size(), first.size());
  TakeTasks();
  Round();
  EXPECT_EQ(h.Show("t-1").run().state(), "completed");
  EXPECT_THAT(h.files.List("state/spool").value(), IsEmpty());
}

TEST_F(SmallResultsTest, KeptUpdatesLetTheModelBeComputedAgain) {
  Begin("[keep]\nupdates = 9\ncheckpoints = 9");
  Round();
  h.Restart();
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  TakeTasks();
  Round();
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.models_recomputed, 3);
}

TEST_F(SmallResultsTest, AKeptUpdateThatWasChangedIsFound) {
  Begin("[keep]\nupdates = 9\ncheckpoints = 9");
  Round();
  ASSERT_OK_AND_ASSIGN(const auto file,
                       h.files.Open(SmallSpoolPath("state"), OpenMode::kReadWrite));
  ASSERT_OK(file->WriteAt(20, "X"));
  EXPECT_THAT(Verify().faults, Contains(HasSubstr("the kept result of a")));
}

TEST_F(SmallResultsTest, UpdatesThatAreNoLongerKeptGo) {
  Begin("[keep]\nupdates = 1", 3);
  Round();
  const int64_t old = task_a.task_id();
  EXPECT_TRUE(Spool().Contains(old));
  TakeTasks();
  Round();
  h.Restart();
  EXPECT_TRUE(Spool().Contains(task_a.task_id()));
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  TakeTasks();
  Round();
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
}

}  // namespace
}  // namespace skerry::coordinator
