// What a site keeps of a run between rounds: it becomes current when its task has counted, at no
// other moment, and whatever is killed in between.
#include "session_fixture.h"

namespace skerry::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SessionStateTest : public SessionTest {
 protected:
  static v1::Task StateTask(int64_t task_id, int64_t round) {
    v1::Task task = NewTask(task_id, kInAFile);
    task.set_round(round);
    task.set_site_state(true);
    return task;
  }
  // The task in hand is trained, and proposes `state`.
  void Propose(const std::string& state) {
    ASSERT_NE(runner_.last().next_state, nullptr);
    ASSERT_OK(runner_.last().next_state->WriteAt(0, state));
    WorkDone done;
    done.num_examples = 199;
    done.has_next_state = true;
    runner_.Finish(ResultOf(*runner_.last().task), done);
    Step();
  }
  // A whole task, up to the coordinator's receipt.
  void Work(const v1::Task& task, const std::string& state) {
    Give(task);
    Propose(state);
    ASSERT_EQ(api_.uploads.held(), 1U);
    GiveReceipt();
  }
  // What the newest task was given; "" for nothing.
  std::string Input() {
    const auto& file = runner_.last().site_state;
    if (file == nullptr) return "";
    std::string bytes(*file->Size(), '\0');
    EXPECT_OK(file->ReadAt(0, bytes));
    return bytes;
  }
  std::vector<std::string> Files() { return *files_.List("state/site-state"); }
  void JoinAgain(int64_t task_id) {
    Answer(api_.joins, Joined(++epoch_, task_id, v1::JoinReply::KEEP));
  }
  // The coordinator has counted the task in the meantime.
  void JoinAndHearThatItCounted(int64_t task_id) {
    v1::JoinReply reply = Joined(++epoch_, task_id, v1::JoinReply::KEEP);
    v1::Verdict& verdict = *reply.add_verdicts();
    verdict.set_task_id(task_id);
    verdict.set_outcome(v1::Verdict::COUNTED);
    Answer(api_.joins, reply);
  }
  void JoinWithNothing() { Answer(api_.joins, Joined(++epoch_)); }
  // Task 7 proposed "one"; its result is gone, and it is being trained once more.
  void TrainAgainAfterTheResultWasLost() {
    Join();
    Give(StateTask(7, 1));
    Propose("one");
    ASSERT_OK(files_.Remove("state/results/7.result"));
    KillAndRestart();
    JoinAgain(7);
    SayStored(0);
    Wait(1s);
    ASSERT_EQ(runner_.jobs.size(), 2U);
  }

  uint64_t epoch_ = 1;
};

