#include "coordinator/verify.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "coordinator/chain_hash.h"
#include "coordinator/retention.h"
#include "coordinator/round_machine.h"
#include "coordinator/selection.h"
#include "coordinator/verify_rounds.h"

namespace skerry::coordinator {
namespace {

using storage::Outcome;
using storage::RoundRecord;
using storage::TaskRecord;
using storage::TaskState;

constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

std::string NameOf(const TaskRecord& task) {
  return "task " + std::to_string(task.task_id) + " of site " + task.site + " in round " +
         std::to_string(task.round);
}

// {0, 1, 2, 5} -> "rounds 0-2, 5".
std::string Ranges(const std::vector<int64_t>& rounds) {
  std::string text = "rounds ";
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    const std::size_t first = i;
    while (i + 1 < rounds.size() && rounds[i + 1] == rounds[i] + 1) ++i;
    if (first > 0) text += ", ";
    text += std::to_string(rounds[first]);
    if (i > first) text += "-" + std::to_string(rounds[i]);
  }
  return text;
}

// The rows of one run.
struct Rows {
  storage::RunRecord run;
  std::vector<RoundRecord> rounds;
  std::vector<TaskRecord> tasks;
};

Result<Rows> ReadRows(const std::string& run_id, storage::JournalReader& journal) {
  SKERRY_ASSIGN_OR_RETURN(const std::vector<storage::RunRecord> runs, journal.Runs());
  const auto found = run_id == "latest" && !runs.empty()
                         ? runs.end() - 1
                         : std::find_if(runs.begin(), runs.end(),
                                        [&](const auto& run) { return run.run_id == run_id; });
  if (found == runs.end()) {
    return NotFound("there is no run \"" + run_id + "\" in this journal")
        .WithHint("skerry run list shows all runs");
  }
  Rows rows;
  rows.run = *found;
  SKERRY_ASSIGN_OR_RETURN(rows.rounds, journal.Rounds(rows.run.run_id, 0, kAll));
  SKERRY_ASSIGN_OR_RETURN(rows.tasks, journal.Tasks(rows.run.run_id, 0, kAll));
  return rows;
}

// Checks the rows against each other, then hands each committed round to the replayer.
class Verifier {
 public:
  Verifier(const Rows& rows, VerifyReport& report) : rows_(rows), report_(report) {
    for (const RoundRecord& round : rows.rounds) {
      if (round.phase == Name(Phase::kCommitted)) committed_.push_back(&round);
    }
  }

  Status Run(const VerifyInput& input, RoundReplayer& replayer) {
    CheckTasks();
    std::string chain;
    int64_t version = -1;
    for (const RoundRecord* round : committed_) {
      const std::vector<const TaskRecord*> counted = CountedIn(*round);
      CheckRound(*round, counted, version, chain);
      SKERRY_RETURN_IF_ERROR(replayer.Replay(*round, counted, report_));
      chain = round->chain_hash;
      if (round->model_version >= 0) version = round->model_version;
      if (input.progress) input.progress(round->round);
    }
    CheckCalls(input.calls);
    return OkStatus();
  }

 private:
  void Fault(std::string text) { report_.faults.push_back(std::move(text)); }

  std::vector<const TaskRecord*> CountedIn(const RoundRecord& round) const {
    std::vector<const TaskRecord*> counted;
    if (round.kind == "initialize") return counted;
    for (const TaskRecord& task : rows_.tasks) {
      if (task.round == round.round && task.outcome == Outcome::kCounted) counted.push_back(&task);
    }
    std::sort(counted.begin(), counted.end(),
              [](const TaskRecord* a, const TaskRecord* b) { return a->site < b->site; });
    return counted;
  }

  void CheckTasks() {
    std::set<int64_t> committed;
    for (const RoundRecord* round : committed_) {
      if (round->kind != "initialize") committed.insert(round->round);
    }
    for (const TaskRecord& task : rows_.tasks) {
      tasks_[task.task_id] = &task;
      const bool closed = committed.contains(task.round) || storage::IsFinal(rows_.run.state);
      const bool reported = task.state == TaskState::kReported;
      if (task.outcome == Outcome::kCounted) ++report_.results_counted;
      if (task.outcome == Outcome::kDiscarded && reported) ++report_.results_discarded;
      if (task.outcome == Outcome::kNone && reported && !closed) ++report_.results_open;
      if (task.outcome == Outcome::kNone && reported && closed) {
        Fault(NameOf(task) + " was received and has no outcome, although its round has ended");
      }
      if (task.outcome == Outcome::kCounted && !committed.contains(task.round)) {
        Fault(NameOf(task) + " is counted, but its round has not been committed");
      }
    }
  }

