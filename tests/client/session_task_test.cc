// The life of a task in a client's hands, when nothing goes wrong.
#include "crypto/sha256.h"
#include "rpc/chunks.h"
#include "session_fixture.h"

namespace skerry::client {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using SessionTaskTest = SessionTest;

TEST_F(SessionTaskTest, JoinSaysWhoThisIsAndWhatItCanDo) {
  ASSERT_EQ(api_.joins.made(), 1U);
  const v1::JoinRequest& request = api_.joins.last();
  EXPECT_EQ(request.epoch(), 0U) << "a process that has had no session";
  EXPECT_EQ(request.version(), "test");
  EXPECT_EQ(request.protocol(), rpc::kProtocolVersion);
  EXPECT_EQ(request.coordinator_id(), "");
  EXPECT_THAT(request.data_sources(), ElementsAre("icu"));
  EXPECT_EQ(request.max_concurrent_tasks(), 1);
  EXPECT_THAT(request.held(), IsEmpty());
}

TEST_F(SessionTaskTest, NothingIsAskedForBeforeJoinIsAnswered) {
  Wait(1h);
  EXPECT_EQ(api_.num_control_calls(), 1U) << "a held call is no reason to call again";
  EXPECT_FALSE(session_->joined());
  Join();
  EXPECT_TRUE(session_->joined());
  ASSERT_EQ(api_.pulls.made(), 1U);
  EXPECT_EQ(api_.pulls.last().epoch(), 1U);
}

TEST_F(SessionTaskTest, ATaskIsTrainedSubmittedAndLetGoWithItsVerdict) {
  Join();
  const v1::Task task = NewTask(7);
  Give(task);
  ASSERT_EQ(runner_.jobs.size(), 1U);
  EXPECT_EQ(runner_.last().task->task_id(), 7);
  FinishTraining();
  ASSERT_EQ(api_.uploads.made(), 1U);
  const v1::SubmitResultRequest::Start& start = api_.uploads.last().start;
  EXPECT_EQ(start.offset(), 0U);
  EXPECT_EQ(start.header().num_examples(), 199);
  EXPECT_EQ(start.header().scalars().at("loss"), 0.5);
  EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(task));
  GiveReceipt();
  EXPECT_EQ(session_->num_tasks(), 1U) << "kept until the verdict";
  GiveVerdict(7, v1::Verdict::COUNTED);
  EXPECT_EQ(session_->num_tasks(), 0U);
  EXPECT_THAT(diary_.lines, Contains("run r-1 round 1 training: counted"));
  ASSERT_OK_AND_ASSIGN(const auto results, files_.List("state/results"));
  EXPECT_THAT(results, IsEmpty());
}

TEST_F(SessionTaskTest, ManyTasksInASecondAreToldOfTogetherAndTheRestBeforeTheEnd) {
  Join();
  const auto work = [this](int64_t first, int64_t last) {
    for (int64_t task_id = first; task_id <= last; ++task_id) {
      Give(NewTask(task_id));
      FinishTraining();
      GiveReceipt();
      GiveVerdict(task_id, v1::Verdict::COUNTED);
    }
  };
  work(1, 20);
  EXPECT_THAT(diary_.lines, Not(Contains(HasSubstr(" taken, "))));
  Wait(1s);
  EXPECT_THAT(diary_.lines, Contains("run r-1 round 1: 12 taken, 12 done, 12 counted"));
  work(21, 23);
  session_->StopWork();
  EXPECT_EQ(diary_.lines.back(), "run r-1 round 1: 3 taken, 3 done, 3 counted");
}

TEST_F(SessionTaskTest, TheContentHashNamesHeaderAndBytes) {
  BringToUpload(NewTask(7, kInAFile));
  const v1::ResultHeader& header = api_.uploads.last().start.header();
  ASSERT_OK_AND_ASSIGN(const auto file, files_.Open("state/results/7.result", OpenMode::kRead));
  ASSERT_OK_AND_ASSIGN(const auto hash, rpc::ResultHash(header, *file));
  EXPECT_EQ(header.content_hash(), hash.view());
  EXPECT_EQ(header.size_bytes(), 4U * kInAFile);
}

