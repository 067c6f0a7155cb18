// A client that was killed, at each step of a task: what it had finished it does not train again,
// what it had submitted it does not send again.
#include "base/bytes_file.h"
#include "crypto/content_hash.h"
#include "session_fixture.h"

namespace skerry::client {
namespace {

using crypto::kChunkBytes;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kThreeChunks = 600'000;  // floats: 2.4 MB

class SessionRestartTest : public SessionTest {
 protected:
  // The state in which the only held task was told to the coordinator.
  v1::HeldTask::State HeldState() {
    const v1::JoinRequest& request = api_.joins.last();
    EXPECT_THAT(request.held(), SizeIs(1));
    return request.held_size() == 1 ? request.held(0).state() : v1::HeldTask::STATE_UNSPECIFIED;
  }
  void JoinAgain(v1::JoinReply::Instruction what = v1::JoinReply::KEEP) {
    Answer(api_.joins, Joined(2, 7, what));
  }
  // Training once more made the same result, and it is sent.
  void TrainsAgainToTheSameHash(const std::string& hash) {
    ASSERT_EQ(runner_.jobs.size(), 2U);
    FinishTraining();
    ASSERT_EQ(api_.uploads.held(), 1U);
    EXPECT_EQ(api_.uploads.last().start.header().content_hash(), hash);
    EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(*runner_.last().task));
    EXPECT_EQ(api_.failures.made(), 0U);
  }
  // The content hash of what a trainer makes of a task.
  static std::string HashOf(const v1::Task& task) {
    WorkDone done{.num_examples = 199, .scalars = {{"loss", 0.5}}};
    WorkOrder order;
    order.task_id = task.task_id();
    order.task = std::make_shared<const v1::Task>(task);
    order.result = std::make_shared<BytesFile>(ResultOf(task));
    EXPECT_OK(Seal(order, done));
    return done.header.content_hash();
  }
  std::string HashOfLastUpload() { return api_.uploads.last().start.header().content_hash(); }
};

TEST_F(SessionRestartTest, KilledWhileTrainingItTrainsAgain) {
  Join();
  Give(NewTask(7));
  WaitAMoment();
  KillAndRestart();
  EXPECT_EQ(HeldState(), v1::HeldTask::WORKING);
  EXPECT_EQ(api_.joins.last().epoch(), 0U) << "a new process";
  EXPECT_EQ(api_.joins.last().coordinator_id(), "c-1") << "whose tasks these are";
  JoinAgain();
  EXPECT_EQ(runner_.jobs.size(), 2U);
  FinishTraining();
  EXPECT_EQ(api_.uploads.held(), 1U);
}

TEST_F(SessionRestartTest, KilledBeforeItWroteDownWhatItTookItIsGivenTheTaskAgain) {
  Join();
  Give(NewTask(7));
  KillAndRestart();
  EXPECT_THAT(api_.joins.last().held(), IsEmpty());
  Answer(api_.joins, Joined(2));
  Give(NewTask(7));
  TrainsAgainToTheSameHash(HashOf(NewTask(7)));
}

TEST_F(SessionRestartTest, KilledBeforeItWroteDownAReceiptItAsksAndIsToldThatTheResultIsThere) {
  BringToReceipt();
  KillAndRestart();
  EXPECT_EQ(HeldState(), v1::HeldTask::FINISHED);
  JoinAgain();
  SayStored(api_.uploads.last().start.header().size_bytes());
  EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(NewTask(7))) << "so little goes as a whole";
  GiveReceipt();
  EXPECT_EQ(runner_.jobs.size(), 1U) << "not trained again";
}

TEST_F(SessionRestartTest, SmallTasksThatAreDoneAtOnceShareACommit) {
  Join();
  WaitAMoment();
  const int before = store_.commits;
  Give(NewTask(7));
  FinishTraining();
  GiveReceipt();
  GiveVerdict(7, v1::Verdict::COUNTED);
  Give(NewTask(8));
  FinishTraining();
  EXPECT_EQ(store_.commits, before);
  Wait(2s);
  EXPECT_EQ(store_.commits, before + 1);
  ASSERT_OK_AND_ASSIGN(const storage::ClientSnapshot kept, memory_store_.Load());
  ASSERT_THAT(kept.tasks, SizeIs(1));
  EXPECT_EQ(kept.tasks[0].task_id, 8);
}