  void CheckRound(const RoundRecord& round, const std::vector<const TaskRecord*>& counted,
                  int64_t version, const std::string& chain) {
    ++report_.rounds;
    const std::string name = "round " + std::to_string(round.round) + " (" + round.kind + ")";
    if (ChainHash(chain, round, counted) == round.chain_hash) {
      ++report_.rounds_chained;
    } else {
      Fault(name + ": its chain hash does not follow from the round before, its model and who " +
            "counted: a row has been changed");
    }
    if (round.base_version >= 0 && round.base_version != version) {
      Fault(name + " began with version " + std::to_string(round.base_version) +
            ", but the version before it is " + std::to_string(version));
    }
    std::set<std::string> sites;
    for (const TaskRecord* task : counted) CheckCounted(round, *task, sites);
  }

  void CheckCounted(const RoundRecord& round, const TaskRecord& task,
                    std::set<std::string>& sites) {
    if (!sites.insert(task.site).second) {
      ++report_.duplicated;
      Fault(NameOf(task) + ": the site is counted twice in this round");
    }
    if (!hashes_.insert(task.content_hash).second) {
      ++report_.duplicated;
      Fault(NameOf(task) + ": the same result is counted elsewhere too");
    }
    if (!std::binary_search(rows_.run.sites.begin(), rows_.run.sites.end(), task.site)) {
      Fault(NameOf(task) + ": the site is not in the roster");
    }
    if (!std::binary_search(round.invited.begin(), round.invited.end(), task.site)) {
      Fault(NameOf(task) + ": the site was not invited to this round");
    }
    v1::ResultHeader header;
    const bool same = header.ParseFromString(task.header) && header.task_id() == task.task_id &&
                      header.num_examples() == task.num_examples &&
                      header.content_hash() == task.content_hash.view();
    if (!same) Fault(NameOf(task) + ": its header contradicts its row");
  }

  // Each acknowledged result is in exactly one aggregate, or its site is told that it is in none.
  void CheckCalls(const std::vector<rpc::CallEvent>& calls) {
    std::set<std::pair<int64_t, std::string>> acknowledged;
    for (const rpc::CallEvent& event : calls) {
      if (event.type != rpc::CallEvent::Type::kOk) continue;
      for (const auto& [task_id, outcome] : event.verdicts) CheckVerdict(event, task_id, outcome);
      if (event.call == "SubmitResult") acknowledged.emplace(event.task_id, event.content_hash);
    }
    for (const auto& [task_id, hash] : acknowledged) {
      const auto found = tasks_.find(task_id);
      if (found == tasks_.end()) continue;  // of another run
      ++report_.acknowledged;
      const TaskRecord& task = *found->second;
      const bool settled = task.outcome != Outcome::kNone || !storage::IsFinal(rows_.run.state);
      if (settled && (task.outcome != Outcome::kCounted || task.content_hash.Hex() == hash)) {
        continue;
      }
      ++report_.lost;
      Fault(NameOf(task) + " was acknowledged with the hash " + hash + ", but " +
            (task.outcome == Outcome::kNone ? "has no outcome"
                                            : "another result was counted in its place"));
    }
  }

  void CheckVerdict(const rpc::CallEvent& event, int64_t task_id, const std::string& outcome) {
    const auto found = tasks_.find(task_id);
    if (found == tasks_.end() || Name(found->second->outcome) == outcome) return;
    Fault(NameOf(*found->second) + ": " + event.site + " was told \"" + outcome +
          "\", the journal says \"" + std::string(Name(found->second->outcome)) + "\"");
  }

  const Rows& rows_;
  VerifyReport& report_;
  std::vector<const RoundRecord*> committed_;
  std::map<int64_t, const TaskRecord*> tasks_;
  std::set<crypto::Digest> hashes_;
};

}  // namespace

Result<VerifyReport> VerifyRun(const VerifyInput& input, storage::JournalReader& journal,
                               Files& files, Executor& compute) {
  SKERRY_ASSIGN_OR_RETURN(const Rows rows, ReadRows(input.run_id, journal));
  VerifyInput named = input;
  named.run_id = rows.run.run_id;
  VerifyReport report;
  report.run_id = rows.run.run_id;
  SKERRY_ASSIGN_OR_RETURN(const RunPlan plan, ParseRunFile(rows.run.run_file, "run file"));
  SKERRY_ASSIGN_OR_RETURN(std::shared_ptr<const learning::Program> program,
                          learning::MakeTrainingProgram(plan.spec));
  if (!HasWholeHistory(rows.run, rows.rounds)) {
    report.not_verified.push_back(
        "the run's history was removed ([keep] history_days): only its newest and best versions "
        "could have been looked at");
    return report;
  }
  RoundReplayer replayer(named, files, compute, plan, std::move(program));
  SKERRY_RETURN_IF_ERROR(Verifier(rows, report).Run(named, replayer));
  for (const auto& [reason, skipped] : report.skipped) {
    report.not_verified.push_back("the models of " + Ranges(skipped) + ": " + reason);
  }
  return report;
}

}  // namespace skerry::coordinator
