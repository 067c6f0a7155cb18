// What becomes of a result when its upload fails: docs/wire.md, "Statuses".
#include "session_fixture.h"

namespace skerry::client {
namespace {

using ::testing::Contains;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::Not;

enum class At { kQuery, kUpload };

class EveryUploadCall : public SessionTest, public ::testing::WithParamInterface<At> {
 protected:
  // The call is under way.
  void Reach() {
    if (session_->num_tasks() == 0) BringToUpload();
    if (GetParam() == At::kQuery && api_.queries.held() == 0) {
      Answer(api_.uploads, Unavailable("the line broke"));
      Wait(options_.retry_cap);
    }
    ASSERT_EQ(held(), 1U);
  }
  void FailWith(const Status& status) {
    if (GetParam() == At::kQuery) Answer(api_.queries, status);
    if (GetParam() == At::kUpload) Answer(api_.uploads, status);
  }
  std::size_t held() const {
    return GetParam() == At::kQuery ? api_.queries.held() : api_.uploads.held();
  }
  std::size_t NumCalls() const { return api_.queries.made() + api_.uploads.made(); }
  // The upload is taken up again, and arrives.
  void Arrives() {
    ASSERT_EQ(api_.queries.held(), 1U);
    SayStored(0);
    GiveReceipt();
    EXPECT_EQ(NumFailures(), 0U);
    EXPECT_EQ(runner_.jobs.size(), 1U) << "nothing was trained again";
  }
  std::size_t NumFailures() const { return api_.failures.made(); }
};

INSTANTIATE_TEST_SUITE_P(Calls, EveryUploadCall, ::testing::Values(At::kQuery, At::kUpload),
                         [](const auto& tested) {
                           return tested.param == At::kQuery ? "QueryUpload" : "SubmitResult";
                         });

TEST_P(EveryUploadCall, IsTakenUpAgainForEverWhenTheCoordinatorCannotAnswer) {
  for (const Code code : {Code::kUnavailable, Code::kResourceExhausted, Code::kDeadlineExceeded,
                          Code::kInternal, Code::kUnknown}) {
    SCOPED_TRACE(CodeName(code));
    for (int i = 0; i < 10; ++i) {
      Reach();
      FailWith(Status(code, "not now"));
      Wait(options_.retry_cap);
      ASSERT_EQ(api_.queries.held(), 1U) << "what has arrived is asked first";
      if (GetParam() == At::kUpload) SayStored(0);
    }
  }
  if (GetParam() == At::kUpload) FailWith(Unavailable("once more"));
  Wait(options_.retry_cap);
  Arrives();
}

TEST_P(EveryUploadCall, OfATaskThatIsNoLongerWantedDropsIt) {
  for (const Status& status : {Aborted("the round was abandoned"), NotFound("task 7 is not open"),
                               AlreadyExists("the first one counts")}) {
    SCOPED_TRACE(status.ToString());
    WaitAMoment();
    KillAndRestart();
    Reach();
    FailWith(status);
    EXPECT_EQ(session_->num_tasks(), 0U);
    EXPECT_EQ(NumFailures(), 0U);
    EXPECT_EQ(api_.pulls.held(), 1U) << "free for another";
    EXPECT_THAT(diary_.lines, Contains(HasSubstr("dropped, " + status.message())));
  }
}

TEST_P(EveryUploadCall, OfAnUnknownEpochJoinsAndGoesOn) {
  Reach();
  FailWith(FailedPrecondition("no session with this epoch").WithDetail(rpc::kEpochUnknown));
  EXPECT_THAT(diary_.lines, Contains("the coordinator was restarted; joining again").Times(1));
  EXPECT_THAT(diary_.lines, Not(Contains(HasSubstr("no session"))));
  ASSERT_EQ(api_.joins.held(), 1U);
  ASSERT_EQ(api_.joins.last().held_size(), 1);
  EXPECT_EQ(api_.joins.last().held(0).state(), v1::HeldTask::FINISHED);
  const std::size_t before = NumCalls();
  Wait(1min);
  EXPECT_EQ(NumCalls(), before) << "not without a session";
  Answer(api_.joins, Joined(2, 7, v1::JoinReply::KEEP));
  EXPECT_EQ(api_.queries.last().epoch(), 2U);
  Arrives();
}

TEST_P(EveryUploadCall, ThatLostBytesIsResentThreeTimesAndThenReported) {
  for (const Code code : {Code::kOutOfRange, Code::kDataLoss}) {
    SCOPED_TRACE(CodeName(code));
    WaitAMoment();
    KillAndRestart();
    const std::size_t reports = NumFailures();
    Reach();
    for (int i = 0; i < 3; ++i) {
      FailWith(Status(code, "a chunk does not fit"));
      ASSERT_EQ(api_.queries.held(), 1U);
      if (GetParam() == At::kUpload) SayStored(0);
      EXPECT_EQ(NumFailures(), reports);
    }
    FailWith(Status(code, "a chunk does not fit"));
    ASSERT_EQ(NumFailures(), reports + 1);
    EXPECT_EQ(api_.failures.last().code(), static_cast<uint32_t>(code));
    Answer(api_.failures, v1::ReportFailureReply());
    EXPECT_EQ(session_->num_tasks(), 0U);
  }
}

TEST_P(EveryUploadCall, ThatIsRefusedForWhatItSaysIsReportedAndTheAgentStays) {
  Reach();
  FailWith(InvalidArgument("element 1 of tensor \"weight\" is nan"));
  ASSERT_EQ(NumFailures(), 1U);
  EXPECT_EQ(api_.failures.last().task_id(), 7);
  EXPECT_THAT(api_.failures.last().message(), HasSubstr("is nan"));
  Answer(api_.failures, v1::ReportFailureReply());
  EXPECT_EQ(session_->num_tasks(), 0U);
  EXPECT_OK(session_->ended());
  EXPECT_EQ(api_.pulls.held(), 1U);
}

TEST_P(EveryUploadCall, ThatIsNotAllowedIsTriedAtTheLongestDelayAndSaysWhy) {
  for (const Code code : {Code::kUnauthenticated, Code::kPermissionDenied}) {
    SCOPED_TRACE(CodeName(code));
    Reach();
    const std::size_t before = NumCalls();
    FailWith(Status(code, "the certificate expired"));
    Wait(options_.retry_cap - 1ns);
    EXPECT_EQ(NumCalls(), before);
    Wait(1ns);
    EXPECT_EQ(NumCalls(), before + 1);
    EXPECT_OK(session_->ended());
    if (GetParam() == At::kUpload) SayStored(0);
  }
  EXPECT_THAT(diary_.lines, Contains(HasSubstr("the certificate expired")));
}

TEST_P(EveryUploadCall, EndsTheSessionWhenItIsSupersededOrTheVersionsDoNotFit) {
  for (const Status& status :
       {PermissionDenied("a newer process of this site").WithDetail(rpc::kSuperseded),
        Unimplemented("no such method")}) {
    SCOPED_TRACE(status.ToString());
    KillAndRestart();
    if (session_->num_tasks() != 0) {
      Answer(api_.joins, Joined(2, 7, v1::JoinReply::KEEP));
      if (GetParam() == At::kUpload) SayStored(0);
    }
    Reach();
    FailWith(status);
    EXPECT_THAT(session_->ended(), HasCode(status.code()));
    EXPECT_FALSE(next_.has_value());
  }
}

}  // namespace
}  // namespace skerry::client
