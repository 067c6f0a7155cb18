#include "client/task_lines.h"

#include <algorithm>

#include "base/text.h"
#include "client/session.h"

namespace skerry::client {
namespace {

constexpr Duration kSecond = 1s;
constexpr int kLinesASecond = 24;

}  // namespace

std::string Describe(const v1::Task& task) {
  return "run " + task.run_id() + " round " + std::to_string(task.round()) + " " +
         (task.kind() == v1::STATISTICS ? "statistics"
          : task.kind() == v1::EVALUATE ? "evaluation"
                                        : "training");
}

void TaskLines::Taken(const v1::Task& task, Timestamp now) {
  if (!observer_.listens()) return;
  if (HeldBack* held = Hold(task, now)) {
    ++held->taken;
    return;
  }
  observer_.Say(Describe(task) + ": taken");
}

void TaskLines::Done(const v1::Task& task, int64_t num_examples, Timestamp now) {
  if (!observer_.listens()) return;
  if (HeldBack* held = Hold(task, now)) {
    ++held->done;
    return;
  }
  observer_.Say(Describe(task) + ": done, " + FormatCount(num_examples) + " examples");
}

void TaskLines::Counted(const v1::Task& task, Timestamp now) {
  if (!observer_.listens()) return;
  if (HeldBack* held = Hold(task, now)) {
    ++held->counted;
    return;
  }
  observer_.Say(Describe(task) + ": counted");
}

TaskLines::HeldBack* TaskLines::Hold(const v1::Task& task, Timestamp now) {
  if (observer_.wants_every_task()) return nullptr;
  Step(now);
  ++num_steps_;
  if (!together_ && num_steps_ <= kLinesASecond) return nullptr;
  const auto [found, is_new] = held_back_.try_emplace(task.run_id());
  HeldBack& held = found->second;
  if (is_new) held.first_round = held.last_round = task.round();
  held.first_round = std::min<int64_t>(held.first_round, task.round());
  held.last_round = std::max<int64_t>(held.last_round, task.round());
  return &held;
}

std::optional<Timestamp> TaskLines::Due() const {
  if (held_back_.empty()) return std::nullopt;
  return second_ends_;
}

void TaskLines::Step(Timestamp now) {
  if (now < second_ends_) return;
  together_ = num_steps_ > kLinesASecond && now < second_ends_ + kSecond;
  num_steps_ = 0;
  second_ends_ = now + kSecond;
  Flush();
}

void TaskLines::Flush() {
  for (const auto& [run_id, held] : held_back_) {
    const std::string first = std::to_string(held.first_round);
    const bool one = held.first_round == held.last_round;
    observer_.Say(
        "run " + run_id +
        (one ? " round " + first : " rounds " + first + " to " + std::to_string(held.last_round)) +
        ": " + FormatCount(held.taken) + " taken, " + FormatCount(held.done) + " done, " +
        FormatCount(held.counted) + " counted");
  }
  held_back_.clear();
}

}  // namespace skerry::client
