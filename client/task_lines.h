#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

class SessionObserver;

// "run r-1 round 3 training".
std::string Describe(const v1::Task& task);

// Tells an observer what becomes of tasks: a line for each step of each, as long as they are few,
// and one line a second for each run when they are many. A site that does two hundred small tasks a
// second would otherwise fill its log, and spend a part of its time on it. Nothing is made if the
// observer does not listen, and each step has its line if it wants every task. It outlives this.
class TaskLines {
 public:
  explicit TaskLines(SessionObserver& observer) : observer_(observer) {}

  void Taken(const v1::Task& task, Timestamp now);
  void Done(const v1::Task& task, int64_t num_examples, Timestamp now);
  void Counted(const v1::Task& task, Timestamp now);

  // When to call Step(), because something is held back.
  std::optional<Timestamp> Due() const;
  // Says what is held back, if its second is over.
  void Step(Timestamp now);
  // Says it at once.
  void Flush();

 private:
  // Of one run.
  struct HeldBack {
    int64_t first_round = 0;
    int64_t last_round = 0;
    int64_t taken = 0;
    int64_t done = 0;
    int64_t counted = 0;
  };

  // Where to count the step instead of saying it; null: say it.
  HeldBack* Hold(const v1::Task& task, Timestamp now);

  SessionObserver& observer_;
  Timestamp second_ends_;
  int num_steps_ = 0;      // in this second, of all runs
  bool together_ = false;  // none of this second's has a line of its own: the last had too many
  std::map<std::string, HeldBack> held_back_;
};

}  // namespace skerry::client
