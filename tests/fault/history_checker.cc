#include "fault/history_checker.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"

namespace skerry::fault {
namespace {

using simulation::HeardVerdict;
using simulation::Receipt;
using storage::Outcome;
using storage::RoundRecord;
using storage::TaskRecord;

class Checker {
 public:
  Checker(const simulation::SimulationResult& result, const Expectation& expectation)
      : result_(result), evidence_(result.evidence), expectation_(expectation) {
    for (const TaskRecord& task : evidence_.tasks) tasks_[task.task_id] = &task;
    for (const simulation::GivenUp& task : evidence_.given_up) {
      given_up_.insert({task.task_id, task.site});
    }
    for (const storage::EventRecord& event : evidence_.events) {
      if (event.code == "result_damaged") damaged_.insert({event.round, event.site});
    }
  }

  std::vector<std::string> Run() {
    CheckEnd();
    CheckRounds();
    CheckTasks();
    CheckReceipts();
    CheckVerdicts();
    return std::move(found_);
  }

 private:
  void Say(std::string what) { found_.push_back(std::move(what)); }

  static std::string NameOf(const TaskRecord& task) {
    return "task " + std::to_string(task.task_id) + " of " + task.site + " (round " +
           std::to_string(task.round) + ")";
  }

  void CheckEnd() {
    const std::string& state = result_.run.state();
    if (state != "completed" && state != "completed_degraded") {
      Say("the run is " + state + " after " + FormatDuration(result_.virtual_time) +
          (result_.gave_up ? ", and was given up" : "") + ": " + result_.run.reason());
    }
    for (const std::string& complaint : evidence_.complaints) Say(complaint);
    if (evidence_.tasks_left_at_sites > 0) {
      Say(std::to_string(evidence_.tasks_left_at_sites) + " tasks are still in the hands of sites");
    }
  }

  // Every round commits once, with enough results.
  void CheckRounds() {
    std::map<int64_t, int> commits;
    for (const RoundRecord& round : evidence_.rounds) {
      if (round.phase == "committed" && round.kind != "initialize") ++commits[round.round];
    }
    for (const auto& [round, times] : commits) {
      if (times > 1) {
        Say("round " + std::to_string(round) + " committed " + std::to_string(times) + " times");
      }
      CheckParticipants(round);
    }
    if (static_cast<int64_t>(commits.size()) != expectation_.num_rounds) {
      Say(std::to_string(commits.size()) + " rounds committed, not " +
          std::to_string(expectation_.num_rounds));
    }
  }

  void CheckParticipants(int64_t round) {
    std::map<std::string, int> counted;
    for (const TaskRecord& task : evidence_.tasks) {
      if (task.round == round && task.outcome == Outcome::kCounted) ++counted[task.site];
    }
    const std::string name = "round " + std::to_string(round);
    for (const auto& [site, times] : counted) {
      if (times > 1) Say(name + " counted " + site + " " + std::to_string(times) + " times");
    }
    if (static_cast<int64_t>(counted.size()) < expectation_.quorum) {
      Say(name + " committed with " + std::to_string(counted.size()) + " sites, below the quorum");
    }
    for (const std::string& site : expectation_.required_sites) {
      if (!counted.contains(site)) Say(name + " committed without the required site " + site);
    }
  }

  // Every task is settled, and only what was received counts.
  void CheckTasks() {
    for (const TaskRecord& task : evidence_.tasks) {
      const bool received = task.state == storage::TaskState::kReported;
      if (task.outcome == Outcome::kCounted && !received) {
        Say(NameOf(task) + " counts but was not received");
      }
      if (task.outcome == Outcome::kNone) CheckFailed(task);
      if (task.outcome != Outcome::kNone && !task.outcome_confirmed) {
        Say(NameOf(task) + ": its site has not confirmed the outcome");
      }
    }
  }