TEST_F(SessionRestartTest, AResultThatTookLongIsKeptAtOnce) {
  Join();
  Give(NewTask(7));
  Wait(2s);
  const int before = store_.commits;
  FinishTraining();
  EXPECT_EQ(store_.commits, before + 1);
}

TEST_F(SessionRestartTest, AtAnEndOfItsOwnWillWhatCouldWaitIsWrittenDown) {
  Join();
  Give(NewTask(7));
  FinishTraining();
  session_->KeepRest();
  KillAndRestart();
  EXPECT_EQ(HeldState(), v1::HeldTask::FINISHED);
}

TEST_F(SessionRestartTest, OneThatWasMadeInNoTimeIsMadeAgainAfterAKillToTheSameBits) {
  Join();
  Give(NewTask(7));
  FinishTraining();
  ASSERT_EQ(api_.uploads.held(), 1U);
  const std::string hash = HashOfLastUpload();
  KillAndRestart();
  EXPECT_EQ(api_.joins.last().held_size(), 0);
  JoinAgain();
  Give(NewTask(7));
  FinishTraining();
  ASSERT_EQ(api_.uploads.made(), 2U);
  EXPECT_EQ(HashOfLastUpload(), hash);
}

TEST_F(SessionRestartTest, KilledAfterTrainingItSendsTheResultThatItHas) {
  const v1::Task task = NewTask(7);
  BringToUpload(task);
  const std::string hash = HashOfLastUpload();
  KillAndRestart();
  EXPECT_EQ(HeldState(), v1::HeldTask::FINISHED);
  EXPECT_EQ(api_.queries.made(), 0U) << "not without a session";
  JoinAgain();
  EXPECT_EQ(api_.queries.last().content_hash(), hash);
  SayStored(0);
  EXPECT_EQ(HashOfLastUpload(), hash);
  EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(task));
  EXPECT_EQ(runner_.jobs.size(), 1U) << "not trained again";
}

TEST_F(SessionRestartTest, KilledInTheMiddleOfAnUploadItSendsTheRest) {
  const v1::Task task = NewTask(7, kThreeChunks);
  BringToUpload(task);
  KillAndRestart();
  JoinAgain();
  SayStored(2 * kChunkBytes);
  EXPECT_EQ(api_.uploads.last().start.offset(), 2 * kChunkBytes);
  EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(task).substr(2 * kChunkBytes));
  EXPECT_EQ(runner_.jobs.size(), 1U);
}

TEST_F(SessionRestartTest, KilledAfterTheReceiptItNeitherTrainsNorSendsAndAsksForMore) {
  BringToReceipt();
  WaitAMoment();
  KillAndRestart();
  EXPECT_EQ(HeldState(), v1::HeldTask::SUBMITTED);
  JoinAgain();
  Wait(1h);
  EXPECT_EQ(api_.uploads.made(), 1U);
  EXPECT_EQ(api_.queries.made(), 0U);
  EXPECT_EQ(runner_.jobs.size(), 1U);
  EXPECT_EQ(api_.pulls.held(), 1U);
  EXPECT_EQ(session_->num_tasks(), 1U) << "kept until the verdict";
}

TEST_F(SessionRestartTest, WhatTheCoordinatorLostIsSentAgainAndNotTrainedAgain) {
  const v1::Task task = NewTask(7);
  BringToReceipt(task);
  WaitAMoment();
  KillAndRestart();
  JoinAgain(v1::JoinReply::RESEND);
  SayStored(0);
  EXPECT_EQ(BytesOf(api_.uploads.last()), ResultOf(task));
  EXPECT_EQ(runner_.jobs.size(), 1U);
}

TEST_F(SessionRestartTest, WhatTheCoordinatorNoLongerKnowsIsDroppedWithItsFile) {
  BringToUpload();
  KillAndRestart();
  JoinAgain(v1::JoinReply::DROP);
  EXPECT_EQ(session_->num_tasks(), 0U);
  EXPECT_EQ(api_.queries.made(), 0U);
  EXPECT_EQ(api_.pulls.held(), 1U);
  WaitAMoment();
  KillAndRestart();
  EXPECT_THAT(api_.joins.last().held(), IsEmpty()) << "for good";
  ASSERT_OK_AND_ASSIGN(const auto results, files_.List("state/results"));
  EXPECT_THAT(results, IsEmpty());
}

