// Results that come with the poll for the next task.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "harness.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class PollResultsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RunFile file;
    file.rounds = 2;
    h.Submit(file);
    ASSERT_OK(a.Join());
    ASSERT_OK(b.Join());
    task_a = a.Take();
    task_b = b.Take();
  }
  int64_t Committed() { return h.coordinator->FindRun("t-1")->last_committed_round(); }
  static uint32_t CodeOf(Code code) { return static_cast<uint32_t>(code); }

  Harness h;
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
  v1::Task task_a;
  v1::Task task_b;
};

TEST_F(PollResultsTest, OneCallBringsAResultAndGetsReceiptVerdictAndTheNextTask) {
  const auto first = a.PullWith(task_a, {1, 2, 3});
  EXPECT_FALSE(first->has_value()) << "there is nothing to say before the round closes";
  const auto second = b.PullWith(task_b, {1, 2, 3});
  EXPECT_EQ(Committed(), 1);
  for (const auto& pull : {first, second}) {
    ASSERT_TRUE(pull->has_value());
    ASSERT_OK(**pull);
    const v1::PullTaskReply& reply = ***pull;
    ASSERT_THAT(reply.answers(), SizeIs(1));
    EXPECT_EQ(reply.answers(0).code(), 0U);
    EXPECT_FALSE(reply.answers(0).content_hash().empty());
    ASSERT_THAT(reply.verdicts(), SizeIs(1));
    EXPECT_EQ(reply.verdicts(0).outcome(), v1::Verdict::COUNTED);
    EXPECT_EQ(reply.verdicts(0).task_id(), reply.answers(0).task_id());
    EXPECT_EQ(reply.task().round(), task_a.round() + 1);
  }
}

TEST_F(PollResultsTest, ARefusalIsToldAtOnce) {
  const auto pull = a.PullWith(task_a, {1, std::numeric_limits<float>::quiet_NaN(), 3});
  ASSERT_TRUE(pull->has_value());
  ASSERT_OK(**pull);
  ASSERT_THAT((**pull)->answers(), SizeIs(1));
  EXPECT_EQ((**pull)->answers(0).task_id(), task_a.task_id());
  EXPECT_EQ((**pull)->answers(0).code(), CodeOf(Code::kInvalidArgument));
  EXPECT_THAT((**pull)->answers(0).message(), HasSubstr("element 1"));
}

TEST_F(PollResultsTest, ARepeatGetsItsReceiptAgainAndAnotherResultDoesNot) {
  const auto lost = a.PullWith(task_a, {1, 2, 3});
  a.Break();
  const auto again = a.PullWith(task_a, {1, 2, 3});
  EXPECT_FALSE(again->has_value());
  const auto other = a.PullWith(task_a, {4, 5, 6});
  ASSERT_TRUE(other->has_value());
  ASSERT_OK(**other);
  ASSERT_THAT((**other)->answers(), SizeIs(1));
  EXPECT_EQ((**other)->answers(0).code(), CodeOf(Code::kAlreadyExists));
  EXPECT_FALSE(lost->has_value());
}

TEST_F(PollResultsTest, AnAnswerBelongsToThePollThatBroughtTheResult) {
  const auto pull = a.PullWith(task_a, {1, 2, 3});
  const auto next = a.Pull({task_a.task_id()});
  ASSERT_TRUE(pull->has_value());
  EXPECT_THAT(**pull, HasCode(Code::kUnavailable));
  ASSERT_OK(b.SubmitSmall(task_b, {1, 2, 3}));
  ASSERT_TRUE(next->has_value());
  ASSERT_OK(**next);
  EXPECT_THAT((**next)->answers(), SizeIs(0));
  EXPECT_THAT((**next)->verdicts(), SizeIs(1));
}

TEST_F(PollResultsTest, AReceiptIsGivenWhenTheHoldIsOver) {
  const auto pull = a.PullWith(task_a, {1, 2, 3});
  h.Wait(23s);
  ASSERT_TRUE(pull->has_value());
  ASSERT_OK(**pull);
  EXPECT_TRUE((**pull)->has_wait());
  ASSERT_THAT((**pull)->answers(), SizeIs(1));
  EXPECT_EQ((**pull)->answers(0).code(), 0U);
}

TEST_F(PollResultsTest, APollWithoutASessionBringsNothing) {
  FakeSite stranger{h, "a"};  // which has not joined
  const auto pull = stranger.PullWith(task_a, {1, 2, 3});
  ASSERT_TRUE(pull->has_value());
  EXPECT_THAT(**pull, HasCode(Code::kFailedPrecondition));
  ASSERT_OK(b.SubmitSmall(task_b, {1, 2, 3}));
  EXPECT_LT(Committed(), 1);
}

TEST_F(PollResultsTest, WhatClosesASmallRoundIsInOneCommitWithItsModelAndTheNextTasks) {
  const auto first = a.PullWith(task_a, {1, 2, 3});
  const int before = h.commits.num_commits;
  const auto second = b.PullWith(task_b, {1, 2, 3});
  ASSERT_TRUE(second->has_value());
  EXPECT_EQ((**second)->task().round(), task_b.round() + 1);
  EXPECT_EQ(h.commits.num_commits, before + 1);
  EXPECT_TRUE(first->has_value());
}

TEST_F(PollResultsTest, AResultThatCameWithAPollCountsAfterAKill) {
  const auto pull = a.PullWith(task_a, {1, 2, 3});
  h.Restart();
  v1::HeldTask held;
  held.set_task_id(task_a.task_id());
  held.set_state(v1::HeldTask::FINISHED);
  ASSERT_OK(a.Join({held}));
  held.set_task_id(task_b.task_id());
  ASSERT_OK(b.Join({held}));
  ASSERT_OK(b.SubmitSmall(task_b, {1, 2, 3}));
  EXPECT_EQ(Committed(), 1);
}

TEST_F(PollResultsTest, MoreResultsThanASiteCanHaveInHandAreRefusedUnread) {
  v1::PullTaskRequest request;
  for (int i = 0; i < 257; ++i) *request.add_results() = a.SmallResult(task_a, {1, 2, 3});
  const auto pull = a.Poll(request, {task_a.task_id()});
  ASSERT_TRUE(pull->has_value());
  EXPECT_THAT(**pull, HasCode(Code::kInvalidArgument));
  request.mutable_results()->RemoveLast();
  EXPECT_FALSE(a.Poll(request, {task_a.task_id()})->has_value());
}

TEST_F(PollResultsTest, ALargeResultDoesNotPassForASmallOne) {
  const std::string bytes(rpc::kSmallResultBytes + 1, 'x');
  v1::PullTaskRequest request;
  v1::SubmitSmallResultRequest& result = *request.add_results();
  result.mutable_start()->set_epoch(a.epoch());
  *result.mutable_start()->mutable_header() = FakeSite::Header(task_a, bytes);
  result.set_contents(bytes);
  const auto pull = a.Poll(request, {task_a.task_id()});
  ASSERT_TRUE(pull->has_value());
  ASSERT_OK(**pull);
  ASSERT_THAT((**pull)->answers(), SizeIs(1));
  EXPECT_EQ((**pull)->answers(0).code(), CodeOf(Code::kOutOfRange));
}

}  // namespace
}  // namespace skerry::coordinator