  // Only what its site gave up, or what made no progress, may end without an outcome.
  void CheckFailed(const TaskRecord& task) {
    if (task.state != storage::TaskState::kFailed) return Say(NameOf(task) + " has no outcome");
    const bool stalled = task.reason.starts_with("no progress for ");
    if (!stalled && !given_up_.contains({task.task_id, task.site})) {
      Say(NameOf(task) + " failed (" + task.reason + "), but its site never said so");
    }
  }

  // In one of the rounds that the task was in.
  bool WasDamaged(const TaskRecord& task) const {
    int64_t round = task.base_version < 0 ? task.round : task.base_version + 1;
    for (; round <= task.round; ++round) {
      if (damaged_.contains({round, task.site})) return true;
    }
    return false;
  }

  // What was received can only fail later if it was found to be damaged, or if its site could not
  // send it again.
  void CheckFailedAfterReceipt(const TaskRecord& task, const std::string& receipt) {
    const bool has_reason = WasDamaged(task) || given_up_.contains({task.task_id, task.site});
    if (!has_reason) {
      Say(receipt + ": the task failed (" + task.reason +
          "), but neither was the result damaged nor did its site give it up");
    }
  }

  // An acknowledged update is in one aggregate, or its site knows that it is in none.
  void CheckReceipts() {
    std::map<int64_t, const HeardVerdict*> heard;
    for (const HeardVerdict& verdict : evidence_.verdicts) heard[verdict.task_id] = &verdict;
    std::map<int64_t, std::string> content;
    for (const Receipt& receipt : evidence_.receipts) {
      const std::string name =
          "the receipt for task " + std::to_string(receipt.task_id) + " of " + receipt.site;
      const auto [known, is_new] = content.try_emplace(receipt.task_id, receipt.content_hash);
      if (!is_new && known->second != receipt.content_hash) {
        Say(name + ": another one names other bytes");
      }
      const auto task = tasks_.find(receipt.task_id);
      if (task == tasks_.end() || task->second->site != receipt.site) {
        Say(name + " is for a task that the journal does not give to this site");
        continue;
      }
      if (task->second->state == storage::TaskState::kFailed) {
        CheckFailedAfterReceipt(*task->second, name);
        continue;
      }
      const bool counted = task->second->outcome == Outcome::kCounted;
      if (task->second->content_hash.view() != receipt.content_hash) {
        Say(name + ": other bytes were " + (counted ? "counted" : "discarded"));
      }
      const auto verdict = heard.find(receipt.task_id);
      if (!counted && (verdict == heard.end() || verdict->second->counted)) {
        Say(name + ": it is in no aggregate, and the site was not told that it was discarded");
      }
    }
  }

  // What sites heard is what the journal says, and never changed.
  void CheckVerdicts() {
    std::map<int64_t, bool> first;
    for (const HeardVerdict& verdict : evidence_.verdicts) {
      const std::string name =
          "the verdict on task " + std::to_string(verdict.task_id) + " of " + verdict.site;
      const auto [known, is_new] = first.try_emplace(verdict.task_id, verdict.counted);
      if (!is_new && known->second != verdict.counted) Say(name + " changed");
      const auto task = tasks_.find(verdict.task_id);
      if (task == tasks_.end()) {
        Say(name + ": the journal does not know the task");
      } else if ((task->second->outcome == Outcome::kCounted) != verdict.counted) {
        Say(name + " is not what the journal says");
      }
      if (!verdict.counted && verdict.reason.empty()) Say(name + " gives no reason");
    }
  }

  const simulation::SimulationResult& result_;
  const simulation::Evidence& evidence_;
  const Expectation& expectation_;
  std::map<int64_t, const TaskRecord*> tasks_;
  std::set<std::pair<int64_t, std::string>> given_up_;  // task, site
  std::set<std::pair<int64_t, std::string>> damaged_;   // round, site
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> Violations(const simulation::SimulationResult& result,
                                    const Expectation& expectation) {
  return Checker(result, expectation).Run();
}

}  // namespace skerry::fault
