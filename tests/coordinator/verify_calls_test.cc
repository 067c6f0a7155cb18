// What sites wrote of their calls, against the journal.
#include "coordinator/verify_calls.h"

#include "verify_fixture.h"

namespace skerry::coordinator {
namespace {

using storage::Outcome;
using storage::TaskState;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int64_t kNobodys = 1000;  // the number of a task that no journal here has

class VerifyCallsTest : public VerifyFixture {
 protected:
  void WholeRun() {
    Begin("updates = 9\ncheckpoints = 9", 2);
    Work(2);
    Settle();
  }
  // In round 2 a's result has come, when an operator stops the run.
  void StoppedRun() {
    Begin("updates = 9\ncheckpoints = 9");
    Work(1);
    Submit(a, Take(a));
    ASSERT_OK(h.Call<v1::StopRunReply>(
        [&](auto done) { h.coordinator->StopRun(run_, std::move(done)); }));
  }
  void ForgetVerdicts(const std::string& site) {
    for (rpc::CallEvent& event : calls[site].events) event.verdicts.clear();
  }
  // That the site was given the task.
  void AddTask(const std::string& site, int64_t task_id, const std::string& run) {
    rpc::CallEvent event = Event(site, "PullTask");
    event.task_id = task_id;
    event.run_id = run;
    calls[site].events.push_back(event);
  }
};

TEST_F(VerifyCallsTest, WithoutLogsItSaysNothingOfThem) {
  WholeRun();
  calls.clear();
  const VerifyReport report = Verify();
  EXPECT_FALSE(report.calls_compared);
  EXPECT_EQ(report.acknowledged, 0);
  EXPECT_THAT(report.faults, IsEmpty());
}

// ---- Receipts ----

TEST_F(VerifyCallsTest, AReceiptForAnotherHashIsALostResult) {
  WholeRun();
  for (rpc::CallEvent& event : calls["b"].events) {
    if (!event.content_hash.empty()) event.content_hash = std::string(64, 'a');
  }
  const VerifyReport report = Verify();
  EXPECT_EQ(report.lost, 2) << "one of each round";
  EXPECT_THAT(report.faults,
              Each(AllOf(HasSubstr("of site b in round"), HasSubstr("with the hash aaaa"),
                         HasSubstr("the result that the journal has in its place"))));
}

TEST_F(VerifyCallsTest, AlsoOfAResultThatWasDiscarded) {
  StoppedRun();
  Settle();
  EXPECT_THAT(Verify().faults, IsEmpty());
  calls["a"].events[3].content_hash = std::string(64, 'a');
  ASSERT_EQ(calls["a"].events[3].call, "SubmitResult");
  const VerifyReport report = Verify();
  EXPECT_EQ(report.lost, 1);
  EXPECT_THAT(report.faults, ElementsAre(HasSubstr("of site a in round 2 was acknowledged with "
                                                   "the hash aaaa")));
}

TEST_F(VerifyCallsTest, AReceiptForATaskWithoutAResultIsALostResult) {
  WholeRun();
  RunRows rows = Rows();
  storage::TaskRecord& task = TaskOf(rows, 2, "b");
  task.content_hash = crypto::Digest();
  task.state = TaskState::kLate;
  task.outcome = Outcome::kDiscarded;
  EXPECT_THAT(Verify(rows).faults, Contains(HasSubstr("but the journal has no result of it")));
}

TEST_F(VerifyCallsTest, AReceiptForATaskThatNobodyKnowsIsALostResult) {
  WholeRun();
  AddReceipt("a", kNobodys, std::string(64, 'a'));
  const VerifyReport report = Verify();
  EXPECT_EQ(report.lost, 1);
  EXPECT_EQ(report.acknowledged, 5);
  EXPECT_THAT(report.faults,
              ElementsAre("site a has a receipt for task 1000 with the hash " +
                          std::string(64, 'a') + ", but no run in this journal knows the task"));
}

TEST_F(VerifyCallsTest, ATaskWhoseRowVanishedIsALostResult) {
  WholeRun();
  RunRows rows = Rows();
  rows.tasks.erase(rows.tasks.begin());
  EXPECT_THAT(Verify(rows).faults,
              Contains(HasSubstr("but no run in this journal knows the task")));
}

TEST_F(VerifyCallsTest, ReceiptsOfAnotherRunOfThisJournalAreNoneOfThisOnes) {
  WholeRun();
  const std::string first = run_;
  RunFile file;
  file.rounds = 1;
  run_ = h.Submit(file);
  Work(1);
  Settle();
  EXPECT_THAT(Verify().faults, IsEmpty());
  EXPECT_EQ(Verify().acknowledged, 2);
  run_ = first;
  EXPECT_THAT(Verify().faults, IsEmpty());
  EXPECT_EQ(Verify().acknowledged, 4);
}

TEST_F(VerifyCallsTest, OfATaskThatWentWithARunsHistoryItSaysThatItCannotTell) {
  Begin("history_days = 1", 2);
  Work(2);
  Settle();
  h.Wait(25h);
  RunFile file;
  file.rounds = 1;
  const std::string old = run_;
  run_ = h.Submit(file);
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  Work(1);
  Settle();
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.acknowledged, 2);
  EXPECT_THAT(report.not_verified,
              Contains(AllOf(HasSubstr("of tasks that no run in this journal has"),
                             HasSubstr(old + ", whose history was removed"))));
  // One that is known to be of this run is not of the other.
  AddTask("a", kNobodys, run_);
  AddReceipt("a", kNobodys, std::string(64, 'a'));
  EXPECT_THAT(Verify().faults, ElementsAre(HasSubstr("site a has a receipt for task 1000")));
}

TEST_F(VerifyCallsTest, OfARunThatThisJournalDoesNotHaveItSaysSo) {
  WholeRun();
  AddTask("a", kNobodys, "other-1");
  AddReceipt("a", kNobodys, std::string(64, 'a'));
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_THAT(report.not_verified, ElementsAre("1 acknowledged result of run other-1, which this "
                                               "journal does not have"));
}

TEST_F(VerifyCallsTest, AfterARestoreItSaysWhyAResultMayBeLost) {
  WholeRun();
  RunRows rows = Rows();
  rows.restored = "/backup/1";
  EXPECT_THAT(Verify(rows).not_verified, IsEmpty()) << "nothing is lost";
  AddReceipt("a", kNobodys, std::string(64, 'a'));
  EXPECT_THAT(Verify(rows).not_verified,
              ElementsAre(HasSubstr("restored from a backup (/backup/1)")));
}

// ---- Failed tasks ----

class VerifyFailedTaskTest : public VerifyCallsTest {
 protected:
  // A result that was received, of a task that the journal has as failed.
  RunRows Failed() {
    StoppedRun();
    RunRows rows = Rows();
    storage::TaskRecord& task = TaskOf(rows, 2, "a");
    task.state = TaskState::kFailed;
    task.reason = "no progress";
    task.outcome = Outcome::kNone;
    task_ = task.task_id;
    return rows;
  }
  int64_t task_ = 0;
};

TEST_F(VerifyFailedTaskTest, WithoutAReasonItIsALostResult) {
  const VerifyReport report = Verify(Failed());
  EXPECT_EQ(report.lost, 1);
  EXPECT_THAT(report.faults, ElementsAre(HasSubstr("the journal says that it failed (no progress), "
                                                   "and neither that its site gave it up nor")));
}

TEST_F(VerifyFailedTaskTest, ThatItsSiteGaveItUpIsAReason) {
  const RunRows rows = Failed();
  rpc::CallEvent gave_up = Event("a", "ReportFailure");
  gave_up.type = rpc::CallEvent::Type::kInfo;
  gave_up.task_id = task_;
  calls["a"].events.push_back(gave_up);
  EXPECT_THAT(Verify(rows).faults, IsEmpty());
}

TEST_F(VerifyFailedTaskTest, ThatItWasDamagedIsAReason) {
  RunRows rows = Failed();
  rows.damaged.emplace(2, "b");
  EXPECT_THAT(Verify(rows).faults, Not(IsEmpty())) << "that was another site's";
  rows.damaged.emplace(2, "a");
  EXPECT_THAT(Verify(rows).faults, IsEmpty());
}

TEST_F(VerifyFailedTaskTest, TheJournalsEventsSayWhatWasDamaged) {
  StoppedRun();
  ASSERT_OK(h.journal.Commit({storage::EventRecord{{}, run_, 2, "a", "result_damaged", "again"}}));
  ASSERT_OK(h.journal.Commit({storage::EventRecord{{}, "t-9", 1, "b", "result_damaged", "again"}}));
  EXPECT_THAT(Rows().damaged, ElementsAre(std::pair<int64_t, std::string>(2, "a")));
}

// ---- Verdicts ----

TEST_F(VerifyCallsTest, ADiscardedResultOfWhichItsSiteHeardIsInOrder) {
  StoppedRun();
  Settle();
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_THAT(report.not_verified, IsEmpty());
  EXPECT_EQ(report.results_discarded, 1);
  EXPECT_EQ(report.results_told, 1);
  EXPECT_EQ(report.discarded_acknowledged, 1);
  EXPECT_EQ(report.discarded_heard, 1);
}

TEST_F(VerifyCallsTest, UntilTheSiteHasHeardOfItThatIsSaid) {
  StoppedRun();
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.discarded_acknowledged, 1);
  EXPECT_EQ(report.discarded_heard, 0);
  EXPECT_THAT(report.not_verified,
              ElementsAre(HasSubstr("1 acknowledged result discarded, and not confirmed")));
}

