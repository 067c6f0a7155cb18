#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "harness.h"
#include "testing/status_matchers.h"

// Versions of an asynchronous run that are damaged on the disk while sites are at work on them.
namespace skerry::coordinator {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

class AsyncDamageTest : public ::testing::Test {
 protected:
  void Begin(const std::string& training) {
    for (FakeSite* site : {&a_, &b_, &c_}) ASSERT_OK(site->Join());
    RunFile file;
    file.rounds = 9;
    file.participation = "sites = [\"a\", \"b\", \"c\"]";
    file.training = training;
    ASSERT_EQ(h_.Submit(file), "t-1");
    a1_ = a_.Take();
    c1_ = c_.Take();
  }
  // Changes the last byte of a version; the same again changes it back.
  void Flip(int version) {
    const std::string path = "state/runs/t-1/model-" + std::to_string(version) + ".safetensors";
    ASSERT_OK_AND_ASSIGN(const auto file, h_.files.Open(path, OpenMode::kReadWrite));
    ASSERT_OK_AND_ASSIGN(const uint64_t size, file->Size());
    std::string byte(1, '\0');
    ASSERT_OK(file->ReadAt(size - 1, byte));
    byte[0] = static_cast<char>(byte[0] ^ 0x10);
    ASSERT_OK(file->WriteAt(size - 1, byte));
  }
  void HearVerdict(FakeSite& site, const v1::Task& task) {
    const auto pull = site.Pull({task.task_id()});
    ASSERT_TRUE(pull->has_value());
    ASSERT_OK(**pull);
    site.confirm_ = {task.task_id()};
  }
  v1::RunSummary Shown() { return h_.Show("t-1").run(); }
  std::vector<storage::EventRecord> Events() {
    auto events = h_.journal.Events("t-1", 1000);
    EXPECT_TRUE(events.ok());
    return events.ok() ? *std::move(events) : std::vector<storage::EventRecord>();
  }

  Harness h_{0};
  FakeSite a_{h_, "a"};
  FakeSite b_{h_, "b"};
  FakeSite c_{h_, "c"};
  v1::Task a1_;
  v1::Task c1_;
};

TEST_F(AsyncDamageTest, ASiteThatCannotGetAnOldVersionBeginsWithTheNextAndTheRunGoesOn) {
  Begin("strategy = \"fedbuff\"\nasync = { buffer = 1 }\n");
  ASSERT_OK(a_.Submit(a1_));
  HearVerdict(a_, a1_);
  Flip(0);
  ASSERT_OK(c_.Fail(c1_, DataLoss("the bytes received do not make the hash")));
  EXPECT_EQ(Shown().state(), "running") << Shown().reason();
  EXPECT_THAT(Events(), Contains(AllOf(Field(&storage::EventRecord::code, "task_failed"),
                                       Field(&storage::EventRecord::message,
                                             HasSubstr("model-0.safetensors is damaged")))));
  ASSERT_OK(a_.Submit(a_.Take()));
  EXPECT_EQ(Shown().model_version(), 2);
  EXPECT_EQ(c_.Take().model().version(), 2);
}

TEST_F(AsyncDamageTest, TheNewestVersionIsNeededByEverybodySoTheRunPauses) {
  Begin("strategy = \"fedbuff\"\nasync = { buffer = 1 }\n");
  Flip(0);
  ASSERT_OK(c_.Fail(c1_, DataLoss("the bytes received do not make the hash")));
  EXPECT_EQ(Shown().state(), "paused");
  EXPECT_THAT(Shown().reason(), HasSubstr("model-0.safetensors is damaged"));
}

TEST_F(AsyncDamageTest, AnUpdateWhoseOldVersionIsNeededAndDamagedIsDroppedAndItsSiteBeginsAnew) {
  Begin("strategy = \"fedasync\"\nasync = { mixing = 0.6 }\n");
  ASSERT_OK(a_.Submit(a1_));
  HearVerdict(a_, a1_);
  Flip(0);
  ASSERT_OK(c_.Submit(c1_, {4, 5, 6}));
  EXPECT_EQ(Shown().state(), "running") << Shown().reason();
  EXPECT_EQ(Shown().model_version(), 1);
  const auto pull = c_.Pull({c1_.task_id()});
  ASSERT_TRUE(pull->has_value());
  ASSERT_OK(**pull);
  EXPECT_THAT((**pull)->abandon_tasks(), Contains(c1_.task_id()));
  ASSERT_OK(a_.Submit(a_.Take()));
  EXPECT_EQ(Shown().model_version(), 2);
  EXPECT_EQ(c_.Take().model().version(), 2);
}

TEST_F(AsyncDamageTest, ADroppedUpdateStaysDroppedWhenTheCoordinatorIsKilled) {
  Begin("strategy = \"fedasync\"\nasync = { mixing = 0.6 }\n");
  ASSERT_OK(a_.Submit(a1_));
  Flip(0);
  ASSERT_OK(c_.Submit(c1_, {4, 5, 6}));
  h_.Restart();
  EXPECT_EQ(Shown().state(), "running") << Shown().reason();
  ASSERT_OK(a_.Join());
  ASSERT_OK(c_.Join({Held(c1_.task_id(), v1::HeldTask::SUBMITTED)}));
  a_.confirm_ = {a1_.task_id()};
  ASSERT_OK(a_.Submit(a_.Take()));
  EXPECT_EQ(Shown().model_version(), 2);
}

TEST_F(AsyncDamageTest, WhatASiteReportsWhileAVersionIsMadeNeitherPausesTheRunNorResumesIt) {
  Begin("strategy = \"fedbuff\"\nasync = { buffer = 1 }\n");
  v1::ReportFailureRequest lost;
  lost.set_epoch(c_.epoch());
  lost.set_task_id(c1_.task_id());
  lost.set_code(static_cast<uint32_t>(Code::kDataLoss));
  const v1::SubmitSmallResultRequest result = a_.SmallResult(a1_, {1, 2, 3});
  h_.coordinator->SubmitSmallResult("a", result, [](const auto& reply) { EXPECT_OK(reply); });
  Flip(0);
  h_.coordinator->ReportFailure("c", lost, [](const auto& reply) { EXPECT_OK(reply); });
  Flip(0);
  h_.Settle();
  EXPECT_EQ(Shown().model_version(), 1);
  EXPECT_EQ(Shown().state(), "running");
  EXPECT_THAT(Events(), Not(Contains(Field(&storage::EventRecord::code, "run_resumed"))));
  EXPECT_EQ(c_.Take().model().version(), 1);
}

}  // namespace
}  // namespace skerry::coordinator
