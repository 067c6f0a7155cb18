// Bad updates: the site's call fails, the round goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "coordinator_fixture.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using skerry::testing::HasCode;
using ::testing::HasSubstr;

TEST_F(CoordinatorTest, AnUpdateOfAnotherShapeOrOrderIsRefused) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  v1::Task other = task_a;
  auto* tensors = other.mutable_result_layout()->mutable_sections(0)->mutable_tensors();
  tensors->SwapElements(0, 1);
  EXPECT_THAT(a.SubmitRaw(FakeSite::Header(other, bytes), bytes),
              Fails(Code::kInvalidArgument, HasSubstr("another layout")));
}

TEST_F(CoordinatorTest, ValuesThatAreNotNumbersOrTooLargeAreRefusedByElement) {
  BeginRun();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_THAT(
      a.Submit(task_a, {1, nan, 3}),
      Fails(Code::kInvalidArgument,
            ::testing::AllOf(HasSubstr("element 1 of tensor \"weight\""), HasSubstr("nan"))));
  EXPECT_THAT(a.Submit(task_a, {1, 2, -inf}),
              Fails(Code::kInvalidArgument, HasSubstr("tensor \"bias\"")));
  EXPECT_THAT(a.Submit(task_a, {1e30F, 2, 3}),
              Fails(Code::kInvalidArgument, HasSubstr("the limit is")));
  ASSERT_OK(a.Submit(task_a)) << "the same site may still send a good one";
}

TEST_F(CoordinatorTest, ExampleCountsBelowOneAreRefused) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  for (const int64_t count : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    EXPECT_THAT(
        a.SubmitRaw(FakeSite::Header(task_a, bytes, count), bytes),
        Fails(Code::kInvalidArgument, HasSubstr("num_examples is " + std::to_string(count))));
  }
}

TEST_F(CoordinatorTest, AChunkWithAWrongHashIsRefusedAndTheUploadGoesOnFromThere) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  ASSERT_OK_AND_ASSIGN(const auto upload, a.BeginUpload(FakeSite::Header(task_a, bytes)));
  v1::Chunk chunk = rpc::MakeChunk(0, bytes);
  (*chunk.mutable_data())[0] ^= 1;
  EXPECT_THAT(upload->Append(chunk), HasCode(Code::kDataLoss));
  ASSERT_OK(upload->Append(rpc::MakeChunk(0, bytes)));
  ASSERT_OK(a.Finish(upload));
}

TEST_F(CoordinatorTest, ChunksOutOfOrderOrCutShortAreRefused) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  ASSERT_OK_AND_ASSIGN(const auto upload, a.BeginUpload(FakeSite::Header(task_a, bytes)));
  EXPECT_THAT(upload->Append(rpc::MakeChunk(4, bytes.substr(4))), HasCode(Code::kOutOfRange));
  EXPECT_THAT(upload->Append(rpc::MakeChunk(0, bytes.substr(0, 8))),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(a.Finish(upload), HasCode(Code::kOutOfRange)) << "it ended too early";
  EXPECT_EQ(run().round_state().Count(Seat::kReported), 0);
}

TEST_F(CoordinatorTest, ChunksThatDoNotMakeTheContentHashAreRefusedAndForgotten) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  v1::ResultHeader header = FakeSite::Header(task_a, bytes);
  EXPECT_THAT(a.SubmitRaw(header, FakeSite::Bytes({1, 2, 4})), HasCode(Code::kDataLoss));
  header.set_num_examples(11);  // the hash covers the header too
  EXPECT_THAT(a.SubmitRaw(header, bytes), HasCode(Code::kDataLoss));
  ASSERT_OK(a.Submit(task_a));
}

TEST_F(CoordinatorTest, ANewerUploadOfTheSameResultTakesOver) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  ASSERT_OK_AND_ASSIGN(const auto older, a.BeginUpload(FakeSite::Header(task_a, bytes)));
  ASSERT_OK_AND_ASSIGN(const auto newer, a.BeginUpload(FakeSite::Header(task_a, bytes)));
  EXPECT_THAT(older->Append(rpc::MakeChunk(0, bytes)), HasCode(Code::kAborted));
  ASSERT_OK(newer->Append(rpc::MakeChunk(0, bytes)));
  ASSERT_OK(a.Finish(newer));
}

TEST_F(CoordinatorTest, AnUpdateOfAnotherSizeIsRefused) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3, 4});
  EXPECT_THAT(a.SubmitRaw(FakeSite::Header(task_a, bytes), bytes),
              Fails(Code::kInvalidArgument, HasSubstr("16 bytes")));
}

}  // namespace
}  // namespace skerry::coordinator
