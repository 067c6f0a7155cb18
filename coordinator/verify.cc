#include "coordinator/verify.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "coordinator/chain_hash.h"
#include "coordinator/round_machine.h"
#include "coordinator/selection.h"
#include "coordinator/verify_calls.h"
#include "coordinator/verify_rounds.h"

namespace skerry::coordinator {
namespace {

using storage::Outcome;
using storage::RoundRecord;
using storage::TaskRecord;
using storage::TaskState;

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

// Checks the rows against each other, then hands each committed round to the replayer.
class Verifier {
 public:
  Verifier(const RunRows& rows, const RunPlan& plan, VerifyReport& report)
      : rows_(rows), max_staleness_(plan.spec.training().async().max_staleness()), report_(report) {
    for (const RoundRecord& round : rows.rounds) {
      if (round.phase == Name(Phase::kCommitted)) committed_.push_back(&round);
    }
    for (const TaskRecord& task : rows.tasks) {
      if (task.outcome == Outcome::kCounted) counted_[task.round].push_back(&task);
    }
  }

  Status Run(const VerifyInput& input, RoundReplayer& replayer) {
    CheckTasks();
    CheckNumbers();
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
    return OkStatus();
  }

 private:
  void Fault(std::string text) { report_.faults.push_back(std::move(text)); }

  // By site.
  std::vector<const TaskRecord*> CountedIn(const RoundRecord& round) const {
    const auto found = counted_.find(round.round);
    if (round.kind == "initialize" || found == counted_.end()) return {};
    std::vector<const TaskRecord*> counted = found->second;
    std::sort(counted.begin(), counted.end(),
              [](const TaskRecord* a, const TaskRecord* b) { return a->site < b->site; });
    return counted;
  }

  void CheckTasks() {
    for (const TaskRecord& task : rows_.tasks) {
      const bool reported = task.state == TaskState::kReported;
      if (task.outcome == Outcome::kNone && reported) CheckUndecided(task);
      if (task.outcome == Outcome::kDiscarded && reported) {
        ++report_.results_discarded;
        if (task.outcome_confirmed) ++report_.results_told;
      }
      if (task.outcome != Outcome::kCounted) continue;
      ++report_.results_counted;
      if (!rows_.committed.contains(task.round)) {
        Fault(NameOf(task) + " is counted, but its round has not been committed");
      }
    }
  }

  // The run's row says how many rounds there are; a chain whose end was cut off fits as well.
  void CheckNumbers() {
    const auto rounds = static_cast<int64_t>(rows_.committed.size());
    if (rounds != rows_.run.rounds_committed) {
      Fault("the journal has " + std::to_string(rounds) + " committed rounds, but the run says " +
            std::to_string(rows_.run.rounds_committed));
    }
    int64_t newest = -1;
    for (const RoundRecord* round : committed_) newest = std::max(newest, round->model_version);
    if (newest != rows_.run.model_version) {
      Fault("the newest version that a round made is " + std::to_string(newest) +
            ", but the run says " + std::to_string(rows_.run.model_version));
    }
  }

  void CheckUndecided(const TaskRecord& task) {
    if (!rows_.IsClosed(task)) {
      ++report_.results_open;
    } else {
      Fault(NameOf(task) + " was received and has no outcome, although its round has ended");
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
    const int64_t staleness = round.base_version - task.base_version;
    if (task.base_version >= 0 && (staleness < 0 || staleness > max_staleness_)) {
      Fault(NameOf(task) + ": it began with version " + std::to_string(task.base_version) +
            ", which round " + std::to_string(round.round) + " may not count");
    }
  }

  const RunRows& rows_;
  const int64_t max_staleness_;
  VerifyReport& report_;
  std::vector<const RoundRecord*> committed_;
  std::map<int64_t, std::vector<const TaskRecord*>> counted_;  // by round
  std::set<crypto::Digest> hashes_;
};

void SayWhatIsOpen(const RunRows& rows, VerifyReport& report) {
  if (storage::IsFinal(rows.run.state)) return;
  std::string text = "the run is " + std::string(Name(rows.run.state)) + ": ";
  text += report.results_open == 0 ? "rounds that are to come"
                                   : std::to_string(report.results_open) +
                                         " results of a round that has not ended, "
                                         "and all rounds that are to come";
  report.not_verified.push_back(std::move(text));
}

// Of a history that was removed only versions of the model are left, and the rounds that made them.
void CheckWhatRemains(const RunRows& rows, RoundReplayer& replayer, VerifyReport& report) {
  for (const RoundRecord& round : rows.rounds) {
    if (round.phase == Name(Phase::kCommitted)) replayer.CheckKeptFiles(round, report);
  }
  report.not_verified.emplace_back(
      "who counted in which round, and what sites were told: the run's history was removed "
      "([keep] history_days, history_rounds); the hashes of the versions that are left were looked "
      "at");
}

}  // namespace

Result<VerifyReport> VerifyRun(const VerifyInput& input, const RunRows& rows, Files& files,
                               Executor& compute) {
  VerifyReport report;
  report.run_id = rows.run.run_id;
  SKERRY_ASSIGN_OR_RETURN(const RunPlan plan, ParseRunFile(rows.run.run_file, "run file"));
  SKERRY_ASSIGN_OR_RETURN(std::shared_ptr<const learning::Program> program,
                          learning::MakeProgram(plan.spec));
  RoundReplayer replayer(input, rows, files, compute, plan, std::move(program));
  if (rows.histories_removed.contains(rows.run.run_id)) {
    CheckWhatRemains(rows, replayer, report);
    return report;
  }
  SKERRY_RETURN_IF_ERROR(Verifier(rows, plan, report).Run(input, replayer));
  report.calls_compared = !input.calls.empty();
  if (report.calls_compared) CallChecker(rows, input.confirmed, report).Check(input.calls);
  SayWhatIsOpen(rows, report);
  for (const auto& [reason, skipped] : report.skipped) {
    report.not_verified.push_back("the models of " + Ranges(skipped) + ": " + reason);
  }
  return report;
}

}  // namespace skerry::coordinator
