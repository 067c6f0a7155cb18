#include "rpc/logged_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "base/memory_files.h"
#include "rpc/answer.h"
#include "testing/faulty_files.h"
#include "testing/status_matchers.h"

namespace skerry::rpc {
namespace {

using skerry::testing::DiskFailure;
using skerry::testing::HasCode;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;
using Type = CallEvent::Type;

// Answers every call as it is told to, or keeps it.
class FakeApi final : public CoordinatorApi {
 public:
  void Join(v1::JoinRequest, Callback<v1::JoinReply> done) override { Answer(done, join); }
  void PullTask(v1::PullTaskRequest, Callback<v1::PullTaskReply> done) override {
    Answer(done, pull);
  }
  void Heartbeat(v1::HeartbeatRequest, Callback<v1::HeartbeatReply> done) override {
    Answer(done, heartbeat);
  }
  void QueryUpload(v1::QueryUploadRequest, Callback<v1::QueryUploadReply> done) override {
    Answer(done, v1::QueryUploadReply());
  }
  void ReportFailure(v1::ReportFailureRequest, Callback<v1::ReportFailureReply> done) override {
    Answer(done, v1::ReportFailureReply());
  }
  void PullModel(v1::PullModelRequest, std::shared_ptr<ChunkSink>, Callback<Done> done) override {
    Answer(done, Done());
  }
  void SubmitResult(v1::SubmitResultRequest::Start, std::shared_ptr<ChunkSource>,
                    Callback<v1::SubmitResultReply> done) override {
    Answer(done, receipt);
  }

  Status status;
  bool silent = false;
  v1::JoinReply join;
  v1::PullTaskReply pull;
  v1::HeartbeatReply heartbeat;
  v1::SubmitResultReply receipt;

 private:
  template <class Reply>
  void Answer(const Callback<Reply>& done, const Reply& reply) {
    if (silent) return;
    done(status.ok() ? Result<Reply>(reply) : Result<Reply>(status));
  }
};

class LoggedApiTest : public ::testing::Test {
 protected:
  // Makes each of the seven calls; how many were answered.
  int CallAll() {
    int answers = 0;
    const auto count = [&](const auto& reply) {
      ++answers;
      EXPECT_EQ(reply.status().code(), api_.status.code()) << "the answer goes through unchanged";
    };
    logged_.Join({}, count);
    logged_.PullTask({}, count);
    logged_.Heartbeat({}, count);
    v1::QueryUploadRequest query;
    query.set_task_id(7);
    query.set_content_hash("\x01\x02");
    logged_.QueryUpload(query, count);
    v1::ReportFailureRequest failure;
    failure.set_task_id(8);
    logged_.ReportFailure(failure, count);
    logged_.PullModel({}, nullptr, count);
    Submit(count);
    return answers;
  }
  void Submit(Callback<v1::SubmitResultReply> done) {
    v1::SubmitResultRequest::Start start;
    start.mutable_header()->set_task_id(9);
    start.mutable_header()->set_content_hash("\x03\x04");
    logged_.SubmitResult(start, nullptr, std::move(done));
  }
  std::vector<CallEvent> Events() {
    auto history = ParseCallLog(*ReadFile(files_, "calls.jsonl"), "calls.jsonl");
    EXPECT_OK(history);
    EXPECT_EQ(history->missing, 0);
    return history->events;
  }
  std::vector<CallEvent> Ends() {
    std::vector<CallEvent> ends = Events();
    std::erase_if(ends, [](const CallEvent& event) { return event.type == Type::kInvoke; });
    return ends;
  }

