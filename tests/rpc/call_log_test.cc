#include "rpc/call_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "base/memory_files.h"
#include "testing/faulty_files.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::rpc {
namespace {

using skerry::testing::DiskFailure;
using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

CallEvent Receipt(int64_t task_id) {
  CallEvent event;
  event.type = CallEvent::Type::kOk;
  event.site = "north";
  event.call = "SubmitResult";
  event.id = 3;
  event.task_id = task_id;
  event.content_hash = "00ff";
  return event;
}

class CallLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<CallLog> Open(Files& files, CallSide side = CallSide::kSite) {
    auto log = CallLog::Open(files, clock_, "calls.jsonl", side);
    EXPECT_OK(log);
    return *std::move(log);
  }
  std::string Text() { return ReadFile(files_, "calls.jsonl").value(); }
  CallHistory Read() {
    auto history = ParseCallLog(Text(), "calls.jsonl");
    EXPECT_OK(history);
    return history.ok() ? *history : CallHistory();
  }
  void CutOff(uint64_t bytes) {
    auto file = files_.Open("calls.jsonl", OpenMode::kReadWrite);
    ASSERT_OK(file);
    ASSERT_OK((*file)->Truncate(Text().size() - bytes));
  }

  ManualClock clock_{WallTime{1'700'000'000'000}};
  MemoryFiles files_;
};

TEST_F(CallLogTest, ALineIsReadBackAsItWasWritten) {
  CallEvent event = Receipt(7);
  event.run_id = "icu-1";
  event.verdicts = {{5, "counted"}, {6, "discarded"}};
  event.detail = "a \"quoted\"\nword and bytes that are no text: \xff";
  Open(files_, CallSide::kCoordinator)->Write(event);
  const CallHistory history = Read();
  ASSERT_THAT(history.events, SizeIs(1));
  const CallEvent& read = history.events.front();
  EXPECT_EQ(read.type, CallEvent::Type::kOk);
  EXPECT_EQ(read.side, CallSide::kCoordinator);
  EXPECT_EQ(read.line, 1U);
  EXPECT_EQ(read.site, "north");
  EXPECT_EQ(read.call, "SubmitResult");
  EXPECT_EQ(read.id, 3U);
  EXPECT_EQ(read.task_id, 7);
  EXPECT_EQ(read.run_id, "icu-1");
  EXPECT_EQ(read.content_hash, "00ff");
  EXPECT_EQ(read.verdicts, event.verdicts);
  EXPECT_THAT(read.detail, HasSubstr("a \"quoted\"\nword"));
  EXPECT_EQ(history.missing, 0);
  const std::string text = Text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << "one line whatever it says";
}

TEST_F(CallLogTest, EveryTypeHasItsWord) {
  const auto log = Open(files_);
  for (const auto type : {CallEvent::Type::kInvoke, CallEvent::Type::kOk, CallEvent::Type::kFail,
                          CallEvent::Type::kInfo}) {
    CallEvent event = Receipt(1);
    event.type = type;
    log->Write(event);
  }
  EXPECT_THAT(Text(), AllOf(HasSubstr("\"type\":\"invoke\""), HasSubstr("\"type\":\"ok\""),
                            HasSubstr("\"type\":\"fail\""), HasSubstr("\"type\":\"info\"")));
  EXPECT_EQ(Read().events[3].type, CallEvent::Type::kInfo);
}

TEST_F(CallLogTest, ARefusalIsAFailureAndSilenceIsNeither) {
  EXPECT_EQ(TypeOf(OkStatus()), CallEvent::Type::kOk);
  EXPECT_EQ(TypeOf(InvalidArgument("")), CallEvent::Type::kFail);
  EXPECT_EQ(TypeOf(NotFound("")), CallEvent::Type::kFail);
  EXPECT_EQ(TypeOf(Unavailable("")), CallEvent::Type::kInfo);
  EXPECT_EQ(TypeOf(DeadlineExceeded("")), CallEvent::Type::kInfo);
  EXPECT_EQ(TypeOf(Internal("")), CallEvent::Type::kInfo) << "it may have had its effect";
}

TEST_F(CallLogTest, TheNextProcessGoesOnBehindTheLast) {
  Open(files_)->Write(Receipt(1));
  Open(files_)->Write(Receipt(2));
  const CallHistory history = Read();
  ASSERT_THAT(history.events, SizeIs(2));
  EXPECT_EQ(history.events[1].task_id, 2);
  EXPECT_EQ(history.events[1].line, 1U) << "each process counts from 1";
  EXPECT_EQ(history.missing, 0);
}

TEST_F(CallLogTest, ALineThatWasCutOffIsLeftOutAndCounted) {
  Open(files_)->Write(Receipt(1));
  Open(files_)->Write(Receipt(2));
  CutOff(20);
  EXPECT_THAT(Read().events, SizeIs(1));
  EXPECT_EQ(Read().missing, 1);
  Open(files_)->Write(Receipt(3));
  const CallHistory history = Read();
  ASSERT_THAT(history.events, SizeIs(2));
  EXPECT_EQ(history.events[1].task_id, 3) << "the next process ends the line first";
  EXPECT_EQ(history.missing, 1);
}

