#include "storage/records.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace skerry::storage