TEST_F(SessionStateTest, ATaskThatKeepsNothingHasNoFiles) {
  Join();
  Give(NewTask(7));
  EXPECT_EQ(runner_.last().site_state, nullptr);
  EXPECT_EQ(runner_.last().next_state, nullptr);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(SessionStateTest, WhatATaskProposedIsTheInputOfTheNextOnceItHasCounted) {
  Join();
  Work(StateTask(7, 1), "one");
  EXPECT_EQ(Input(), "") << "the first begins with nothing";
  GiveVerdict(7, v1::Verdict::COUNTED);
  Work(StateTask(8, 2), "two");
  EXPECT_EQ(Input(), "one");
  GiveVerdict(8, v1::Verdict::COUNTED);
  Give(StateTask(9, 3));
  EXPECT_EQ(Input(), "two");
  EXPECT_THAT(Files(), ElementsAre("8.safetensors", "9.safetensors.new"));
}

TEST_F(SessionStateTest, ADiscardedRoundRollsBack) {
  Join();
  Work(StateTask(7, 1), "one");
  GiveVerdict(7, v1::Verdict::COUNTED);
  Work(StateTask(8, 2), "two");
  GiveVerdict(8, v1::Verdict::DISCARDED, "late");
  Wait(2s);
  EXPECT_THAT(Files(), ElementsAre("7.safetensors"));
  Give(StateTask(9, 3));
  EXPECT_EQ(Input(), "one");
}

TEST_F(SessionStateTest, AMissedRoundChangesNothing) {
  Join();
  Work(StateTask(7, 1), "one");
  GiveVerdict(7, v1::Verdict::COUNTED);
  Give(StateTask(30, 17));
  EXPECT_EQ(Input(), "one");
}

TEST_F(SessionStateTest, KilledAtEachStepOfATaskTheNextOneHasTheSameInput) {
  Join();
  Work(StateTask(7, 1), "one");
  KillAndRestart();  // after the receipt
  JoinAndHearThatItCounted(7);
  KillAndRestart();  // after the verdict
  JoinWithNothing();
  Give(StateTask(8, 2));
  EXPECT_EQ(Input(), "one");
  KillAndRestart();  // before the store knows of the task
  JoinWithNothing();
  Give(StateTask(8, 2));
  EXPECT_EQ(Input(), "one");
  Wait(2s);
  KillAndRestart();  // while training
  JoinAgain(8);
  EXPECT_EQ(Input(), "one");
  ASSERT_OK(runner_.last().next_state->WriteAt(0, "half of wh"));
  KillAndRestart();  // while it writes
  JoinAgain(8);
  EXPECT_EQ(Input(), "one");
  EXPECT_EQ(*runner_.last().next_state->Size(), 0U) << "it begins anew";
  Propose("two");
  KillAndRestart();  // with the result on disk
  JoinAgain(8);
  SayStored(0);
  GiveReceipt();
  GiveVerdict(8, v1::Verdict::COUNTED);
  Give(StateTask(9, 3));
  EXPECT_EQ(Input(), "two");
}

TEST_F(SessionStateTest, PowerLossCostsNoStateThatWasSealed) {
  Join();
  Work(StateTask(7, 1), "one");
  files_.memory.PowerLoss();
  KillAndRestart();
  JoinAndHearThatItCounted(7);
  files_.memory.PowerLoss();
  KillAndRestart();
  JoinWithNothing();
  Give(StateTask(8, 2));
  EXPECT_EQ(Input(), "one");
}

TEST_F(SessionStateTest, AResultThatIsTrainedAgainProposesAgain) {
  ASSERT_NO_FATAL_FAILURE(TrainAgainAfterTheResultWasLost());
  EXPECT_EQ(Input(), "");
  Propose("one");
  GiveReceipt();
  GiveVerdict(7, v1::Verdict::COUNTED);
  Give(StateTask(8, 2));
  EXPECT_EQ(Input(), "one");
}

TEST_F(SessionStateTest, AResultThatCountsWhileItIsTrainedAgainHasItsState) {
  ASSERT_NO_FATAL_FAILURE(TrainAgainAfterTheResultWasLost());
  ASSERT_OK(runner_.last().next_state->WriteAt(0, "on"));
  KillAndRestart();
  JoinAndHearThatItCounted(7);  // it was received after all
  Give(StateTask(8, 2));
  EXPECT_EQ(Input(), "one");
}

TEST_F(SessionStateTest, AnUploadThatANewerStreamEndedIsTakenUpAgain) {
  Join();
  Give(StateTask(7, 1));
  Propose("one");
  Answer(api_.uploads, Aborted("a newer upload of this result has begun"));
  Wait(1s);
  ASSERT_EQ(api_.queries.held(), 1U);
  SayStored(0);
  GiveReceipt();
  GiveVerdict(7, v1::Verdict::COUNTED);
  Give(StateTask(8, 2));
  EXPECT_EQ(Input(), "one");
}

TEST_F(SessionStateTest, ATaskThatIsNoLongerOpenMayHaveCounted) {
  Join();
  Work(StateTask(7, 1), "one");
  KillAndRestart();
  JoinAgain(7);  // its round commits now
  Answer(api_.queries, NotFound("task 7 is not open for this site"));
  EXPECT_EQ(session_->num_tasks(), 1U);
  GiveVerdict(7, v1::Verdict::COUNTED);
  Give(StateTask(8, 2));
  EXPECT_EQ(Input(), "one");
}

TEST_F(SessionStateTest, ATaskThatIsNoLongerOpenAndHasNoVerdictIsDropped) {
  Join();
  Work(StateTask(7, 1), "one");
  KillAndRestart();
  JoinAgain(7);
  Answer(api_.queries, NotFound("task 7 is not open for this site"));
  EXPECT_THAT(api_.pulls.last().held_tasks(), ElementsAre(7));
  v1::PullTaskReply reply;
  reply.add_abandon_tasks(7);
  reply.mutable_wait();
  Answer(api_.pulls, reply);
  EXPECT_EQ(session_->num_tasks(), 0U);
  Wait(2s);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(SessionStateTest, AResultIsNotSentBeforeItsStateIsWrittenDown) {
  Join();
  Give(StateTask(7, 1));
  store_.failure = ResourceExhausted("client.db: No space left on device");
  Propose("one");
  EXPECT_EQ(api_.uploads.made(), 0U);
  Wait(3s);
  EXPECT_EQ(api_.uploads.made(), 0U);
  store_.failure = OkStatus();
  Wait(2s);
  EXPECT_EQ(api_.uploads.held(), 1U);
}

TEST_F(SessionStateTest, AVerdictIsNotConfirmedBeforeItsStateIsWrittenDown) {
  Join();
  Work(StateTask(7, 1), "one");
  store_.failure = ResourceExhausted("client.db: No space left on device");
  GiveVerdict(7, v1::Verdict::COUNTED);
  EXPECT_EQ(api_.pulls.held(), 0U) << "a call would only hear the verdict again";
  Wait(3s);
  EXPECT_EQ(api_.pulls.last().confirmed_verdicts_size(), 0);
  KillAndRestart();  // the store knows nothing of the verdict: it comes again
  store_.failure = OkStatus();
  JoinAndHearThatItCounted(7);
  EXPECT_THAT(api_.pulls.last().confirmed_verdicts(), ElementsAre(7));
  Give(StateTask(8, 2));
  EXPECT_EQ(Input(), "one");
}

TEST_F(SessionStateTest, WhenThereIsRoomAgainTheVerdictIsConfirmed) {
  Join();
  Work(StateTask(7, 1), "one");
  store_.failure = ResourceExhausted("client.db: No space left on device");
  GiveVerdict(7, v1::Verdict::COUNTED);
  store_.failure = OkStatus();
  Wait(2s);
  EXPECT_EQ(api_.pulls.held(), 1U);
  EXPECT_THAT(api_.pulls.last().confirmed_verdicts(), ElementsAre(7));
}

TEST_F(SessionStateTest, AStateThatIsGoneIsSaidAndTheTaskBeginsWithNothing) {
  Join();
  Work(StateTask(7, 1), "one");
  GiveVerdict(7, v1::Verdict::COUNTED);
  ASSERT_OK(files_.Remove("state/site-state/7.safetensors"));
  Give(StateTask(8, 2));
  EXPECT_EQ(Input(), "");
  EXPECT_THAT(diary_.lines, ::testing::Contains(HasSubstr("without what this site had kept")));
}

TEST_F(SessionStateTest, ARoundThatComesAgainAfterARestoreBeginsWithNothing) {
  Join();
  Work(StateTask(7, 5), "five");
  GiveVerdict(7, v1::Verdict::COUNTED);
  Give(StateTask(8, 4));
  EXPECT_EQ(Input(), "") << "what it has is of a history that was left";
}

TEST_F(SessionStateTest, AnotherCoordinatorAndAFinishedRunTakeTheStatesWithThem) {
  Join();
  Work(StateTask(7, 1), "one");
  GiveVerdict(7, v1::Verdict::COUNTED);
  KillAndRestart();
  v1::JoinReply other = Joined(2);
  other.set_coordinator_id("c-2");
  Answer(api_.joins, other);
  EXPECT_THAT(Files(), IsEmpty());
  Work(StateTask(3, 2), "of c-2");
  EXPECT_EQ(Input(), "");
  GiveVerdict(3, v1::Verdict::COUNTED);
  v1::PullTaskReply finished;
  finished.mutable_run_finished()->set_run_id("r-1");
  Answer(api_.pulls, finished);
  Wait(2s);
  EXPECT_THAT(Files(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const storage::ClientSnapshot snapshot, memory_store_.Load());
  EXPECT_THAT(snapshot.states, IsEmpty());
}

TEST_F(SessionStateTest, WithEachPollTheRunsAreNamedOfWhichSomethingIsKept) {
  Join();
  EXPECT_THAT(api_.pulls.last().kept_runs(), IsEmpty());
  Work(StateTask(7, 1), "one");
  GiveVerdict(7, v1::Verdict::COUNTED);
  KillAndRestart();
  Answer(api_.joins, Joined(2));
  ASSERT_EQ(api_.pulls.held(), 1U);
  EXPECT_THAT(api_.pulls.last().kept_runs(), ElementsAre("r-1"));
}

TEST_F(SessionStateTest, FilesThatNothingNamesAreRemovedAtTheStart) {
  Join();
  Work(StateTask(7, 1), "one");
  GiveVerdict(7, v1::Verdict::COUNTED);
  ASSERT_OK(files_.Open("state/site-state/5.safetensors", OpenMode::kCreate));
  KillAndRestart();
  EXPECT_THAT(Files(), ElementsAre("7.safetensors"));
}

}  // namespace
}  // namespace skerry::client
