#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "coordinator/model_metadata.h"
#include "coordinator/retention.h"
#include "coordinator/round_machine.h"
#include "coordinator/run_host.h"
#include "coordinator/run_plan.h"
#include "crypto/digest.h"
#include "learning/program.h"
#include "skerry/v1/admin.pb.h"
#include "skerry/v1/task.pb.h"
#include "storage/journal.h"
#include "storage/records.h"

namespace skerry::coordinator {

// With which the reason of a pause begins that ends when there is room on the disk.
constexpr std::string_view kDiskFull = "disk_full";

// A site that was counted in a round of an earlier execution.
struct Participant {
  std::string site;
  int64_t base_version = -1;  // that its update began with; -1: the newest

  friend auto operator<=>(const Participant&, const Participant&) = default;
};

// Who was counted in each of its rounds, by name.
using Participants = std::map<int64_t, std::vector<Participant>>;

// The task of one site in the round under way; in an asynchronous one, it may be from an earlier
// round.
struct TaskSlot {
  std::shared_ptr<TaskRow> row = std::make_shared<TaskRow>();
  storage::TaskRecord& record() { return row->record; }
  const storage::TaskRecord& record() const { return row->record; }
  std::shared_ptr<const v1::ResultHeader> header;  // once it has reported
  v1::Progress progress;
  Timestamp last_advance;  // of the progress
};

// One run in memory: feeds events to the round machine, and turns its effects into rows, tasks and
// work. Belongs to the coordinator's thread. `host` must outlive it.
class Run {
 public:
  // `replay`: rounds take exactly these participants; null: by the contract.
  static Result<std::unique_ptr<Run>> Create(RunHost& host, RunPlan plan, storage::RunRecord record,
                                             std::unique_ptr<Participants> replay);

  // A new run begins.
  void Start();
  // A run that an earlier process left behind goes on where it stood.
  Status Restore(storage::JournalReader& journal);

  void OnSiteConnected(int32_t place);
  void OnSiteLost(int32_t place);
  void OnTaken(int32_t place);
  void OnProgress(int32_t place, const v1::Progress& progress);
  // `header_bytes`: the header, serialized.
  void OnReported(int32_t place, v1::ResultHeader header, std::string header_bytes,
                  const std::vector<learning::Metric>& metrics);
  void OnFailed(int32_t place, const Status& reason);
  // The site lost its result, or cannot get the model whole; `reason` is what it says.
  void OnDataLost(int32_t place, const Status& reason);
  void OnFinalized(int64_t ticket, Result<FinalizeOutput> output);
  void OnTime();
  std::optional<Timestamp> NextDue() const;

  // By an operator. FAILED_PRECONDITION when the run has ended, or (Resume) is not paused.
  Status Stop();
  Status Resume();

  const storage::RunRecord& record() const { return record_; }
  const RunPlan& plan() const { return plan_; }
  const Contract& contract() const { return contract_; }
  // What the run file allows but hardly means: a rule that protects less than it promises with a
  // mere quorum; versions that are compared on rows of different sites. For a person.
  std::vector<std::string> Warnings() const;
  const learning::Program& program() const { return *program_; }
  std::shared_ptr<const learning::Program> shared_program() const { return program_; }
  const std::optional<learning::RoundSpec>& round_spec() const { return spec_; }
  // rpc::LayoutHash of its result layout, which takes long to make.
  const crypto::Digest& layout_hash() const { return layout_hash_; }
  const storage::RoundRecord& round() const { return round_; }
  const RoundState& round_state() const { return state_; }
  const std::optional<ModelVersion>& base() const { return base_; }
  // A version that a site's task may begin with now; null: none does.
  const ModelVersion* FindServed(int64_t version) const;
  // Asynchronous runs: how many versions have been made since the one that the task began with.
  int64_t StalenessOf(const storage::TaskRecord& task) const;
  int64_t last_committed_round() const { return history_.empty() ? -1 : history_.back().round; }
  // The last committed round as operators see it, with the federation's metrics.
  const std::optional<v1::RoundSummary>& last_committed() const { return last_summary_; }
  // What is on disk: versions, and the results of earlier rounds.
  const std::vector<int64_t>& kept_versions() const { return kept_versions_.versions(); }
  std::vector<int64_t> kept_updates() const { return kept_updates_.task_ids(); }
  // In the roster; nullopt: the site has no part in this run.
  std::optional<int32_t> PlaceOf(const std::string& site) const;
  // The slot of a site in the round under way, if it has a task.
  const TaskSlot* FindSlot(int32_t place) const;
  const std::unordered_map<int32_t, TaskSlot>& slots() const { return slots_; }
  // The site's task, without the model's contents. Its id says nothing: those who have the same
  // task get the same object.
  std::shared_ptr<const v1::Task> SharedTask(int32_t place);
  bool ended() const { return storage::IsFinal(record_.state); }
  bool paused() const { return record_.state == storage::RunState::kPaused; }
  // A pause that ends when enough sites are there, or room on the disk.
  bool resumes_itself() const {
    return paused() && (resumes_itself_ || record_.reason.starts_with(kDiskFull));
  }
  // Grows with every change.
  uint64_t change() const { return change_; }
  // What it waits for, for a person; "" when it waits for nothing.
  std::string WaitsFor() const;

