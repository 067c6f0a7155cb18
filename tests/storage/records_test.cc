#include "storage/records.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace skerry::storage {
namespace {

TEST(RecordsTest, NamesAreWhatTheCommandLineShows) {
  EXPECT_EQ(Name(RunState::kPending), "pending");
  EXPECT_EQ(Name(RunState::kRunning), "running");
  EXPECT_EQ(Name(RunState::kPaused), "paused");
  EXPECT_EQ(Name(RunState::kCompleted), "completed");
  EXPECT_EQ(Name(RunState::kCompletedDegraded), "completed_degraded");
  EXPECT_EQ(Name(RunState::kFailed), "failed");
  EXPECT_EQ(Name(RunState::kStopped), "stopped");
  EXPECT_EQ(Name(TaskState::kOffered), "offered");
  EXPECT_EQ(Name(TaskState::kTaken), "taken");
  EXPECT_EQ(Name(TaskState::kReported), "reported");
  EXPECT_EQ(Name(TaskState::kFailed), "failed");
  EXPECT_EQ(Name(TaskState::kLost), "lost");
  EXPECT_EQ(Name(TaskState::kLate), "late");
  EXPECT_EQ(Name(Outcome::kNone), "none");
  EXPECT_EQ(Name(Outcome::kCounted), "counted");
  EXPECT_EQ(Name(Outcome::kDiscarded), "discarded");
}

TEST(RecordsTest, ARunThatMayGoOnIsNotFinal) {
  EXPECT_FALSE(IsFinal(RunState::kPending));
  EXPECT_FALSE(IsFinal(RunState::kRunning));
  EXPECT_FALSE(IsFinal(RunState::kPaused));
  EXPECT_TRUE(IsFinal(RunState::kCompleted));
  EXPECT_TRUE(IsFinal(RunState::kCompletedDegraded));
  EXPECT_TRUE(IsFinal(RunState::kFailed));
  EXPECT_TRUE(IsFinal(RunState::kStopped));
}

TaskRecord Task(int64_t id, TaskState state) {
  TaskRecord task;
  task.task_id = id;
  task.state = state;
  return task;
}
RoundRecord Round(int64_t round, int64_t attempt, std::string phase) {
  RoundRecord record;
  record.run_id = "icu-1";
  record.round = round;
  record.attempt = attempt;
  record.phase = std::move(phase);
  return record;
}
SiteRecord Site(std::string name, uint64_t epoch) {
  SiteRecord site;
  site.site = std::move(name);
  site.epoch = epoch;
  return site;
}
RunRecord RunOf(std::string id, int64_t rounds) {
  RunRecord run;
  run.run_id = std::move(id);
  run.rounds_committed = rounds;
  return run;
}

TEST(RecordsTest, OfRowsWithTheSameKeyOnlyTheLastStaysInABatch) {
  const EventRecord event{{}, "icu-1", 1, "north", "site_lost", ""};
  const WriteBatch batch = {Task(1, TaskState::kTaken),
                            RunOf("icu-1", 1),
                            event,
                            Round(1, 1, "training"),
                            Task(2, TaskState::kTaken),
                            Site("north", 1),
                            Round(1, 2, "training"),
                            Task(1, TaskState::kReported),
                            Site("south", 1),
                            event,
                            RunOf("icu-2", 1),
                            Round(1, 1, "abandoned"),
                            Site("north", 2),
                            RunOf("icu-1", 2)};
  const WriteBatch expected = {event,
                               Task(2, TaskState::kTaken),
                               Round(1, 2, "training"),
                               Task(1, TaskState::kReported),
                               Site("south", 1),
                               event,
                               RunOf("icu-2", 1),
                               Round(1, 1, "abandoned"),
                               Site("north", 2),
                               RunOf("icu-1", 2)};
  EXPECT_EQ(WithoutReplacedRows(batch), expected);
  EXPECT_EQ(WithoutReplacedRows(expected), expected);
  EXPECT_TRUE(WithoutReplacedRows({}).empty());
}

TEST(RecordsTest, ABatchThatRemovesAHistoryStaysAsItIs) {
  const WriteBatch batch = {Task(1, TaskState::kTaken), RemoveHistory{"icu-1", {}},
                            Task(1, TaskState::kReported)};
  EXPECT_EQ(WithoutReplacedRows(batch), batch);
}

}  // namespace
}  // namespace skerry::storage
