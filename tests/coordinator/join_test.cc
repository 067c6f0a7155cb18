// Who has a site's session, when calls to Join are lost, come twice, late, or from the dead.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::Pair;

constexpr uint32_t kOld = 17;
constexpr uint32_t kNew = 99;

class JoinTest : public ::testing::Test {
 protected:
  struct Caller {
    uint32_t process;
    uint64_t epoch = 0;
    uint64_t calls = 0;
    uint64_t ticket = 0;
  };

  static v1::JoinRequest NextRequest(Caller& caller) {
    v1::JoinRequest request;
    request.set_protocol(rpc::kProtocolVersion);
    request.set_process(caller.process);
    request.set_epoch(caller.epoch);
    request.set_call(++caller.calls);
    request.set_ticket(caller.ticket);
    return request;
  }

  Result<v1::JoinReply> Send(const v1::JoinRequest& request) {
    return harness_.Call<v1::JoinReply>(
        [&](auto done) { harness_.coordinator->Join("a", request, std::move(done)); });
  }

  // Joins as a client does: with a ticket when it is told to.
  Status Join(Caller& caller) {
    for (int i = 0; i < 2; ++i) {
      SKERRY_ASSIGN_OR_RETURN(const v1::JoinReply reply, Send(NextRequest(caller)));
      caller.ticket = reply.ticket();
      if (caller.ticket != 0) continue;
      caller.epoch = reply.epoch();
      return OkStatus();
    }
    return Internal("a ticket was not good for a session");
  }

  Pending<v1::PullTaskReply> Pull(const Caller& caller) {
    v1::PullTaskRequest request;
    request.set_epoch(caller.epoch);
    return harness_.Begin<v1::PullTaskReply>([&](auto done) {
      harness_.coordinator->PullTask("a", ++harness_.last_call, request, std::move(done));
    });
  }
  // It holds a call: it has the session.
  bool Lives(const Caller& caller) { return !Pull(caller)->has_value(); }

  Harness harness_;
};

TEST_F(JoinTest, AProcessWhoseAnswerWasLostJoinsAgainAndIsNotSuperseded) {
  Caller client{kNew};
  ASSERT_OK(Join(client));
  ASSERT_OK(Send(NextRequest(client)));  // it never hears of this session
  ASSERT_OK(Join(client));
  EXPECT_TRUE(Lives(client));
}

TEST_F(JoinTest, NorIsItWhenTheCoordinatorBeginsAgainMeanwhile) {
  Caller client{kNew};
  ASSERT_OK(Join(client));
  ASSERT_OK(Send(NextRequest(client)));
  harness_.Restart();
  ASSERT_OK(Join(client));
  EXPECT_TRUE(Lives(client));
}

TEST_F(JoinTest, ACopyOfACallThatComesLateChangesNothing) {
  Caller client{kNew};
  const v1::JoinRequest first = NextRequest(client);
  ASSERT_OK(Send(first));
  ASSERT_OK(Join(client));
  const auto held = Pull(client);
  EXPECT_THAT(Send(first), HasCode(Code::kUnavailable));
  EXPECT_FALSE(held->has_value()) << "the held call lives on";
  EXPECT_TRUE(Lives(client));
}

TEST_F(JoinTest, ANewProcessTakesTheSessionAndTheOldOneEnds) {
  Caller old{kOld};
  ASSERT_OK(Join(old));
  const auto held = Pull(old);
  Caller client{kNew};
  ASSERT_OK(Join(client));
  ASSERT_TRUE(held->has_value());
  EXPECT_EQ((*held)->status().detail(), rpc::kSuperseded);
  EXPECT_EQ(Join(old).detail(), rpc::kSuperseded) << "no ping-pong";
  EXPECT_TRUE(Lives(client));
}

TEST_F(JoinTest, ACallThatArrivesAfterItsProcessHasDiedTakesTheSessionFromNobody) {
  Caller client{kNew};
  ASSERT_OK(Join(client));
  Caller dead{kOld};
  ASSERT_OK_AND_ASSIGN(const v1::JoinReply reply, Send(NextRequest(dead)));
  EXPECT_NE(reply.ticket(), 0U);
  EXPECT_EQ(reply.epoch(), 0U);
  EXPECT_TRUE(Lives(client));
  // Nor does its second call, if a newer process has come meanwhile.
  dead.ticket = reply.ticket();
  Caller newest{kNew + 1};
  ASSERT_OK(Join(newest));
  ASSERT_OK_AND_ASSIGN(const v1::JoinReply again, Send(NextRequest(dead)));
  EXPECT_EQ(again.epoch(), 0U);
  EXPECT_TRUE(Lives(newest));
}