TEST_F(SessionTaskTest, AVerdictIsConfirmedUntilTheCoordinatorHasHeardIt) {
  BringToReceipt();
  GiveVerdict(7, v1::Verdict::DISCARDED, "round 1 was closed");
  EXPECT_THAT(diary_.lines, Contains(HasSubstr("discarded, round 1 was closed")));
  EXPECT_THAT(api_.pulls.last().confirmed_verdicts(), ElementsAre(7));
  api_.pulls.AnswerLast(Unavailable("the line broke"));
  Wait(1min);
  EXPECT_THAT(api_.pulls.last().confirmed_verdicts(), ElementsAre(7)) << "it may not have come";
  Give(NewTask(8));
  WaitAMoment();
  EXPECT_THAT(api_.beats.last().confirmed_verdicts(), IsEmpty()) << "it has";
}

TEST_F(SessionTaskTest, TheVerdictOfATaskThatNobodyHereKnowsIsConfirmedToo) {
  Join();
  GiveVerdict(99, v1::Verdict::COUNTED);
  EXPECT_THAT(api_.pulls.last().confirmed_verdicts(), ElementsAre(99));
}

TEST_F(SessionTaskTest, ATaskThatIsGivenTwiceIsTakenOnce) {
  options_.max_concurrent_tasks = 2;
  KillAndRestart();
  Join();
  Give(NewTask(7));
  EXPECT_THAT(api_.pulls.last().held_tasks(), ElementsAre(7));
  Give(NewTask(7));
  EXPECT_EQ(runner_.jobs.size(), 1U);
  EXPECT_EQ(session_->num_tasks(), 1U);
}

TEST_F(SessionTaskTest, NoMoreTasksAreAskedForThanTheSiteTakesAtOnce) {
  options_.max_concurrent_tasks = 2;
  KillAndRestart();
  EXPECT_EQ(api_.joins.last().max_concurrent_tasks(), 2);
  Join();
  Give(NewTask(7));
  EXPECT_EQ(api_.pulls.held(), 1U);
  Give(NewTask(8));
  EXPECT_EQ(runner_.jobs.size(), 2U) << "both at once";
  EXPECT_EQ(api_.pulls.held(), 0U);
  EXPECT_EQ(api_.beats.held(), 0U) << "perhaps it is done in a moment";
  WaitAMoment();
  EXPECT_EQ(api_.beats.held(), 1U) << "alive, but at capacity";
  FinishTraining();
  EXPECT_EQ(api_.pulls.held(), 0U) << "sending is work too";
  GiveReceipt();
  EXPECT_EQ(api_.pulls.held(), 1U);
  EXPECT_THAT(api_.pulls.last().held_tasks(), ElementsAre(7, 8));
}

TEST_F(SessionTaskTest, ProgressIsToldOnceInAHeartbeatAndOnlyWhenThereIsSome) {
  Join();
  Give(NewTask(7));
  Wait(1s);  // that training has begun
  const std::size_t before = api_.beats.made();
  Wait(10s);
  EXPECT_EQ(api_.beats.made(), before) << "the held call says enough";
  runner_.last().progress->total = 500;
  runner_.last().progress->done = 120;
  Wait(1s);
  ASSERT_EQ(api_.beats.made(), before + 1);
  const v1::Progress& progress = api_.beats.last().progress(0);
  EXPECT_EQ(progress.task_id(), 7);
  EXPECT_EQ(progress.stage(), v1::Progress::TRAINING);
  EXPECT_EQ(progress.done(), 120);
  EXPECT_EQ(progress.total(), 500);
  runner_.last().progress->done = 121;
  Step();
  EXPECT_EQ(api_.beats.made(), before + 1);
}

