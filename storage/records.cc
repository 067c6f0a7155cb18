#include "storage/records.h"

#include "base/check.h"

namespace skerry::storage {

// A value outside its enumeration is a bug, never an input: rows are checked when they are read.
std::string_view Name(RunState state) {
  switch (state) {
    case RunState::kPending:
      return "pending";
    case RunState::kRunning:
      return "running";
    case RunState::kPaused:
      return "paused";
    case RunState::kCompleted:
      return "completed";
    case RunState::kCompletedDegraded:
      return "completed_degraded";
    case RunState::kFailed:
      return "failed";
    case RunState::kStopped:
      return "stopped";
  }
  CheckFailed("a RunState has a name", __FILE__, __LINE__);
}

std::string_view Name(TaskState state) {
  switch (state) {
    case TaskState::kOffered:
      return "offered";
    case TaskState::kTaken:
      return "taken";
    case TaskState::kReported:
      return "reported";
    case TaskState::kFailed:
      return "failed";
    case TaskState::kLost:
      return "lost";
    case TaskState::kLate:
      return "late";
  }
  CheckFailed("a TaskState has a name", __FILE__, __LINE__);
}

std::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNone:
      return "none";
    case Outcome::kCounted:
      return "counted";
    case Outcome::kDiscarded:
      return "discarded";
  }
  CheckFailed("an Outcome has a name", __FILE__, __LINE__);
}

bool IsFinal(RunState state) {
  switch (state) {
    case RunState::kPending:
    case RunState::kRunning:
    case RunState::kPaused:
      return false;
    case RunState::kCompleted:
    case RunState::kCompletedDegraded:
    case RunState::kFailed:
    case RunState::kStopped:
      return true;
  }
  CheckFailed("a RunState is final or not", __FILE__, __LINE__);
}

}  // namespace skerry::storage
