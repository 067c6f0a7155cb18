// Results and reports that are sent again: what has arrived is not sent twice.
#include "crypto/content_hash.h"
#include "session_fixture.h"

namespace skerry::client {
namespace {

using crypto::kChunkBytes;

constexpr int64_t kThreeChunks = 600'000;  // floats: 2.4 MB

using SessionResumeTest = SessionTest;

TEST_F(SessionResumeTest, OnlyTheRestIsSentAfterABreak) {
  const v1::Task task = NewTask(7, kThreeChunks);
  BringToUpload(task);
  EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(task));
  Answer(api_.uploads, Unavailable("the line broke"));
  Wait(200ms);
  EXPECT_EQ(api_.queries.last().task_id(), 7);
  EXPECT_EQ(api_.queries.last().content_hash(), api_.uploads.last().start.header().content_hash());
  SayStored(kChunkBytes);
  ASSERT_EQ(api_.uploads.made(), 2U);
  EXPECT_EQ(api_.uploads.last().start.offset(), kChunkBytes);
  EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(task).substr(kChunkBytes));
}

TEST_F(SessionResumeTest, AResultThatHasArrivedWholeIsNotSentAgainButItsReceiptIsFetched) {
  const v1::Task task = NewTask(7, kThreeChunks);
  BringToUpload(task);
  Answer(api_.uploads, Unavailable("the receipt was lost"));
  Wait(200ms);
  SayStored(ResultOf(task).size());
  EXPECT_EQ(BytesOf(api_.uploads.last()), "");
  GiveReceipt();
  EXPECT_EQ(api_.pulls.held(), 1U);
}

TEST_F(SessionResumeTest, AResultThatTheCoordinatorAsksForAgainIsSentAgainAndNotTrainedAgain) {
  const v1::Task task = NewTask(7);
  BringToReceipt(task);
  const std::string hash = api_.uploads.last().start.header().content_hash();
  v1::PullTaskReply reply;
  reply.set_resend_task_id(7);
  Answer(api_.pulls, reply);
  SayStored(0);
  ASSERT_EQ(api_.uploads.made(), 2U);
  EXPECT_EQ(api_.uploads.last().start.header().content_hash(), hash);
  EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(task));
  EXPECT_EQ(runner_.jobs.size(), 1U);
}

TEST_F(SessionResumeTest, ARequestForATaskThatIsNotHereIsPassedOver) {
  Join();
  v1::PullTaskReply reply;
  reply.set_resend_task_id(99);
  Answer(api_.pulls, reply);
  EXPECT_EQ(api_.queries.made(), 0U);
  EXPECT_EQ(api_.pulls.held(), 1U);
}

TEST_F(SessionResumeTest, AVerdictThatOvertakesTheReceiptEndsTheTask) {
  BringToUpload(NewTask(7, kInAFile));
  v1::HeartbeatReply reply;
  v1::Verdict& verdict = *reply.add_verdicts();
  verdict.set_task_id(7);
  verdict.set_outcome(v1::Verdict::COUNTED);
  Answer(api_.beats, reply);
  EXPECT_EQ(session_->num_tasks(), 0U);
  GiveReceipt();
  EXPECT_EQ(session_->num_tasks(), 0U) << "and it does not come back";
}

// Damage comes with a coordinator that died: each one gets its own three attempts.
TEST_F(SessionResumeTest, AttemptsAreCountedAnewWithEachSession) {
  BringToUpload(NewTask(7, kInAFile));
  for (uint64_t epoch = 2; epoch < 5; ++epoch) {
    for (int attempt = 0; attempt < 3; ++attempt) {
      Answer(api_.uploads, DataLoss("the chunks received do not make the content hash"));
      SayStored(0);
    }
    Answer(api_.beats, FailedPrecondition("no session").WithDetail(rpc::kEpochUnknown));
    Answer(api_.joins, Joined(epoch, 7, v1::JoinReply::KEEP));
    WaitAMoment();
  }
  EXPECT_EQ(api_.failures.made(), 0U);
  GiveReceipt();
  EXPECT_EQ(api_.failures.made(), 0U);
}

TEST_F(SessionResumeTest, AReportThatIsNotTakenIsRepeatedUnlessNobodyWantsIt) {
  Join();
  Give(NewTask(7));
  runner_.Fail(FailedPrecondition("no such data source"));
  Step();
  Answer(api_.failures, Unavailable("the line broke"));
  Wait(1s);
  ASSERT_EQ(api_.failures.made(), 2U);
  Answer(api_.failures, FailedPrecondition("Join first").WithDetail(rpc::kEpochUnknown));
  Join();
  Wait(1s);
  ASSERT_EQ(api_.failures.made(), 3U);
  EXPECT_EQ(api_.failures.last().message(), "no such data source");
  Answer(api_.failures, NotFound("task 7 is not open"));
  EXPECT_EQ(session_->num_tasks(), 0U);
}

TEST_F(SessionResumeTest, AReportThatIsRefusedForWhatItSaysIsNotRepeated) {
  Join();
  Give(NewTask(7));
  runner_.Fail(FailedPrecondition("no such data source"));
  Step();
  Answer(api_.failures, InvalidArgument("this report makes no sense"));
  EXPECT_EQ(session_->num_tasks(), 0U);
  EXPECT_EQ(api_.pulls.held(), 1U) << "the client is not stuck with it";
}

}  // namespace
}  // namespace skerry::client