 private:
  Run(RunHost& host, RunPlan plan, storage::RunRecord record,
      std::shared_ptr<const learning::Program> program, Contract contract,
      std::unique_ptr<Participants> replay);

  void BeginNextRound();
  void TakeLayout();
  void BeginAttempt(int64_t attempt, std::vector<Seat> seats);
  Status RestoreKeptUpdates(storage::JournalReader& journal);
  Status RestoreTrack(storage::JournalReader& journal);
  Status RestoreTrackOf(int64_t first, int64_t last, storage::JournalReader& journal);
  void OfferOpenTasks();
  void RestoreRound(const storage::RoundRecord& record, std::vector<storage::TaskRecord> tasks);
  void LookWhoIsConnected();
  std::vector<Seat> SeatsNow() const;
  std::vector<int32_t> ReportedNow() const;
  bool IsAsynchronous(const learning::RoundSpec& spec) const;
  bool GoesOn(const TaskSlot& slot) const;
  bool IsTooStale(const TaskSlot& slot) const;
  void OnBaseLost(int32_t place, const Status& reason);
  void TakeOverTasks();
  void ForgetOldVersions();
  std::vector<bool> Awaited() const;
  int64_t NextArrival() const;
  int64_t BaseFor(int32_t place) const;
  const ModelVersion& BaseOf(const TaskSlot& slot) const;
  v1::Task MakeTask(const TaskSlot& slot) const;
  std::optional<learning::RoundSpec> EarlierSpec(const TaskSlot& slot) const;
  std::string WhyNotCounted(const TaskSlot& slot) const;
  RoundPolicy PolicyFor(const learning::RoundSpec& spec) const;
  bool DrawsFor(const learning::RoundSpec& spec) const;
  void SetBuffer(const learning::RoundSpec& spec, RoundPolicy& policy) const;
  void Feed(const Event& event);
  void Take(Transition transition);
  void Do(const Invite& effect);
  void Do(const AskResend& effect);
  void Do(const Finalize& effect);
  void Do(const Commit& effect);
  void Do(const Abandon& effect);
  void NoteInvited(const std::vector<int32_t>& places);
  void OfferTask(int32_t place);
  void StartFinalize(const std::vector<int32_t>& counted);
  void CatchUp();
  void CloseTasks(const std::vector<int32_t>& counted);
  void Remember(learning::RoundOutcome outcome);
  void NoteAbsences(const std::vector<int32_t>& counted);
  void NoteTrack(const storage::TaskRecord& task, const v1::ResultHeader& header);
  void RemoveOldFiles();
  void RemoveOldRounds();
  void MaybeResume();
  void ForgetFailures();
  void LookForStalledTasks();
  void Pause(const std::string& reason, const std::string& hint, bool resumes_itself);
  void Unpause();
  void WaitForRoom(const Status& full);
  void End(storage::RunState state, const std::string& reason);
  void FinishRun();
  void StageRun();
  void StageRound();
  void Note(std::string code, std::string message, const std::string& site = "");
  TaskSlot* MutableSlot(int32_t place);
  std::string NamesOf(const std::vector<int32_t>& places) const;
  std::string FailuresByReason() const;
  std::string AbsencesByRounds() const;
  std::string AbandonReason() const;
  std::string NeededName() const;
  std::string WaitsForBuffer() const;

  RunHost& host_;
  const RunPlan plan_;
  const std::string spec_bytes_;  // the serialized v1::RunSpec that sites get
  const std::string spec_sha256_;
  const std::shared_ptr<const learning::Program> program_;  // finalizers in flight hold it too
  const Contract contract_;
  const std::unique_ptr<Participants> replay_;

  storage::RunRecord record_;
  std::vector<learning::RoundOutcome> history_;  // as much of it as the program looks at
  std::optional<ModelVersion> base_;
  std::optional<ModelMetadata> metadata_;     // from the first round on that this process closes
  std::map<int64_t, ModelVersion> versions_;  // the kept ones of an asynchronous run
  std::optional<v1::RoundSummary> last_summary_;
  std::string chain_hash_;              // of the last committed round
  std::shared_ptr<TrackRecord> track_;  // null: the draw does not look at it
  Scores scores_;  // of the kept versions, by the metric that decides which is best
  KeptVersions kept_versions_;
  KeptUpdates kept_updates_;
  std::optional<learning::RoundSpec> spec_;  // of the round under way
  v1::ResultLayout layout_proto_;
  crypto::Digest layout_hash_;
  std::shared_ptr<const v1::Task> shared_task_;  // the newest; null: the next one is another
  int64_t shared_base_ = -1;                     // TaskRecord.base_version of its sites
  RoundPolicy policy_;
  RoundState state_;
  storage::RoundRecord round_;
  std::vector<bool> connected_;                  // by place, as the host has told
  std::unordered_map<int32_t, TaskSlot> slots_;  // by place
  std::vector<int32_t> counted_;                 // in the finalizer now
  std::optional<FinalizeOutput> finalized_;
  int64_t ticket_ = 0;
  bool initializing_ = false;                  // the first version is being made
  bool resumes_itself_ = false;                // paused, until enough sites are there
  std::optional<Timestamp> look_for_room_at_;  // paused, until there is room on the disk
  Timestamp last_persisted_;                   // of the elapsed time
  uint64_t change_ = 0;
};

}  // namespace skerry::coordinator