TEST_F(VerifyCallsTest, AVerdictThatTheJournalHasAsConfirmedAndTheLogDoesNotHaveIsAFault) {
  StoppedRun();
  Settle();
  ForgetVerdicts("a");
  EXPECT_THAT(Verify().faults, ElementsAre(AllOf(HasSubstr("of site a in round 2 was discarded"),
                                                 HasSubstr("nobody told it"))));
  calls["a"].missing = 1;
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_THAT(report.not_verified, ElementsAre(HasSubstr("a.jsonl lacks at least 1 lines"),
                                               HasSubstr("would stand where its log lacks lines")));
}

TEST_F(VerifyCallsTest, TheCoordinatorsWordIsNoProofThatTheSiteHeard) {
  StoppedRun();
  Settle();
  rpc::CallHistory told = calls["a"];
  for (rpc::CallEvent& event : told.events) event.side = rpc::CallSide::kCoordinator;
  ForgetVerdicts("a");
  calls["coordinator"] = told;
  EXPECT_THAT(Verify().faults, ElementsAre(HasSubstr("nobody told it")));
  calls.erase("a");
  EXPECT_THAT(Verify().faults, IsEmpty()) << "without the site's log it cannot be said";
  EXPECT_EQ(Verify().discarded_acknowledged, 0);
}

TEST_F(VerifyCallsTest, AVerdictThatIsNotTheJournalsIsAFault) {
  WholeRun();
  for (rpc::CallEvent& event : calls["b"].events) {
    for (auto& [task, outcome] : event.verdicts) outcome = "discarded";
  }
  EXPECT_THAT(Verify().faults,
              Each(HasSubstr("b was told \"discarded\", the journal says \"counted\"")));
}

}  // namespace
}  // namespace skerry::coordinator
