// A full disk at a site holds its tasks up, and loses nothing.
#include "session_fixture.h"

namespace skerry::client {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using testing::Fails;
using ::testing::HasSubstr;

using SessionDiskTest = SessionTest;

TEST_F(SessionDiskTest, AResultThatCannotBeNotedYetIsSentAndNotedWhenThereIsRoom) {
  Join();
  Give(NewTask(7));
  WaitAMoment();
  store_.failure = ResourceExhausted("client.db: database or disk is full");
  FinishTraining();
  EXPECT_OK(session_->ended());
  EXPECT_THAT(diary_.lines, Contains(HasSubstr("disk is full; waiting for room")));
  ASSERT_EQ(api_.uploads.held(), 1U) << "a kill now would cost a second training, to the same bits";
  EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(NewTask(7)));
  store_.failure = OkStatus();
  Wait(options_.retry_cap);
  EXPECT_THAT(diary_.lines, Contains(HasSubstr("there is room on the disk again")));
  EXPECT_EQ(runner_.jobs.size(), 1U);
  EXPECT_EQ(api_.failures.made(), 0U);
}

TEST_F(SessionDiskTest, AResultThatDoesNotFitIsTrainedAgainWhenThereIsRoom) {
  Join();
  Give(NewTask(7, kInAFile));
  files_.full = true;
  for (int i = 0; i < 5; ++i) {
    FinishTraining();  // and has nowhere to write it
    EXPECT_EQ(api_.failures.made(), 0U) << "the run would be paused for a disk that can be cleared";
    files_.full = false;
    Wait(options_.retry_cap);
    files_.full = true;
    ASSERT_EQ(runner_.jobs.size(), static_cast<std::size_t>(i) + 2);
  }
  EXPECT_THAT(diary_.lines, Contains(HasSubstr("No space left on device")));
  files_.full = false;
  FinishTraining();
  ASSERT_EQ(api_.uploads.held(), 1U);
  EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(NewTask(7, kInAFile)));
}

TEST_F(SessionDiskTest, TrainingBeginsWhenThereIsRoomForItsResult) {
  files_.full = true;
  Join();
  Give(NewTask(7, kInAFile));
  Wait(10min);
  EXPECT_TRUE(runner_.jobs.empty());
  EXPECT_EQ(session_->num_tasks(), 1U);
  files_.full = false;
  Wait(options_.retry_cap);
  EXPECT_EQ(runner_.jobs.size(), 1U);
}

TEST_F(SessionDiskTest, AModelThatDoesNotFitIsFetchedWhenThereIsRoom) {
  const std::string model = "a model";
  v1::Task task = NewTask(7);
  *task.mutable_model() = NewModel(model);
  Join();
  Give(task);
  files_.full = true;
  const Status delivered = Deliver(model);
  EXPECT_THAT(delivered, Fails(Code::kResourceExhausted, HasSubstr("No space left")));
  Answer(api_.downloads, delivered);
  files_.full = false;
  Wait(1s);
  ASSERT_EQ(api_.downloads.held(), 1U);
  ASSERT_OK(Deliver(model));
  Answer(api_.downloads, Result<rpc::Done>(rpc::Done{}));
  EXPECT_EQ(runner_.jobs.size(), 1U);
}

TEST_F(SessionDiskTest, AModelForWhichThereIsNoRoomIsNotBegunAndTheLogSaysWhatIsMissing) {
  const std::string model(5'000'000, 'm');
  v1::Task task = NewTask(7, 1'000'000);
  *task.mutable_model() = NewModel(model);
  files_.free_bytes = 8'999'999;
  Join();
  Give(task);
  EXPECT_EQ(api_.downloads.made(), 0U);
  EXPECT_THAT(diary_.lines, Contains(AllOf(HasSubstr("needs 9.0 MB more on this site's disk"),
                                           HasSubstr("9.0 MB are free"))));
  files_.free_bytes = 9'000'000;
  Wait(options_.retry_cap);
  EXPECT_EQ(api_.downloads.held(), 1U) << "there is room";
}

TEST_F(SessionDiskTest, AHeartbeatGoesOnWhileTheDiskIsFull) {
  files_.full = true;
  Join();
  Give(NewTask(7));
  WaitAMoment();
  ASSERT_EQ(api_.beats.held(), 1U);
  Answer(api_.beats, v1::HeartbeatReply());
  WaitAMoment();
  EXPECT_EQ(api_.beats.held(), 1U) << "the site is alive, and says so";
}

TEST_F(SessionDiskTest, AStoreThatCannotBeWrittenEndsTheSessionWithItsReason) {
  Join();
  Give(NewTask(7));
  WaitAMoment();
  store_.failure = DataLoss("client.db: database disk image is malformed");
  FinishTraining();
  EXPECT_THAT(session_->ended(), Fails(Code::kDataLoss, HasSubstr("client.db")));
  EXPECT_FALSE(next_.has_value());
  EXPECT_EQ(api_.uploads.made(), 0U);
}

}  // namespace
}  // namespace skerry::client
