#include "coordinator/verify_calls.h"

#include <utility>

namespace skerry::coordinator {
namespace {

using rpc::CallEvent;
using storage::Outcome;
using storage::TaskRecord;
using storage::TaskState;

std::string Join(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string Results(int64_t number) {
  return std::to_string(number) + (number == 1 ? " acknowledged result" : " acknowledged results");
}

}  // namespace

CallChecker::CallChecker(const RunRows& rows, const std::set<int64_t>& confirmed,
                         VerifyReport& report)
    : rows_(rows), confirmed_(confirmed), report_(report) {
  for (const TaskRecord& task : rows.tasks) tasks_[task.task_id] = &task;
}

void CallChecker::Check(const std::vector<rpc::CallHistory>& histories) {
  for (const rpc::CallHistory& history : histories) Read(history);
  for (const Receipt& receipt : receipts_) {
    const auto task = tasks_.find(receipt.task_id);
    task == tasks_.end() ? CheckUnknown(receipt) : CheckReceipt(receipt, *task->second);
  }
  Summarize();
}

// ---- The logs ----------------------------------------------------------------------------------

void CallChecker::Read(const rpc::CallHistory& history) {
  for (const CallEvent& event : history.events) {
    // Whether or not it was heard: the site has given the task up.
    if (event.call == "ReportFailure") failed_at_site_.insert(event.task_id);
    if (event.type == CallEvent::Type::kOk) ReadEnd(event);
    const bool gaps = history.missing > 0 && event.side == rpc::CallSide::kSite;
    if (gaps) sites_with_gaps_.insert(event.site);
  }
  if (history.missing == 0) return;
  report_.not_verified.push_back(history.name + " lacks at least " +
                                 std::to_string(history.missing) +
                                 " lines (no room, or no power, when they were written): what they "
                                 "would have said was not compared");
}

void CallChecker::ReadEnd(const CallEvent& event) {
  const bool at_site = event.side == rpc::CallSide::kSite;
  if (!event.run_id.empty()) run_of_[event.task_id] = event.run_id;
  for (const auto& [task_id, outcome] : event.verdicts) {
    if (at_site) heard_.insert(task_id);
    CheckVerdict(event, task_id, outcome);
  }
  if (event.call != "SubmitResult") return;
  receipts_.insert({event.task_id, event.site, event.content_hash});
  if (at_site) receipts_at_site_.insert(event.task_id);
}

void CallChecker::CheckVerdict(const CallEvent& event, int64_t task_id,
                               const std::string& outcome) {
  const auto found = tasks_.find(task_id);
  if (found == tasks_.end() || Name(found->second->outcome) == outcome) return;
  report_.faults.push_back(NameOf(*found->second) + ": " + event.site + " was told \"" + outcome +
                           "\", the journal says \"" + std::string(Name(found->second->outcome)) +
                           "\"");
}

// ---- Receipts ----------------------------------------------------------------------------------

void CallChecker::Lose(std::string text) {
  ++report_.lost;
  report_.faults.push_back(std::move(text));
}

void CallChecker::CheckReceipt(const Receipt& receipt, const TaskRecord& task) {
  ++report_.acknowledged;
  const std::string what = NameOf(task) + " was acknowledged with the hash " + receipt.hash;
  if (task.site != receipt.site) {
    return Lose(what + " to " + receipt.site + ", but the journal gives it to " + task.site);
  }
  if (task.content_hash == crypto::Digest()) {
    return Lose(what + ", but the journal has no result of it");
  }
  if (task.content_hash.Hex() != receipt.hash) {
    return Lose(what + ", but the result that the journal has in its place has the hash " +
                task.content_hash.Hex());
  }
  if (task.outcome == Outcome::kNone) return CheckUndecided(receipt, task);
  if (task.outcome == Outcome::kDiscarded) CheckHeard(task);
}

// A receipt stands until there is an outcome, unless the result was found to be damaged and could
// not be had again, or its site gave it up.
void CallChecker::CheckUndecided(const Receipt& receipt, const TaskRecord& task) {
  const std::string what = NameOf(task) + " was acknowledged with the hash " + receipt.hash;
  if (task.state == TaskState::kFailed) {
    const bool known = failed_at_site_.contains(task.task_id) || rows_.WasDamaged(task);
    if (known) return;
    return Lose(what + ", but the journal says that it failed (" + task.reason +
                "), and neither that its site gave it up nor that the result was damaged");
  }
  if (rows_.IsClosed(task)) {
    return Lose(what + ", but has no outcome, although its round has ended");
  }
  ++open_;
}

// A result that counts is told as well; but only of the others could its site believe more than
// is true.
void CallChecker::CheckHeard(const TaskRecord& task) {
  if (!receipts_at_site_.contains(task.task_id)) return;  // that site's log is not here
  ++report_.discarded_acknowledged;
  if (heard_.contains(task.task_id)) {
    ++report_.discarded_heard;
  } else if (!confirmed_.contains(task.task_id)) {
    ++not_told_;
  } else if (sites_with_gaps_.contains(task.site)) {
    ++maybe_heard_;
  } else {
    report_.faults.push_back(NameOf(task) + " was discarded, and the journal says that its site " +
                             "knows; but by the log of " + task.site + " nobody told it");
  }
}

void CallChecker::CheckUnknown(const Receipt& receipt) {
  if (rows_.tasks_of_others.contains(receipt.task_id)) return;
  const auto found = run_of_.find(receipt.task_id);
  const std::string run = found == run_of_.end() ? "" : found->second;
  if (!run.empty() && !rows_.runs.contains(run)) {
    ++of_strangers_[run];
    return;
  }
  const bool of_other = !run.empty() && run != rows_.run.run_id;
  const bool removed =
      run.empty() ? !rows_.histories_removed.empty() : rows_.histories_removed.contains(run);
  if (removed) {
    ++maybe_removed_;
    return;
  }
  if (of_other) return;  // it is missing there, and is said so when that run is looked at
  ++report_.acknowledged;
  Lose("site " + receipt.site + " has a receipt for task " + std::to_string(receipt.task_id) +
       " with the hash " + receipt.hash + ", but no run in this journal knows the task");
}

// ---- In words ----------------------------------------------------------------------------------

void CallChecker::Summarize() {
  report_.acknowledged_open = open_;
  const auto say = [&](int64_t number, const std::string& text) {
    if (number > 0) report_.not_verified.push_back(Results(number) + text);
  };
  say(open_,
      " of rounds that have not ended: they have no outcome yet, so that it cannot be "
      "said whether they are lost");
  say(not_told_,
      " discarded, and not confirmed by the site: a verdict is repeated until it is, at "
      "the site's next call");
  say(maybe_heard_,
      " discarded, and confirmed by the site; that it was told would stand where its log "
      "lacks lines");
  say(maybe_removed_, " of tasks that no run in this journal has; they may be of " +
                          Join(rows_.histories_removed) +
                          ", whose history was removed ([keep] history_days)");
  for (const auto& [run, number] : of_strangers_) {
    say(number, " of run " + run + ", which this journal does not have");
  }
  if (report_.lost > 0 && !rows_.restored.empty()) {
    report_.not_verified.push_back(
        "this journal was restored from a backup (" + rows_.restored +
        "): what was acknowledged between the backup and that day is not in it, and its task "
        "numbers were given again");
  }
}

}  // namespace skerry::coordinator