TEST_F(SessionRestartTest, AVerdictThatCameInTheMeantimeIsHeardWhenItJoins) {
  BringToReceipt();
  KillAndRestart();
  v1::JoinReply reply = Joined(2, 7, v1::JoinReply::KEEP);
  v1::Verdict& verdict = *reply.add_verdicts();
  verdict.set_task_id(7);
  verdict.set_outcome(v1::Verdict::COUNTED);
  Answer(api_.joins, reply);
  EXPECT_EQ(session_->num_tasks(), 0U);
  EXPECT_THAT(api_.pulls.last().confirmed_verdicts(), ElementsAre(7));
}

TEST_F(SessionRestartTest, KilledAgainAndAgainItStillTrainsOnce) {
  BringToUpload();
  for (int i = 0; i < 5; ++i) {
    KillAndRestart();
    JoinAgain();
    KillAndRestart();
    JoinAgain();
    SayStored(0);
  }
  GiveReceipt();
  WaitAMoment();
  KillAndRestart();
  EXPECT_EQ(HeldState(), v1::HeldTask::SUBMITTED);
  EXPECT_EQ(runner_.jobs.size(), 1U);
}

// ---- The disk is not what the store says ----

TEST_F(SessionRestartTest, AResultThatAPowerLossTookIsTrainedAgainToTheSameBits) {
  BringToUpload(NewTask(7, kInAFile));
  const std::string hash = HashOfLastUpload();
  files_.memory.PowerLoss();
  KillAndRestart();
  JoinAgain();
  SayStored(0);
  Wait(1s);
  TrainsAgainToTheSameHash(hash);
}

TEST_F(SessionRestartTest, AResultThatAPowerLossCutShortIsTrainedAgainToTheSameBits) {
  BringToUpload(NewTask(7, kInAFile));
  const std::string hash = HashOfLastUpload();
  ASSERT_OK_AND_ASSIGN(const auto file,
                       files_.Open("state/results/7.result", OpenMode::kReadWrite));
  ASSERT_OK(file->Truncate(4));
  KillAndRestart();
  JoinAgain();
  SayStored(0);
  Answer(api_.uploads, InvalidArgument("the chunk at byte 0 has only 4 bytes"));
  Wait(1s);
  TrainsAgainToTheSameHash(hash);
}

TEST_F(SessionRestartTest, AResultWhoseBytesChangedOnDiskIsTrainedAgainToTheSameBits) {
  BringToUpload(NewTask(7, kInAFile));
  const std::string hash = HashOfLastUpload();
  ASSERT_OK_AND_ASSIGN(const auto file,
                       files_.Open("state/results/7.result", OpenMode::kReadWrite));
  ASSERT_OK(file->WriteAt(5, "X"));
  KillAndRestart();
  JoinAgain();
  SayStored(0);
  Answer(api_.uploads, DataLoss("the chunks do not make the content hash"));
  Wait(1s);
  TrainsAgainToTheSameHash(hash);
}

TEST_F(SessionRestartTest, FilesOfTasksThatNobodyKnowsAreRemoved) {
  ASSERT_OK(files_.Open("state/results/99.result", OpenMode::kCreate));
  ASSERT_OK(files_.Open("state/models/ab.safetensors", OpenMode::kCreate));
  BringToUpload(NewTask(7, kInAFile));
  KillAndRestart();
  ASSERT_OK_AND_ASSIGN(const auto results, files_.List("state/results"));
  EXPECT_THAT(results, ElementsAre("7.result"));
  ASSERT_OK_AND_ASSIGN(const auto models, files_.List("state/models"));
  EXPECT_THAT(models, IsEmpty());
}

TEST_F(SessionRestartTest, ADamagedStoreIsNamedWithTheNextStep) {
  ASSERT_OK(store_.Commit(
      {storage::ClientTask{7, storage::ClientTask::State::kTaken, "this is no task", ""}}));
  Session session({clock_, files_, api_, store_, runner_, diary_}, options_);
  EXPECT_THAT(session.Open(),
              Fails(Code::kDataLoss, AllOf(HasSubstr("task 7"), HasSubstr("move state away"))));
}

}  // namespace
}  // namespace skerry::client
