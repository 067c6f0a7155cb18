// Large files that one task leaves for the next.
#include <algorithm>

#include "crypto/content_hash.h"
#include "crypto/sha256.h"
#include "session_fixture.h"

namespace skerry::client {
namespace {

using crypto::kChunkBytes;
using testing::HasCode;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SessionSparesTest : public SessionTest {
 protected:
  static constexpr int64_t kElements = 1'300'000;  // 5.2 MB
  static constexpr std::size_t kModelBytes = 5 * kChunkBytes + 100;

  SessionSparesTest() {
    options_.most_spares = 2;
    KillAndRestart();
  }
  static std::string Model(char of) { return std::string(kModelBytes, of); }
  static v1::Task Task(int64_t task_id, const std::string& model) {
    v1::Task task = NewTask(task_id, kElements);
    *task.mutable_model() = NewModel(model);
    return task;
  }
  // From the task to the verdict, with a transfer in one go.
  void Work(const v1::Task& task, const std::string& model) {
    Give(task);
    Finish(task, model);
  }
  void Finish(const v1::Task& task, const std::string& model) {
    ASSERT_OK(Deliver(model));
    Answer(api_.downloads, Result<rpc::Done>(rpc::Done{}));
    std::string read(model.size(), '\0');
    ASSERT_OK(runner_.last().model->ReadAt(0, read));
    ASSERT_EQ(read, model);
    FinishTraining();
    ASSERT_EQ(BytesOf(api_.uploads.last()), ResultOf(task));
    runner_.jobs.clear();  // as a trainer's thread, which keeps nothing of its order
    api_.downloads.ForgetLast();
    GiveReceipt();
    GiveVerdict(task.task_id(), v1::Verdict::COUNTED);
  }
  std::vector<std::string> Spares() { return *files_.List("state/spares"); }
};

TEST_F(SessionSparesTest, AModelAndAResultAreWrittenOverTheLastOnes) {
  Join();
  Work(Task(7, Model('a')), Model('a'));
  EXPECT_THAT(Spares(), SizeIs(2));
  Give(Task(8, Model('b')));
  EXPECT_THAT(Spares(), SizeIs(1)) << "the other one is the model that is fetched";
  EXPECT_EQ(api_.downloads.last().request.offset(), 0U) << "nothing of it is here";
  Finish(Task(8, Model('b')), Model('b'));
  EXPECT_THAT(Spares(), SizeIs(2));
  EXPECT_THAT(*files_.List("state/models"), IsEmpty());
  EXPECT_THAT(*files_.List("state/results"), IsEmpty());
}

TEST_F(SessionSparesTest, AKilledClientFetchesOnlyTheRestOfAModelInASpare) {
  Join();
  Work(Task(7, Model('a')), Model('a'));
  Give(Task(8, Model('b')));
  ASSERT_OK(Deliver(Model('b').substr(0, 2 * kChunkBytes)));
  KillAndRestart();
  EXPECT_THAT(Spares(), IsEmpty()) << "what is in them is known to nobody any more";
  Answer(api_.joins, Joined(2, 8, v1::JoinReply::KEEP));
  EXPECT_EQ(api_.downloads.last().request.offset(), 2 * kChunkBytes);
  Finish(Task(8, Model('b')), Model('b'));
}

TEST_F(SessionSparesTest, AModelWhoseNameAProgramOfTheSiteHasGotIsNoSpare) {
  v1::RunSpec spec;
  spec.mutable_model()->set_kind("external");
  v1::Task task = Task(7, Model('a'));
  task.set_run_spec(spec.SerializeAsString());
  task.set_run_spec_sha256(std::string(crypto::Sha256(task.run_spec()).view()));
  Join();
  Work(task, Model('a'));
  EXPECT_THAT(Spares(), SizeIs(1)) << "its result, which this process has written";
}

TEST_F(SessionSparesTest, AModelThatATrainerStillReadsIsNoSpare) {
  Join();
  Give(Task(7, Model('a')));
  ASSERT_OK(Deliver(Model('a')));
  Answer(api_.downloads, Result<rpc::Done>(rpc::Done{}));
  api_.downloads.ForgetLast();
  WaitAMoment();
  v1::HeartbeatReply reply;
  reply.add_abandon_tasks(7);
  Answer(api_.beats, reply);
  EXPECT_EQ(session_->num_tasks(), 0U);
  EXPECT_THAT(Spares(), IsEmpty());
  EXPECT_THAT(*files_.List("state/models"), IsEmpty());
}

TEST_F(SessionSparesTest, TheyMakeRoomForATaskThatNeedsIt) {
  Join();
  Work(Task(7, Model('a')), Model('a'));
  files_.free_bytes = 1000;
  files_.freed_by_spares = 20'000'000;
  Give(Task(8, Model('b')));
  EXPECT_THAT(Spares(), IsEmpty());
  EXPECT_EQ(api_.downloads.held(), 1U) << "without a pause";
}

TEST_F(SessionSparesTest, TheyStayWhereThereIsRoom) {
  Join();
  Work(Task(7, Model('a')), Model('a'));
  files_.free_bytes = 20'000'000;
  Give(Task(8, Model('b')));
  EXPECT_THAT(Spares(), SizeIs(1));
}

TEST_F(SessionSparesTest, TheyGoWhenATrainerFindsTheDiskFull) {
  Join();
  Work(Task(7, Model('a')), Model('a'));
  Give(NewTask(8));
  ASSERT_THAT(Spares(), SizeIs(2));
  runner_.Fail(ResourceExhausted("scratch: No space left on device"));
  Step();
  EXPECT_THAT(Spares(), IsEmpty());
}

// After power loss the number may be gone, or another's.
TEST_F(SessionSparesTest, WhatStoodInASpareIsNeverTakenForTheModel) {
  Join();
  Work(Task(7, Model('a')), Model('a'));
  Give(Task(8, Model('b')));
  ASSERT_OK(Deliver(Model('b').substr(0, 2 * kChunkBytes)));
  const std::vector<std::string> names = *files_.List("state/models");
  const auto number = std::find_if(names.begin(), names.end(), [](const std::string& name) {
    return name.ends_with(".filled");
  });
  ASSERT_NE(number, names.end());
  ASSERT_OK(files_.Remove("state/models/" + *number));
  KillAndRestart();
  Answer(api_.joins, Joined(2, 8, v1::JoinReply::KEEP));
  ASSERT_EQ(api_.downloads.last().request.offset(), 5 * kChunkBytes)
      << "it looks as if all is here";
  const Status delivered = Deliver(Model('b'));
  EXPECT_THAT(delivered, HasCode(Code::kDataLoss));
  Answer(api_.downloads, delivered);
  Wait(1s);
  EXPECT_EQ(api_.downloads.last().request.offset(), 0U);
  Finish(Task(8, Model('b')), Model('b'));
}

TEST_F(SessionSparesTest, NoneIsLeftAtAnOrderlyEnd) {
  Join();
  Work(Task(7, Model('a')), Model('a'));
  session_->StopWork();
  EXPECT_THAT(Spares(), IsEmpty());
}

TEST_F(SessionSparesTest, TheyGoWhenTheDiskIsFull) {
  Join();
  Work(Task(7, Model('a')), Model('a'));
  store_.failure = ResourceExhausted("client.db: database or disk is full");
  Give(NewTask(8));
  WaitAMoment();
  EXPECT_THAT(Spares(), IsEmpty());
}

TEST_F(SessionSparesTest, TheyGoWhenNoTaskComesForThem) {
  Join();
  Work(Task(7, Model('a')), Model('a'));
  Wait(9min);
  EXPECT_THAT(Spares(), SizeIs(2));
  Give(NewTask(8));  // leaves nothing
  FinishTraining();
  Wait(2min);
  EXPECT_THAT(Spares(), IsEmpty());
}

TEST_F(SessionSparesTest, WithoutThemFilesAreRemoved) {
  options_.most_spares = 0;
  KillAndRestart();
  Join();
  Work(Task(7, Model('a')), Model('a'));
  EXPECT_THAT(Spares(), IsEmpty());
  EXPECT_THAT(*files_.List("state/results"), IsEmpty());
}

}  // namespace
}  // namespace skerry::client