  ManualClock clock_{WallTime{1'700'000'000'000}};
  MemoryFiles files_;
  skerry::testing::DiskFaults faults_;
  skerry::testing::FaultyFiles disk_{files_, faults_};
  std::unique_ptr<CallLog> log_ = *CallLog::Open(disk_, clock_, "calls.jsonl", CallSide::kSite);
  FakeApi api_;
  LoggedApi logged_{api_, *log_, "north"};
};

TEST_F(LoggedApiTest, EachCallHasALineWhenItBeginsAndOneWhenItEnds) {
  EXPECT_EQ(CallAll(), 7);
  const std::vector<CallEvent> events = Events();
  ASSERT_THAT(events, SizeIs(14));
  for (std::size_t i = 0; i < events.size(); i += 2) {
    EXPECT_EQ(events[i].type, Type::kInvoke);
    EXPECT_EQ(events[i + 1].type, Type::kOk);
    EXPECT_EQ(events[i].id, i / 2 + 1);
    EXPECT_EQ(events[i + 1].id, i / 2 + 1) << "the number joins them";
    EXPECT_EQ(events[i].call, events[i + 1].call);
  }
  EXPECT_THAT(events, Each(Field(&CallEvent::site, "north")));
  EXPECT_THAT(events, Each(Field(&CallEvent::side, CallSide::kSite)));
  EXPECT_EQ(events[6].call, "QueryUpload");
  EXPECT_EQ(events[6].task_id, 7);
  EXPECT_EQ(events[6].content_hash, "0102");
  EXPECT_EQ(events[8].call, "ReportFailure");
  EXPECT_EQ(events[8].task_id, 8);
  EXPECT_EQ(events[12].call, "SubmitResult");
  EXPECT_EQ(events[12].task_id, 9);
  EXPECT_EQ(events[12].content_hash, "0304");
}

TEST_F(LoggedApiTest, AResultThatComesWithAPollHasLinesOfItsOwn) {
  v1::PullTaskRequest request;
  for (const int64_t task_id : {9, 10, 11}) {
    v1::ResultHeader& header = *request.add_results()->mutable_start()->mutable_header();
    header.set_task_id(task_id);
    header.set_content_hash("\x03\x04");
  }
  v1::SubmitResultReply receipt;
  receipt.set_task_id(9);
  receipt.set_content_hash("\x03\x04");
  *api_.pull.add_answers() = AnswerTo(9, receipt);
  *api_.pull.add_answers() = AnswerTo(10, NotFound("gone"));
  int answers = 0;
  logged_.PullTask(request, [&](const Result<v1::PullTaskReply>&) { ++answers; });
  EXPECT_EQ(answers, 1);
  std::vector<CallEvent> ends = Ends();
  std::erase_if(ends, [](const CallEvent& event) { return event.call != "SubmitResult"; });
  ASSERT_THAT(ends, SizeIs(3));
  EXPECT_EQ(ends[0].type, Type::kOk);
  EXPECT_EQ(ends[0].task_id, 9);
  EXPECT_EQ(ends[0].content_hash, "0304");
  EXPECT_EQ(ends[1].type, Type::kFail);
  EXPECT_THAT(ends[1].detail, HasSubstr("gone"));
  EXPECT_EQ(ends[2].type, Type::kInfo) << "nothing was said of it";
  EXPECT_THAT(Events(), SizeIs(8));
}

TEST_F(LoggedApiTest, ARefusalEndsAsFailWithItsReason) {
  api_.status = NotFound("task 9 is not open");
  EXPECT_EQ(CallAll(), 7);
  ASSERT_THAT(Ends(), SizeIs(7));
  EXPECT_THAT(Ends(), Each(Field(&CallEvent::type, Type::kFail)));
  EXPECT_THAT(Ends(), Each(Field(&CallEvent::detail, HasSubstr("task 9 is not open"))));
}

TEST_F(LoggedApiTest, ABrokenLineEndsAsInfo) {
  api_.status = Unavailable("the connection was reset");
  EXPECT_EQ(CallAll(), 7);
  EXPECT_THAT(Ends(), Each(Field(&CallEvent::type, Type::kInfo)));
}

TEST_F(LoggedApiTest, ACallThatIsUnderWayHasOnlyItsBeginning) {
  api_.silent = true;
  EXPECT_EQ(CallAll(), 0);
  ASSERT_THAT(Events(), SizeIs(7));
  EXPECT_THAT(Events(), Each(Field(&CallEvent::type, Type::kInvoke)));
}

TEST_F(LoggedApiTest, TheEndOfACallSaysWhatTheReplySays) {
  v1::Verdict verdict;
  verdict.set_task_id(3);
  verdict.set_outcome(v1::Verdict::COUNTED);
  *api_.join.add_verdicts() = verdict;
  verdict.set_outcome(v1::Verdict::DISCARDED);
  *api_.pull.add_verdicts() = verdict;
  *api_.heartbeat.add_verdicts() = verdict;
  api_.pull.mutable_task()->set_task_id(12);
  api_.pull.mutable_task()->set_run_id("icu-1");
  api_.receipt.set_task_id(9);
  api_.receipt.set_content_hash("\x05\x06");
  CallAll();
  const std::vector<CallEvent> ends = Ends();
  EXPECT_THAT(ends[0].verdicts, ElementsAre(Pair(3, "counted")));
  EXPECT_THAT(ends[1].verdicts, ElementsAre(Pair(3, "discarded")));
  EXPECT_EQ(ends[1].task_id, 12);
  EXPECT_EQ(ends[1].run_id, "icu-1") << "which run a task is of stands nowhere else at a site";
  EXPECT_THAT(ends[2].verdicts, ElementsAre(Pair(3, "discarded")));
  EXPECT_EQ(ends[6].content_hash, "0506") << "a receipt is for what it says, not for what was sent";
}

TEST_F(LoggedApiTest, TheLineIsThereBeforeTheCallerHears) {
  Submit([&](const auto&) { EXPECT_THAT(Ends(), SizeIs(1)); });
}

TEST_F(LoggedApiTest, CallsGoOnWhenTheLogCannotBeWritten) {
  faults_.Arm(DiskFailure::kFull, 1, true);
  EXPECT_EQ(CallAll(), 7);
  faults_.Heal();
  EXPECT_EQ(CallAll(), 7);
  EXPECT_THAT(ParseCallLog(*ReadFile(files_, "calls.jsonl"), "x")->events, SizeIs(14));
  EXPECT_EQ(ParseCallLog(*ReadFile(files_, "calls.jsonl"), "x")->missing, 14);
}

}  // namespace
}  // namespace skerry::rpc
