#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/files.h"
#include "base/memory_files.h"
#include "rpc/call_log.h"
#include "testing/each_call.h"

// Every call to the disk fails in turn while a file is published, and while calls are logged.
namespace skerry {
namespace {

using testing::DiskFailure;

class OtherFilesTest : public ::testing::TestWithParam<testing::Failing> {
 protected:
  void Arm(int64_t k) { faults_.Arm(std::get<0>(GetParam()), k, std::get<1>(GetParam())); }

  MemoryFiles files_;
  testing::DiskFaults faults_;
  testing::FaultyFiles disk_{files_, faults_};
};

TEST_P(OtherFilesTest, APublishedFileIsTheOldOneOrTheNew) {
  ASSERT_OK(files_.MakeDirectories("out"));
  const int64_t num_calls = testing::FailEachCall(faults_, [&](int64_t k) {
    ASSERT_OK(PublishFile(files_, "out/f", "old"));
    Arm(k);
    const Status status = PublishFile(disk_, "out/f", "new contents");
    faults_.Heal();
    const std::string found = ReadFile(files_, "out/f").value();
    if (status.ok()) {
      EXPECT_EQ(found, "new contents");
      return;
    }
    const bool is_there = faults_.first_path() == "out";  // its name could not be synced
    EXPECT_EQ(found, is_there ? "new contents" : "old");
    testing::ExpectTold(status, GetParam(), faults_);
    const bool cannot_remove = GetParam() == testing::Failing{DiskFailure::kBroken, true};
    EXPECT_TRUE(cannot_remove || files_.List("out")->size() == 1) << "it gives its room back";
    EXPECT_OK(PublishFile(disk_, "out/f", "new contents"));
  });
  EXPECT_GE(num_calls, 2);
}

// Three processes, one after the other; between the first and the second a line was cut off.
TEST_P(OtherFilesTest, ACallLogCostsNoCallAndIsReadableWhateverItLacks) {
  ManualClock clock(WallTime{1'700'000'000'000});
  constexpr int kLines = 4;
  const auto log_calls = [&](Files& files) -> Status {
    SKERRY_ASSIGN_OR_RETURN(const auto log,
                            rpc::CallLog::Open(files, clock, "calls.jsonl", rpc::CallSide::kSite));
    for (int i = 0; i < kLines; ++i) log->Write({});
    return OkStatus();
  };
  const int64_t num_calls = testing::FailEachCall(faults_, [&](int64_t k) {
    ASSERT_OK(files_.Remove("calls.jsonl"));
    ASSERT_OK(log_calls(files_));
    ASSERT_OK_AND_ASSIGN(const auto file, files_.Open("calls.jsonl", OpenMode::kReadWrite));
    ASSERT_OK(file->Truncate(file->Size().value() - 20));
    Arm(k);
    const Status second = log_calls(disk_);
    faults_.Heal();
    if (!second.ok()) testing::ExpectTold(second, GetParam(), faults_);
    ASSERT_OK(log_calls(disk_));
    ASSERT_OK_AND_ASSIGN(const auto history,
                         rpc::ParseCallLog(*ReadFile(files_, "calls.jsonl"), "calls.jsonl"));
    EXPECT_GE(history.missing, 1);
    EXPECT_GE(history.events.size(), static_cast<std::size_t>(2 * kLines - 1));
    EXPECT_TRUE(faults_.hit() || history.events.size() == 3 * kLines - 1);
  });
  // A log is not synced.
  EXPECT_EQ(num_calls > kLines, std::get<0>(GetParam()) != DiskFailure::kSync);
}

INSTANTIATE_TEST_SUITE_P(EveryCall, OtherFilesTest, testing::EveryFailing(), testing::NameOf);

}  // namespace
}  // namespace skerry
