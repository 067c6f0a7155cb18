// What becomes of a session when its control calls fail: docs/wire.md, "Statuses".
#include <string>
#include <tuple>

#include "session_fixture.h"

namespace skerry::client {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using SessionControlTest = SessionTest;

Status EpochUnknown() {
  return FailedPrecondition("no session with this epoch").WithDetail(rpc::kEpochUnknown);
}
Status Superseded() {
  return PermissionDenied("a newer process of this site").WithDetail(rpc::kSuperseded);
}

// ---- Each status, at each control call ----

enum class At { kJoin, kPull, kHeartbeat };

class EveryControlCall : public SessionTest, public ::testing::WithParamInterface<At> {
 protected:
  // The call is under way.
  void Reach() {
    if (GetParam() == At::kJoin) return;
    Join();
    if (GetParam() != At::kHeartbeat) return;
    if (session_->num_tasks() == 0) Give(NewTask(7));
    WaitAMoment();
  }
  void FailWith(const Status& status) {
    if (GetParam() == At::kJoin) Answer(api_.joins, status);
    if (GetParam() == At::kPull) Answer(api_.pulls, status);
    if (GetParam() == At::kHeartbeat) Answer(api_.beats, status);
  }
  std::size_t made() const {
    return GetParam() == At::kJoin   ? api_.joins.made()
           : GetParam() == At::kPull ? api_.pulls.made()
                                     : api_.beats.made();
  }
};

INSTANTIATE_TEST_SUITE_P(Calls, EveryControlCall,
                         ::testing::Values(At::kJoin, At::kPull, At::kHeartbeat),
                         [](const auto& tested) {
                           return tested.param == At::kJoin   ? "Join"
                                  : tested.param == At::kPull ? "PullTask"
                                                              : "Heartbeat";
                         });

TEST_P(EveryControlCall, IsRepeatedForEverWhenTheCoordinatorCannotAnswer) {
  Reach();
  for (const Code code : {Code::kUnavailable, Code::kResourceExhausted, Code::kDeadlineExceeded,
                          Code::kInternal, Code::kUnknown, Code::kCancelled}) {
    SCOPED_TRACE(CodeName(code));
    for (int i = 0; i < 30; ++i) {
      const std::size_t before = made();
      FailWith(Status(code, "not now"));
      EXPECT_THAT(session_->health(), HasCode(code));
      Wait(options_.retry_cap);
      ASSERT_EQ(made(), before + 1) << "the same call again, once";
      EXPECT_OK(session_->ended());
    }
  }
}

TEST_P(EveryControlCall, IsRepeatedSoonWhileTheCoordinatorIsBeingRestarted) {
  Reach();
  for (int i = 0; i < 30; ++i) {
    const std::size_t before = made();
    FailWith(Unavailable("Connection refused").WithDetail(rpc::kRefused));
    Wait(10s);
    ASSERT_EQ(made(), before + 1);
  }
}

TEST_P(EveryControlCall, OfAnUnknownEpochOrALostObjectLeadsToJoin) {
  for (const Status& status : {EpochUnknown(), FailedPrecondition("not like this"),
                               Aborted("something changed"), NotFound("it is gone")}) {
    SCOPED_TRACE(status.ToString());
    KillAndRestart();
    Reach();
    const std::size_t joins = api_.joins.made();
    FailWith(status);
    EXPECT_FALSE(session_->joined());
    if (GetParam() == At::kJoin) Wait(200ms);  // otherwise at once
    EXPECT_EQ(api_.joins.made(), joins + 1);
    EXPECT_EQ(api_.joins.held(), 1U);
    EXPECT_OK(session_->ended());
  }
}

TEST_F(SessionControlTest, ARestartOfTheCoordinatorIsSaidInPlainWordsAndOnce) {
  Join();
  Answer(api_.pulls, EpochUnknown());
  EXPECT_THAT(diary_.lines, Contains("the coordinator was restarted; joining again").Times(1));
  EXPECT_THAT(diary_.lines, Not(Contains(HasSubstr("no session"))));
  EXPECT_THAT(diary_.healths, IsEmpty()) << "nothing is wrong";
}

TEST_P(EveryControlCall, EndsTheSessionWhenANewerProcessOfTheSiteHasTakenOver) {
  Reach();
  const std::size_t before = api_.num_control_calls();
  FailWith(Superseded());
  EXPECT_THAT(session_->ended(), HasCode(Code::kPermissionDenied));
  EXPECT_EQ(session_->ended().detail(), rpc::kSuperseded);
  EXPECT_FALSE(next_.has_value());
  Wait(1h);
  EXPECT_EQ(api_.num_control_calls(), before) << "no ping-pong";
  for (const FakeRunner::Job& job : runner_.jobs) EXPECT_TRUE(job.order->stop.stop_requested());
}

TEST_P(EveryControlCall, EndsTheSessionWhenTheVersionsDoNotFit) {
  Reach();
  const std::size_t before = api_.num_control_calls();
  FailWith(Unimplemented("the coordinator speaks protocol 2, the client speaks 1"));
  EXPECT_THAT(session_->ended(), Fails(Code::kUnimplemented, HasSubstr("protocol 2")));
  Wait(1h);
  EXPECT_EQ(api_.num_control_calls(), before);
}

TEST_P(EveryControlCall, ThatIsNotAllowedIsTriedAtTheLongestDelayUntilACertificateHealsIt) {
  for (const Code code : {Code::kUnauthenticated, Code::kPermissionDenied}) {
    SCOPED_TRACE(CodeName(code));
    KillAndRestart();
    Reach();
    diary_.healths.clear();
    for (int i = 0; i < 3; ++i) {
      const std::size_t before = made();
      FailWith(Status(code, "the certificate expired"));
      EXPECT_THAT(session_->health(), HasCode(code));
      Wait(options_.retry_cap - 1ns);
      EXPECT_EQ(made(), before);
      Wait(1ns);
      ASSERT_EQ(made(), before + 1);
    }
    EXPECT_THAT(diary_.healths, ElementsAre(HasCode(code))) << "said once";
    if (GetParam() == At::kJoin) Answer(api_.joins, Joined());
    if (GetParam() == At::kPull) Answer(api_.pulls, v1::PullTaskReply());
    if (GetParam() == At::kHeartbeat) Answer(api_.beats, v1::HeartbeatReply());
    WaitAMoment();
    EXPECT_OK(session_->health());
    EXPECT_THAT(diary_.healths, ElementsAre(HasCode(code), testing::IsOk()));
    EXPECT_OK(session_->ended());
  }
}

// ---- Backing off ----

TEST_F(SessionControlTest, DelaysGrowWithJitterUpToTheCap) {
  std::vector<Duration> delays;
  for (int i = 0; i < 200; ++i) {
    const Timestamp before = clock_.Now();
    Answer(api_.joins, Unavailable("connection refused"));
    ASSERT_TRUE(next_.has_value());
    delays.push_back(*next_ - before);
    Wait(delays.back());
    ASSERT_EQ(api_.joins.held(), 1U);
  }
  EXPECT_LE(delays[0], 200ms);
  EXPECT_LE(delays[1], 400ms);
  EXPECT_LE(delays[2], 800ms);
  EXPECT_LE(*std::max_element(delays.begin(), delays.end()), options_.retry_cap);
  EXPECT_GT(*std::max_element(delays.begin(), delays.end()), options_.retry_cap * 9 / 10);
  EXPECT_THAT(diary_.healths, SizeIs(1)) << "one line, not two hundred";
}

TEST_F(SessionControlTest, AReasonThatChangesIsSaidAnew) {
  Answer(api_.joins, Unavailable("connection refused"));
  Wait(options_.retry_cap);
  Answer(api_.joins, Unavailable("connection refused"));
  EXPECT_THAT(diary_.healths, SizeIs(1));
  Wait(options_.retry_cap);
  Answer(api_.joins, Unavailable("socket closed"));
  EXPECT_THAT(diary_.healths, SizeIs(2)) << "the coordinator is there, but the certificate is not";
  EXPECT_EQ(session_->health().message(), "socket closed");
}

TEST_F(SessionControlTest, AnAnswerMakesTheNextDelayShortAgain) {
  for (int i = 0; i < 20; ++i) {
    Answer(api_.joins, Unavailable("connection refused"));
    Wait(options_.retry_cap);
  }
  Join();
  Answer(api_.pulls, Unavailable("connection refused"));
  Wait(200ms);
  EXPECT_EQ(api_.pulls.made(), 2U);
}

TEST_F(SessionControlTest, SessionsWithOtherSeedsComeBackAtOtherInstants) {
  Answer(api_.joins, Unavailable("connection refused"));
  const Duration delay = *next_ - clock_.Now();
  options_.jitter_seed = 12;
  KillAndRestart();
  Answer(api_.joins, Unavailable("connection refused"));
  EXPECT_NE(*next_ - clock_.Now(), delay);
}

}  // namespace
}  // namespace skerry::client