TEST_F(JoinTest, OfTwoProcessesThatBeginTogetherOneHasTheSession) {
  Caller first{kOld - 1};
  ASSERT_OK(Join(first));
  Caller one{kOld};
  Caller two{kNew};
  ASSERT_OK_AND_ASSIGN(const v1::JoinReply for_one, Send(NextRequest(one)));
  ASSERT_OK_AND_ASSIGN(const v1::JoinReply for_two, Send(NextRequest(two)));
  one.ticket = for_one.ticket();
  two.ticket = for_two.ticket();
  ASSERT_OK(Join(one));
  ASSERT_OK(Join(two));
  EXPECT_TRUE(Lives(two));
  EXPECT_EQ(Join(one).detail(), rpc::kSuperseded);
}

TEST_F(JoinTest, ACallOfAnEarlierSessionOfTheSameProcessIsSentToJoinNotEnded) {
  Caller client{kNew};
  ASSERT_OK(Join(client));
  const Caller before = client;
  ASSERT_OK(Join(client));
  const auto late = Pull(before);
  ASSERT_TRUE(late->has_value());
  EXPECT_EQ((*late)->status().detail(), rpc::kEpochUnknown);
  EXPECT_TRUE(Lives(client));
}

TEST_F(JoinTest, ASiteThatWasAwayHearsOfEachRunThatIsOverAndOfNoOther) {
  RunFile file;
  file.rounds = 1;
  const std::string over = harness_.Submit(file);
  const std::string open = harness_.Submit(file);
  ASSERT_OK(harness_.Call<v1::StopRunReply>(
      [&](auto done) { harness_.coordinator->StopRun(over, std::move(done)); }));
  FakeSite site(harness_, "a");
  site.kept_runs_ = {"nobody-knows-it", over, open};
  ASSERT_OK(site.Join());
  std::map<std::string, std::string> told;
  for (int i = 0; i < 2; ++i) {
    const auto reply = site.Pull();
    ASSERT_TRUE(reply->has_value() && (*reply)->ok());
    told[(**reply)->run_finished().run_id()] = (**reply)->run_finished().state();
  }
  EXPECT_THAT(told, ElementsAre(Pair("nobody-knows-it", "unknown"), Pair(over, "stopped")));
}

TEST_F(JoinTest, ThatARunIsOverIsToldUntilTheSiteKeepsNothingOfIt) {
  const std::string over = harness_.Submit(RunFile());
  ASSERT_OK(harness_.Call<v1::StopRunReply>(
      [&](auto done) { harness_.coordinator->StopRun(over, std::move(done)); }));
  FakeSite site(harness_, "a");
  site.kept_runs_ = {over};
  ASSERT_OK(site.Join());
  for (int i = 0; i < 2; ++i) {  // as if the first answer had been lost
    const auto reply = site.Pull();
    ASSERT_TRUE(reply->has_value() && (*reply)->ok());
    EXPECT_EQ((**reply)->run_finished().run_id(), over);
  }
  site.kept_runs_.clear();
  EXPECT_FALSE(site.Pull()->has_value());
}

TEST_F(JoinTest, OfRunsThatASiteMakesUpOnlyAFewWaitToBeTold) {
  FakeSite site(harness_, "a");
  ASSERT_OK(site.Join());
  for (int poll = 0; poll < 10; ++poll) {
    site.kept_runs_.clear();
    for (int i = 0; i < 500; ++i) {
      site.kept_runs_.push_back(std::to_string(poll) + "-" + std::to_string(i));
    }
    ASSERT_TRUE(site.Pull()->has_value());
  }
  site.kept_runs_.clear();
  int told = 0;
  while (told < 1000 && site.Pull()->has_value()) ++told;
  EXPECT_LE(told, 64);
}

TEST_F(JoinTest, WithALastVerdictThatASiteHearsAtItsJoinItHearsThatTheRunIsOver) {
  RunFile file;
  file.rounds = 1;
  const std::string run = harness_.Submit(file);
  FakeSite a(harness_, "a");
  FakeSite b(harness_, "b");
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  const v1::Task task = a.Take();
  ASSERT_OK(a.Submit(task));
  ASSERT_OK(b.Submit(b.Take()));
  ASSERT_TRUE(harness_.coordinator->FindRun(run)->ended());
  ASSERT_OK_AND_ASSIGN(const v1::JoinReply joined, a.Join());  // it was killed before it heard
  ASSERT_EQ(joined.verdicts_size(), 1);
  a.confirm_ = {task.task_id()};
  a.kept_runs_ = {run};  // by that verdict
  const auto reply = a.Pull();
  ASSERT_TRUE(reply->has_value() && (*reply)->ok());
  EXPECT_EQ((**reply)->run_finished().run_id(), run);
  EXPECT_EQ((**reply)->run_finished().state(), "completed");
}

}  // namespace
}  // namespace skerry::coordinator
