#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "client/session.h"
#include "fake_coordinator.h"
#include "session_fakes.h"
#include "storage/memory_client_store.h"
#include "testing/status_matchers.h"

namespace skerry::client {

// A session over memory, and a clock that is moved by hand. Between two steps of a test the session
// has done all that is due.
class SessionTest : public ::testing::Test {
 protected:
  SessionTest();

  // A process begins: over whatever the store and the files have.
  void Start();
  // So long that it has written down what can wait, and says that it is at work.
  void WaitAMoment() { Wait(1200ms); }
  // kill -9, then a new process. Calls that are under way are heard of no more.
  void KillAndRestart();
  // Does what is due now.
  void Step();
  // Lets time pass, and does what becomes due in it.
  void Wait(Duration time);

  // ---- What the coordinator says ----
  template <class Calls, class Reply>
  void Answer(Calls& calls, Reply reply) {
    calls.AnswerLast(std::move(reply));
    Step();
  }
  // The answer to a Join: session `epoch` of the coordinator "c-1", and what to do about held
  // tasks.
  static v1::JoinReply Joined(uint64_t epoch = 1);
  static v1::JoinReply Joined(uint64_t epoch, int64_t task_id, v1::JoinReply::Instruction what);
  void Join() { Answer(api_.joins, Joined()); }
  void Give(const v1::Task& task);
  void GiveVerdict(int64_t task_id, v1::Verdict::Outcome outcome, const std::string& reason = "");
  // Answers the newest upload with its receipt.
  void GiveReceipt();
  // Answers the newest query.
  void SayStored(uint64_t offset);

  // ---- Tasks ----
  // Training of round 1 of run "r-1" with `num_elements` floats as its result, and no model.
  static v1::Task NewTask(int64_t task_id = 7, int64_t num_elements = 3);
  static constexpr int64_t kInAFile = 20'000;  // floats: too many for memory and the store
  static v1::ModelRef NewModel(const std::string& bytes);
  // What a trainer makes of a task, always the same.
  static std::string ResultOf(const v1::Task& task);
  void FinishTraining();
  // The session has joined and trained `task`, and its upload is under way; or has its receipt.
  void BringToUpload(const v1::Task& task = NewTask());
  void BringToReceipt(const v1::Task& task = NewTask());

  // The bytes of an upload, from the offset that it names; the chunks are checked.
  static std::string BytesOf(const UploadCall& upload);
  // Puts the bytes of `file` from the offset of the newest download on into its sink.
  Status Deliver(const std::string& file);

  ManualClock clock_;
  FailingDisk files_;
  storage::MemoryClientStore memory_store_;
  FailingStore store_{memory_store_};
  FakeCoordinator api_;
  FakeRunner runner_;
  Diary diary_;
  SessionOptions options_;
  std::unique_ptr<Session> session_;
  std::optional<Timestamp> next_;  // when the session wants to be called again
};

}  // namespace skerry::client