TEST_F(SessionTaskTest, ARunMayWishToHearOfProgressMoreOftenThanTheCoordinator) {
  Join();
  v1::Task task = NewTask(7);
  task.set_heartbeat_ms(300);
  Give(task);
  Wait(1s);
  std::size_t before = api_.beats.made();
  for (int step = 1; step <= 10; ++step) {
    runner_.last().progress->done = step;
    Wait(300ms);
  }
  EXPECT_EQ(api_.beats.made(), before + 10);
  // Less often than the coordinator wishes, it may not.
  FinishTraining();
  GiveReceipt();
  task.set_task_id(8);
  task.set_heartbeat_ms(60'000);
  Give(task);
  Wait(1s);
  before = api_.beats.made();
  runner_.last().progress->done = 1;
  Wait(1s);
  EXPECT_EQ(api_.beats.made(), before + 1);
}

TEST_F(SessionTaskTest, TheAnswerToACallThatANewerOneReplacedIsOfNoInterest) {
  Join();
  Give(NewTask(7));
  WaitAMoment();
  runner_.last().progress->done = 1;
  Wait(1s);
  ASSERT_EQ(api_.beats.made(), 2U);
  api_.beats.Answer(0, Unavailable("a newer call has begun"));
  Step();
  EXPECT_OK(session_->health());
  EXPECT_EQ(api_.beats.held(), 1U);
  EXPECT_EQ(api_.beats.made(), 2U);
}

TEST_F(SessionTaskTest, ATaskThatIsNoLongerWantedStopsItsTrainer) {
  Join();
  Give(NewTask(7));
  EXPECT_FALSE(runner_.last().stop.stop_requested());
  WaitAMoment();
  v1::HeartbeatReply reply;
  reply.add_abandon_tasks(7);
  Answer(api_.beats, reply);
  EXPECT_TRUE(runner_.last().stop.stop_requested());
  EXPECT_EQ(session_->num_tasks(), 0U);
  EXPECT_EQ(api_.pulls.held(), 1U) << "free for another";
  runner_.Fail(Cancelled("stopped"));
  Step();
  EXPECT_EQ(api_.failures.made(), 0U) << "nobody wants to know";
}

TEST_F(SessionTaskTest, ALateAnswerOfAnAbandonedTrainerDoesNotPassForTheNewOnes) {
  Join();
  Give(NewTask(7));
  WaitAMoment();
  v1::HeartbeatReply reply;
  reply.add_abandon_tasks(7);
  Answer(api_.beats, reply);
  Give(NewTask(7));
  ASSERT_EQ(runner_.jobs.size(), 2U);
  runner_.End(0, WorkDone{.num_examples = 1, .scalars = {}});
  Step();
  EXPECT_EQ(api_.uploads.made(), 0U);
  FinishTraining();
  ASSERT_EQ(api_.uploads.made(), 1U);
  EXPECT_EQ(api_.uploads.last().start.header().num_examples(), 199);
}

TEST_F(SessionTaskTest, WaitPutsTheNextPullOffForAsLongAsItSays) {
  Join();
  v1::PullTaskReply reply;
  reply.mutable_wait()->set_retry_after_ms(5000);
  Answer(api_.pulls, reply);
  Wait(4999ms);
  EXPECT_EQ(api_.pulls.made(), 1U);
  Wait(1ms);
  EXPECT_EQ(api_.pulls.made(), 2U);
}

TEST_F(SessionTaskTest, TheEndOfARunIsSaidAndTheSessionGoesOn) {
  Join();
  v1::PullTaskReply reply;
  reply.mutable_run_finished()->set_run_id("r-1");
  reply.mutable_run_finished()->set_state("completed");
  Answer(api_.pulls, reply);
  EXPECT_THAT(diary_.lines, Contains("run r-1 is completed"));
  EXPECT_EQ(api_.pulls.held(), 1U);
}

TEST_F(SessionTaskTest, AFailureIsReportedWithItsMessageAndWithoutTheHintThatMayQuoteTheData) {
  Join();
  Give(NewTask(7));
  runner_.Fail(InvalidArgument("icu.csv:17, column age: not a number")
                   .WithHint("the cell says \"forty-two\""));
  Step();
  ASSERT_EQ(api_.failures.made(), 1U);
  const v1::ReportFailureRequest& report = api_.failures.last();
  EXPECT_EQ(report.task_id(), 7);
  EXPECT_EQ(report.code(), static_cast<uint32_t>(Code::kInvalidArgument));
  EXPECT_EQ(report.message(), "icu.csv:17, column age: not a number");
  EXPECT_THAT(report.DebugString(), Not(HasSubstr("forty-two")));
  EXPECT_THAT(diary_.lines, Contains(HasSubstr("forty-two"))) << "in the site's own log it is";
  EXPECT_EQ(api_.pulls.held(), 0U) << "in hand until the coordinator knows";
  Answer(api_.failures, v1::ReportFailureReply());
  EXPECT_EQ(session_->num_tasks(), 0U);
  EXPECT_EQ(api_.pulls.held(), 1U);
}

TEST_F(SessionTaskTest, WhereTheSiteKeepsItsFilesIsNotToldToOperators) {
  Join();
  Give(NewTask(7));
  runner_.Fail(PermissionDenied("opening state/results/7.result: Permission denied"));
  Step();
  ASSERT_EQ(api_.failures.made(), 1U);
  EXPECT_EQ(api_.failures.last().message(), "opening results/7.result: Permission denied");
  EXPECT_THAT(diary_.lines, Contains(HasSubstr("state/results/7.result")));
  EXPECT_THAT(diary_.lines, Not(Contains(HasSubstr("PERMISSION_DENIED")))) << "words for a person";
}

TEST_F(SessionTaskTest, DataThatAreLockedAreReadAgainLater) {
  Join();
  Give(NewTask(7));
  runner_.Fail(Unavailable("another program has locked the database"));
  Step();
  EXPECT_EQ(api_.failures.made(), 0U);
  Wait(1s);
  EXPECT_EQ(runner_.jobs.size(), 2U);
}

TEST_F(SessionTaskTest, TrainersStopWhenTheProcessIsAboutToEnd) {
  Join();
  Give(NewTask(7));
  EXPECT_FALSE(runner_.last().stop.stop_requested());
  session_->StopWork();
  EXPECT_TRUE(runner_.last().stop.stop_requested());
}

TEST_F(SessionTaskTest, AHeaderThatTheTrainersThreadMadeIsUsed) {
  BringToUpload();
  const v1::ResultHeader made_here = api_.uploads.last().start.header();
  WorkDone done = {made_here.num_examples(), {}};
  done.scalars = {made_here.scalars().begin(), made_here.scalars().end()};
  WorkOrder order = runner_.last();
  order.task_id = NewTask().task_id();
  ASSERT_OK(Seal(order, done));
  EXPECT_EQ(done.header.SerializeAsString(), made_here.SerializeAsString());
}

TEST_F(SessionTaskTest, WhatFailedIsSaidWithTheHint) {
  Join();
  Give(NewTask(7));
  runner_.Fail(PermissionDenied("too few rows").WithHint("there are 3"));
  Step();
  EXPECT_THAT(diary_.lines, Contains(HasSubstr("failed: too few rows (there are 3)")));
}

TEST_F(SessionTaskTest, ATaskWhoseRunCannotBeReadIsReportedAndNotStarted) {
  Join();
  v1::Task task = NewTask(7);
  task.set_run_spec("\xff\xff");
  task.set_run_spec_sha256(std::string(crypto::Sha256(task.run_spec()).view()));
  Give(task);
  EXPECT_TRUE(runner_.jobs.empty());
  ASSERT_EQ(api_.failures.made(), 1U);
  EXPECT_THAT(api_.failures.last().message(), HasSubstr("unreadable"));
}

// What a site read and checked for another run would be used for it.
TEST_F(SessionTaskTest, ATaskWhoseRunIsNotTheOneThatItsHashNamesIsReportedAndNotStarted) {
  Join();
  v1::Task task = NewTask(7);
  v1::RunSpec other;
  other.mutable_model()->set_kind("trees");
  task.set_run_spec(other.SerializeAsString());
  Give(task);
  EXPECT_TRUE(runner_.jobs.empty());
  EXPECT_EQ(api_.failures.made(), 1U);
}

}  // namespace
}  // namespace skerry::client
