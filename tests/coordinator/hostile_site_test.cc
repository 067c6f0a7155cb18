// A site that does not keep to the rules gets nothing counted that was not checked, destroys
// nothing that was received, and holds up nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "harness.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using skerry::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::Le;

class HostileSiteTest : public ::testing::Test {
 protected:
  HostileSiteTest() {
    h.Submit({});
    EXPECT_OK(a.Join());
    EXPECT_OK(b.Join());
    task_a = a.Take();
    task_b = b.Take();
  }

  const coordinator::Run& run() { return *h.coordinator->FindRun("t-1"); }
  Status Query(const v1::ResultHeader& header) {
    v1::QueryUploadRequest request;
    request.set_epoch(a.epoch());
    request.set_task_id(header.task_id());
    request.set_content_hash(header.content_hash());
    return h
        .Call<v1::QueryUploadReply>(
            [&](auto done) { h.coordinator->QueryUpload("a", request, std::move(done)); })
        .status();
  }
  // Parameters of the newest model.
  std::vector<float> Model() {
    v1::ExportModelRequest request;
    request.set_run_id("t-1");
    request.set_version(-1);
    auto model = h.Call<Coordinator::ExportedModel>(
        [&](auto done) { h.coordinator->ExportModel(request, std::move(done)); });
    EXPECT_OK(model);
    const auto chunk = model->chunks->Next();
    std::vector<float> parameters(3);
    const std::string& bytes = (*chunk)->data();
    std::memcpy(parameters.data(), bytes.data() + bytes.size() - 12, 12);
    return parameters;
  }

  Harness h;
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
  v1::Task task_a;
  v1::Task task_b;
};

// Both streams are open before either has ended.
TEST_F(HostileSiteTest, BytesThatCameBesideACheckedResultAreNotCounted) {
  const std::string good = FakeSite::Bytes({1, 2, 3});
  const std::string bad = FakeSite::Bytes({1, std::numeric_limits<float>::quiet_NaN(), 3});
  ASSERT_OK_AND_ASSIGN(const auto first, a.BeginUpload(FakeSite::Header(task_a, good)));
  ASSERT_OK(first->Append(rpc::MakeChunk(0, good)));
  ASSERT_OK_AND_ASSIGN(const auto second, a.BeginUpload(FakeSite::Header(task_a, bad)));
  ASSERT_OK(second->Append(rpc::MakeChunk(0, bad)));
  EXPECT_THAT(a.Finish(first), HasCode(Code::kAborted));
  EXPECT_EQ(run().round_state().Count(Seat::kReported), 0);
  EXPECT_THAT(a.Finish(second), Fails(Code::kInvalidArgument, HasSubstr("is nan")));
  ASSERT_OK(a.Submit(task_a, {1, 2, 3}));
  ASSERT_OK(b.Submit(task_b, {1, 2, 3}));
  EXPECT_EQ(run().last_committed_round(), 1);
  EXPECT_EQ(Model(), (std::vector<float>{1, 2, 3}));
}

TEST_F(HostileSiteTest, AStreamOfTheSameResultThatBeganMeanwhileMayNotChangeWhatWasChecked) {
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  ASSERT_OK_AND_ASSIGN(const auto first, a.BeginUpload(FakeSite::Header(task_a, bytes)));
  ASSERT_OK(first->Append(rpc::MakeChunk(0, bytes)));
  ASSERT_OK(a.Finish(first));
  EXPECT_THAT(first->Append(rpc::MakeChunk(0, bytes)), HasCode(Code::kAborted))
      << "what counts takes no more bytes";
}

TEST_F(HostileSiteTest, AskingForAnotherResultDestroysNothingThatIsHere) {
  ASSERT_OK(a.Submit(task_a, {1, 2, 3}));
  EXPECT_THAT(Query(FakeSite::Header(task_a, FakeSite::Bytes({9, 9, 9}))),
              Fails(Code::kAlreadyExists, HasSubstr("first one counts")));
  ASSERT_OK(b.Submit(task_b, {1, 2, 3}));
  EXPECT_EQ(run().last_committed_round(), 1) << "nothing had to be sent again";
}

TEST_F(HostileSiteTest, AskingForAnotherResultLeavesAnUploadUnderWayAsItIs) {
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  ASSERT_OK_AND_ASSIGN(const auto upload, a.BeginUpload(FakeSite::Header(task_a, bytes)));
  ASSERT_OK(upload->Append(rpc::MakeChunk(0, bytes)));
  ASSERT_OK(Query(FakeSite::Header(task_a, FakeSite::Bytes({9, 9, 9}))));
  ASSERT_OK(a.Finish(upload));
}

TEST_F(HostileSiteTest, ALossThatASiteReportsAfterItsResultDoesNotHoldUpTheRound) {
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(a.Fail(task_a, DataLoss("gone")));
  EXPECT_EQ(run().round_state().Count(Seat::kReported), 1);
  ASSERT_OK(b.Submit(task_b));
  EXPECT_EQ(run().last_committed_round(), 1);
}

TEST_F(HostileSiteTest, WhatASiteSaysIsCutToWhatAPersonReads) {
  // Of two bytes each: a cut in the middle of one would be no text.
  std::string long_text;
  for (int i = 0; i < 1'000'000; ++i) long_text += "\u00e4";
  v1::JoinRequest request;
  request.set_version(long_text);
  request.set_protocol(rpc::kProtocolVersion);
  for (int i = 0; i < 1000; ++i) request.add_data_sources(long_text.substr(0, 20'000));
  ASSERT_OK(h.Call<v1::JoinReply>(
      [&](auto done) { h.coordinator->Join("c", request, std::move(done)); }));
  ASSERT_OK(b.Fail(task_b, InvalidArgument(long_text)));
  const auto sites =
      h.Call<v1::ListSitesReply>([&](auto done) { h.coordinator->ListSites(std::move(done)); });
  ASSERT_OK(sites);
  EXPECT_THAT(sites->ByteSizeLong(), Le(20'000U));
  EXPECT_THAT(h.Show("t-1").ByteSizeLong(), Le(20'000U));
  v1::ShowRunReply read;
  EXPECT_TRUE(read.ParseFromString(h.Show("t-1").SerializeAsString()));
}

TEST_F(HostileSiteTest, TroubleIsCutBetweenLetters) {
  v1::HeartbeatRequest request;
  request.set_epoch(a.epoch());
  v1::Progress& progress = *request.add_progress();
  progress.set_task_id(task_a.task_id());
  std::string trouble = "x";
  for (int i = 0; i < 5000; ++i) trouble += "\u00e4";
  progress.set_trouble(trouble);
  h.Begin<v1::HeartbeatReply>(
      [&](auto done) { h.coordinator->Heartbeat("a", 99, request, std::move(done)); });
  v1::ShowRunReply read;
  EXPECT_TRUE(read.ParseFromString(h.Show("t-1").SerializeAsString()));
}

}  // namespace
}  // namespace skerry::coordinator
