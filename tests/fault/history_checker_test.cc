// The checker itself: it must see what goes wrong, or a thousand seeds without violations say
// nothing.

#include "fault/history_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "crypto/sha256.h"

namespace skerry::fault {
namespace {

using simulation::SimulationResult;
using storage::Outcome;
using storage::TaskState;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string HashOf(int64_t task_id) {
  return std::string(crypto::Sha256(std::to_string(task_id)).view());
}

// One task that a site finished, and all that both sides say about it.
void AddTask(SimulationResult& result, int64_t task_id, int64_t round, const std::string& site,
             Outcome outcome) {
  storage::TaskRecord task;
  task.task_id = task_id;
  task.round = round;
  task.site = site;
  task.state = TaskState::kReported;
  task.outcome = outcome;
  task.outcome_confirmed = true;
  task.content_hash = crypto::Sha256(std::to_string(task_id));
  result.evidence.tasks.push_back(task);
  result.evidence.receipts.push_back({site, task_id, HashOf(task_id)});
  result.evidence.verdicts.push_back(
      {site, task_id, outcome == Outcome::kCounted,
       outcome == Outcome::kCounted ? ""
                                    : "round " + std::to_string(round) + " closed without it"});
}

// Two rounds of three sites; in the second c was late.
SimulationResult GoodHistory() {
  SimulationResult result;
  result.run.set_state("completed_degraded");
  for (int64_t round = 1; round <= 2; ++round) {
    storage::RoundRecord record;
    record.round = round;
    record.kind = "train";
    record.phase = "committed";
    result.evidence.rounds.push_back(record);
    AddTask(result, 10 * round + 1, round, "a", Outcome::kCounted);
    AddTask(result, 10 * round + 2, round, "b", Outcome::kCounted);
    AddTask(result, 10 * round + 3, round, "c",
            round == 1 ? Outcome::kCounted : Outcome::kDiscarded);
  }
  return result;
}

const Expectation kExpectation = {.num_rounds = 2, .quorum = 2, .required_sites = {"a"}};

std::vector<std::string> After(const std::function<void(simulation::Evidence&)>& change) {
  SimulationResult result = GoodHistory();
  change(result.evidence);
  return Violations(result, kExpectation);
}

TEST(HistoryCheckerTest, AGoodHistoryIsFoundGood) {
  EXPECT_THAT(Violations(GoodHistory(), kExpectation), IsEmpty());
}

TEST(HistoryCheckerTest, ASiteThatIsCountedTwiceInARoundIsFound) {
  // What an update that arrives twice and is added twice leaves behind.
  EXPECT_THAT(After([](simulation::Evidence& evidence) {
                storage::TaskRecord again = evidence.tasks[0];
                again.task_id = 99;
                evidence.tasks.push_back(again);
              }),
              Contains(HasSubstr("round 1 counted a 2 times")));
}

TEST(HistoryCheckerTest, ARoundThatCommittedTwiceIsFound) {
  EXPECT_THAT(After([](simulation::Evidence& evidence) {
                evidence.rounds.push_back(evidence.rounds.back());
                evidence.rounds.back().attempt = 2;
              }),
              Contains(HasSubstr("round 2 committed 2 times")));
}

TEST(HistoryCheckerTest, ARoundThatIsMissingIsFound) {
  EXPECT_THAT(After([](simulation::Evidence& evidence) { evidence.rounds.pop_back(); }),
              Contains(HasSubstr("1 rounds committed, not 2")));
}

TEST(HistoryCheckerTest, AnAcknowledgedUpdateThatVanishedIsFound) {
  EXPECT_THAT(
      After([](simulation::Evidence& evidence) {
        evidence.tasks[1].outcome = Outcome::kDiscarded;
        evidence.verdicts.erase(evidence.verdicts.begin() + 1);
      }),
      Contains(HasSubstr("task 12 of b: it is in no aggregate, and the site was not told")));
}

TEST(HistoryCheckerTest, AnUpdateWhoseSiteWasToldTheOppositeIsFound) {
  EXPECT_THAT(After([](simulation::Evidence& evidence) { evidence.verdicts[1].counted = false; }),
              Contains(HasSubstr("task 12 of b is not what the journal says")));
}

TEST(HistoryCheckerTest, AVerdictThatChangedIsFound) {
  EXPECT_THAT(After([](simulation::Evidence& evidence) {
                auto other = evidence.verdicts[0];
                other.counted = false;
                other.reason = "late";
                evidence.verdicts.insert(evidence.verdicts.begin(), other);
              }),
              Contains(HasSubstr("the verdict on task 11 of a changed")));
}

TEST(HistoryCheckerTest, OtherBytesThanThoseReceivedAreFound) {
  EXPECT_THAT(After([](simulation::Evidence& evidence) {
                evidence.tasks[0].content_hash = crypto::Sha256("something else");
              }),
              Contains(HasSubstr("other bytes were counted")));
}

TEST(HistoryCheckerTest, AReceiptForASiteThatHasNoSuchTaskIsFound) {
  EXPECT_THAT(After([](simulation::Evidence& evidence) { evidence.receipts[0].site = "b"; }),
              Contains(HasSubstr("the journal does not give to this site")));
}

TEST(HistoryCheckerTest, OtherBytesThanThoseReceivedAreFoundAlsoWhereTheyWereDiscarded) {
  EXPECT_THAT(After([](simulation::Evidence& evidence) {
                evidence.tasks[5].content_hash = crypto::Sha256("something else");
              }),
              ElementsAre("the receipt for task 23 of c: other bytes were discarded"));
}

// The task of c in round 2, received and then failed.
void Fail(simulation::Evidence& evidence) {
  evidence.tasks[5].state = TaskState::kFailed;
  evidence.tasks[5].reason = "the file is not there";
  evidence.tasks[5].outcome = Outcome::kNone;
  evidence.verdicts.pop_back();
}

TEST(HistoryCheckerTest, AReceivedTaskThatFailedWithoutAReasonIsFound) {
  EXPECT_THAT(After(Fail),
              ElementsAre("task 23 of c (round 2) failed (the file is not there), but its site "
                          "never said so",
                          HasSubstr("task 23 of c: the task failed (the file is not there), but "
                                    "neither was the result damaged nor did its site")));
}

TEST(HistoryCheckerTest, AReceivedTaskMayFailWhenItsSiteGivesItUp) {
  EXPECT_THAT(After([](simulation::Evidence& evidence) {
                Fail(evidence);
                evidence.given_up.push_back({"c", 23});
              }),
              IsEmpty());
  EXPECT_THAT(After([](simulation::Evidence& evidence) {
                Fail(evidence);
                evidence.given_up.push_back({"a", 23});
              }),
              SizeIs(2))
      << "another site cannot";
}

TEST(HistoryCheckerTest, AReceivedTaskMayStallWhenItsResultWasDamaged) {
  const auto stall = [](simulation::Evidence& evidence) {
    Fail(evidence);
    evidence.tasks[5].reason = "no progress for 15m";
  };
  EXPECT_THAT(After(stall), ElementsAre(HasSubstr("neither was the result damaged")));
  EXPECT_THAT(After([&](simulation::Evidence& evidence) {
                stall(evidence);
                evidence.events.push_back({{}, "r-1", 2, "c", "result_damaged", "asked again"});
              }),
              IsEmpty());
}

TEST(HistoryCheckerTest, TooFewSitesOrARequiredOneMissingIsFound) {
  const std::vector<std::string> found = After([](simulation::Evidence& evidence) {
    evidence.tasks[0].outcome = Outcome::kDiscarded;
    evidence.verdicts[0].counted = false;
    evidence.verdicts[0].reason = "late";
    evidence.tasks[1].outcome = Outcome::kDiscarded;
    evidence.verdicts[1].counted = false;
    evidence.verdicts[1].reason = "late";
  });
  EXPECT_THAT(found, Contains(HasSubstr("round 1 committed with 1 sites, below the quorum")));
  EXPECT_THAT(found, Contains(HasSubstr("round 1 committed without the required site a")));
}

TEST(HistoryCheckerTest, ATaskThatWasNeverSettledIsFound) {
  EXPECT_THAT(After([](simulation::Evidence& evidence) {
                evidence.tasks[5].outcome = Outcome::kNone;
                evidence.tasks[5].state = TaskState::kTaken;
              }),
              Contains(HasSubstr("task 23 of c (round 2) has no outcome")));
}

TEST(HistoryCheckerTest, WhatCountsWithoutHavingBeenReceivedIsFound) {
  EXPECT_THAT(
      After([](simulation::Evidence& evidence) { evidence.tasks[0].state = TaskState::kTaken; }),
      Contains(HasSubstr("task 11 of a (round 1) counts but was not received")));
}

TEST(HistoryCheckerTest, ARunThatDidNotEndIsFoundWithItsReason) {
  SimulationResult result = GoodHistory();
  result.run.set_state("paused");
  result.run.set_reason("quorum_lost: 1 results");
  result.gave_up = true;
  EXPECT_THAT(Violations(result, kExpectation), Contains(HasSubstr("given up: quorum_lost")));
}

TEST(HistoryCheckerTest, ComplaintsOfTheSimulationAndTasksLeftBehindAreFound) {
  const std::vector<std::string> found = After([](simulation::Evidence& evidence) {
    evidence.complaints.push_back("north: the only client of the site ends");
    evidence.tasks_left_at_sites = 2;
  });
  EXPECT_THAT(found, Contains(HasSubstr("north: the only client")));
  EXPECT_THAT(found, Contains(HasSubstr("2 tasks are still in the hands of sites")));
}

}  // namespace
}  // namespace skerry::fault
