// Small results travel with the poll for the next task.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session_fixture.h"

namespace skerry::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SessionRideTest : public SessionTest {
 protected:
  SessionRideTest() { api_.takes_results_apart = false; }

  void BringToRide() {
    Join();
    Give(NewTask(7));
    FinishTraining();
    ASSERT_EQ(api_.pulls.held(), 1U);
    ASSERT_THAT(api_.pulls.last().results(), SizeIs(1));
  }
  v1::PullTaskReply Answered(const Status& status) {
    v1::PullTaskReply reply;
    const v1::ResultHeader& header = api_.pulls.last().results(0).start().header();
    v1::SubmitResultReply receipt;
    receipt.set_task_id(header.task_id());
    receipt.set_content_hash(header.content_hash());
    *reply.add_answers() = rpc::AnswerTo(
        header.task_id(), status.ok() ? Result<v1::SubmitResultReply>(receipt) : status);
    reply.mutable_wait();
    return reply;
  }
};

TEST_F(SessionRideTest, ATaskCostsOneCall) {
  BringToRide();
  const v1::SubmitSmallResultRequest& result = api_.pulls.last().results(0);
  EXPECT_EQ(result.start().epoch(), 1U);
  EXPECT_EQ(result.start().header().task_id(), 7);
  EXPECT_EQ(result.contents(), ResultOf(NewTask(7)));
  EXPECT_THAT(api_.pulls.last().held_tasks(), ElementsAre(7));

  v1::PullTaskReply reply = Answered(OkStatus());
  v1::Verdict& verdict = *reply.add_verdicts();
  verdict.set_task_id(7);
  verdict.set_outcome(v1::Verdict::COUNTED);
  *reply.mutable_task() = NewTask(8);
  Answer(api_.pulls, reply);
  EXPECT_EQ(session_->num_tasks(), 1U) << "the new one";
  FinishTraining();
  EXPECT_EQ(api_.pulls.made(), 3U) << "the first task, the second, and what comes then";
  EXPECT_EQ(api_.num_control_calls(), 4U);
  EXPECT_EQ(api_.uploads.made(), 0U);
  EXPECT_THAT(api_.pulls.last().confirmed_verdicts(), ElementsAre(7));
  EXPECT_THAT(api_.pulls.last().results(), SizeIs(1));
}

TEST_F(SessionRideTest, AReceiptLeavesTheResultHereUntilItsVerdict) {
  BringToRide();
  Answer(api_.pulls, Answered(OkStatus()));
  EXPECT_EQ(session_->num_tasks(), 1U);
  EXPECT_THAT(api_.pulls.last().held_tasks(), ElementsAre(7));
  EXPECT_THAT(api_.pulls.last().results(), IsEmpty());
  GiveVerdict(7, v1::Verdict::COUNTED);
  EXPECT_EQ(session_->num_tasks(), 0U);
}

TEST_F(SessionRideTest, WhenThePollFailsTheResultIsAskedForAndSentByItself) {
  BringToRide();
  Answer(api_.pulls, Result<v1::PullTaskReply>(Unavailable("the line broke")));
  Wait(1min);
  ASSERT_EQ(api_.queries.made(), 1U);
  SayStored(0);
  ASSERT_EQ(api_.uploads.made(), 1U);
  EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(NewTask(7)));
}

TEST_F(SessionRideTest, APollThatSaysNothingOfTheResultIsNoReceipt) {
  BringToRide();
  v1::PullTaskReply reply;
  reply.mutable_wait();
  Answer(api_.pulls, reply);
  Wait(1min);
  EXPECT_EQ(api_.queries.made(), 1U);
}

TEST_F(SessionRideTest, ARefusedResultIsReportedAsAFailure) {
  BringToRide();
  Answer(api_.pulls, Answered(InvalidArgument("element 1 is not finite")));
  ASSERT_EQ(api_.failures.made(), 1U);
  EXPECT_EQ(api_.failures.last().message(), "element 1 is not finite");
}

TEST_F(SessionRideTest, AResultThatNobodyWantsIsDropped) {
  BringToRide();
  Answer(api_.pulls, Answered(NotFound("task 7 is not open")));
  EXPECT_EQ(session_->num_tasks(), 0U);
}

TEST_F(SessionRideTest, AHeldPollIsNotGivenUpForAResult) {
  options_.max_concurrent_tasks = 2;
  KillAndRestart();
  Join();
  Give(NewTask(7));
  ASSERT_EQ(api_.pulls.held(), 1U) << "for a second task";
  FinishTraining();
  EXPECT_EQ(api_.pulls.held(), 1U);
  EXPECT_THAT(api_.pulls.last().results(), IsEmpty());
  EXPECT_EQ(api_.uploads.held(), 1U);
}

TEST_F(SessionRideTest, ALargeResultGoesByItself) {
  Join();
  Give(NewTask(7, kInAFile));
  FinishTraining();
  EXPECT_EQ(api_.uploads.held(), 1U);
}

TEST_F(SessionRideTest, AfterAKillItIsAskedWhatHasArrived) {
  BringToRide();
  Wait(2s);  // it is in the store
  KillAndRestart();
  Answer(api_.joins, Joined(2, 7, v1::JoinReply::KEEP));
  EXPECT_EQ(api_.queries.held(), 1U);
}

}  // namespace
}  // namespace skerry::client