TEST_F(CallLogTest, ACutAnywhereLosesNoOtherLine) {
  Open(files_)->Write(Receipt(1));
  const std::size_t first = Text().size();
  Open(files_)->Write(Receipt(2));
  const std::string whole = Text();
  for (std::size_t size = first; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    const auto history = ParseCallLog(whole.substr(0, size), "x");
    ASSERT_OK(history);
    // All but its end is a whole line.
    EXPECT_EQ(history->events.size() + static_cast<std::size_t>(history->missing),
              size == first ? 1U : 2U);
    EXPECT_OK(ParseCallLog(whole.substr(0, size) + "\n" + whole, "x")) << "ended by the next";
  }
}

TEST_F(CallLogTest, LinesWithGapsBetweenTheirNumbersAreCounted) {
  const auto log = Open(files_);
  for (int64_t task = 1; task <= 5; ++task) log->Write(Receipt(task));
  std::string text = Text();
  const auto remove_line = [&](int64_t task) {
    const std::size_t at = text.find("\"task\":" + std::to_string(task));
    const std::size_t begin = text.rfind('\n', at) + 1;
    text.erase(begin, text.find('\n', at) + 1 - begin);
  };
  remove_line(2);
  remove_line(3);
  EXPECT_EQ(ParseCallLog(text, "x")->missing, 2);
  remove_line(1);
  EXPECT_EQ(ParseCallLog(text, "x")->missing, 3) << "also at the beginning";
}

TEST_F(CallLogTest, WhatIsNoCallLogIsRefusedByItsLine) {
  EXPECT_THAT(ParseCallLog("\nhello\n", "north.jsonl"),
              Fails(Code::kInvalidArgument, HasSubstr("north.jsonl:2")));
  EXPECT_THAT(ParseCallLog("{\"type\":\"sideways\"}\n", "x"),
              Fails(Code::kInvalidArgument, HasSubstr("there is no type \"sideways\"")));
  EXPECT_THAT(ParseCallLog("{\"type\":\"ok\",\"id\":\"three\"}\n", "x"),
              Fails(Code::kInvalidArgument, HasSubstr("x:1")));
  EXPECT_THAT(ParseCallLog("", "x")->events, IsEmpty());
}

TEST_F(CallLogTest, ADiskWithoutRoomCostsLinesAndTheNumbersSayHowMany) {
  skerry::testing::DiskFaults faults;
  skerry::testing::FaultyFiles disk(files_, faults);
  const auto log = Open(disk);
  log->Write(Receipt(1));
  faults.Arm(DiskFailure::kFull, 1, true);
  log->Write(Receipt(2));
  log->Write(Receipt(3));
  EXPECT_EQ(Read().events.size(), 1U) << "half a line may be there meanwhile";
  faults.Heal();
  log->Write(Receipt(4));
  const CallHistory history = Read();
  ASSERT_THAT(history.events, SizeIs(2));
  EXPECT_EQ(history.events[1].task_id, 4);
  EXPECT_EQ(history.missing, 2);
}

TEST_F(CallLogTest, ADiskThatFailsWhollyStopsNobody) {
  skerry::testing::DiskFaults faults;
  skerry::testing::FaultyFiles disk(files_, faults);
  const auto log = Open(disk);
  log->Write(Receipt(1));
  faults.Arm(DiskFailure::kBroken, 1, true);  // the half of a line cannot be taken back either
  CallEvent longer = Receipt(2);
  longer.detail = std::string(500, 'x');
  log->Write(longer);
  faults.Heal();
  log->Write(Receipt(3));
  const CallHistory history = Read();
  ASSERT_THAT(history.events, SizeIs(2));
  EXPECT_EQ(history.missing, 1);
  EXPECT_EQ(history.events[1].task_id, 3);
}

using CallLogDeathTest = CallLogTest;

TEST_F(CallLogDeathTest, AProcessThatIsKilledLosesNoLineThatWasWritten) {
  const skerry::testing::TempDir dir;
  PosixFiles files;
  EXPECT_EXIT(
      {
        auto log = CallLog::Open(files, clock_, dir.File("calls.jsonl"), CallSide::kSite);
        for (int64_t task = 1; task <= 100; ++task) (*log)->Write(Receipt(task));
        ::raise(SIGKILL);
      },
      ::testing::KilledBySignal(SIGKILL), "");
  const auto history = ParseCallLog(*ReadFile(files, dir.File("calls.jsonl")), "x");
  ASSERT_OK(history);
  EXPECT_THAT(history->events, SizeIs(100));
  EXPECT_EQ(history->missing, 0);
}

}  // namespace
}  // namespace skerry::rpc
