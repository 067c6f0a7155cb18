// A session whose coordinator was away, or has forgotten it.
#include "session_fixture.h"

namespace skerry::client {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

using SessionRejoinTest = SessionTest;

Status EpochUnknown() {
  return FailedPrecondition("no session with this epoch").WithDetail(rpc::kEpochUnknown);
}

TEST_F(SessionRejoinTest, JoiningAgainNamesTheEpochAndEverythingThatIsInHand) {
  options_.max_concurrent_tasks = 3;
  KillAndRestart();
  Join();
  Give(NewTask(7));
  FinishTraining();
  GiveReceipt();
  Give(NewTask(8));
  FinishTraining();
  Give(NewTask(9));
  Answer(api_.pulls, EpochUnknown());
  const v1::JoinRequest& request = api_.joins.last();
  EXPECT_EQ(request.epoch(), 1U);
  EXPECT_EQ(request.coordinator_id(), "c-1");
  ASSERT_THAT(request.held(), SizeIs(3));
  EXPECT_EQ(request.held(0).task_id(), 7);
  EXPECT_EQ(request.held(0).state(), v1::HeldTask::SUBMITTED);
  EXPECT_EQ(request.held(1).state(), v1::HeldTask::FINISHED);
  EXPECT_EQ(request.held(2).state(), v1::HeldTask::WORKING);
}

TEST_F(SessionRejoinTest, ATaskThatIsKeptGoesOnTrainingThroughALostCoordinator) {
  Join();
  Give(NewTask(7));
  WaitAMoment();
  Answer(api_.beats, Unavailable("the coordinator is down"));
  Wait(10min);
  Answer(api_.beats, EpochUnknown());
  Answer(api_.joins, Joined(2, 7, v1::JoinReply::KEEP));
  EXPECT_EQ(runner_.jobs.size(), 1U);
  EXPECT_FALSE(runner_.last().stop.stop_requested());
  FinishTraining();
  ASSERT_EQ(api_.uploads.held(), 1U);
  EXPECT_EQ(api_.uploads.last().start.epoch(), 2U);
}

TEST_F(SessionRejoinTest, ATaskThatIsFinishedWhileTheCoordinatorIsAwayIsSentWhenItIsBack) {
  Join();
  Give(NewTask(7));
  WaitAMoment();
  Answer(api_.beats, EpochUnknown());
  FinishTraining();
  EXPECT_EQ(api_.uploads.made(), 0U) << "there is no session";
  Answer(api_.joins, Joined(2, 7, v1::JoinReply::KEEP));
  SayStored(0);
  EXPECT_EQ(api_.uploads.held(), 1U);
}

TEST_F(SessionRejoinTest, ATaskThatIsDroppedStopsAndLeavesNothing) {
  Join();
  Give(NewTask(7));
  WaitAMoment();
  Answer(api_.beats, EpochUnknown());
  Answer(api_.joins, Joined(2, 7, v1::JoinReply::DROP));
  EXPECT_TRUE(runner_.last().stop.stop_requested());
  EXPECT_EQ(session_->num_tasks(), 0U);
  ASSERT_OK_AND_ASSIGN(const auto results, files_.List("state/results"));
  EXPECT_THAT(results, IsEmpty());
  EXPECT_EQ(api_.pulls.held(), 1U);
}

TEST_F(SessionRejoinTest, ACoordinatorThatComesBackAfterALongTimeIsJoinedAtOnce) {
  Join();
  for (int i = 0; i < 20; ++i) {
    Answer(api_.pulls, Unavailable("connection refused"));
    Wait(options_.retry_cap);
  }
  Answer(api_.pulls, EpochUnknown());
  EXPECT_EQ(api_.joins.held(), 1U) << "another minute, and it would take this site for lost";
}

TEST_F(SessionRejoinTest, AJoinThatKeepsBeingSentBackIsNotRepeatedWithoutPause) {
  const Timestamp begin = clock_.Now();
  for (int i = 0; i < 12; ++i) {
    Answer(api_.joins, EpochUnknown());
    if (api_.joins.held() == 0) Wait(options_.retry_cap);
  }
  EXPECT_GT(clock_.Now() - begin, 1s);
}

}  // namespace
}  // namespace skerry::client
