#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/files.h"
#include "base/random.h"
#include "coordinator/finalizer.h"
#include "coordinator/received.h"
#include "coordinator/run.h"
#include "coordinator/run_host.h"
#include "coordinator/site.h"
#include "coordinator/sites_on_call.h"
#include "coordinator/timer_queue.h"
#include "coordinator/upload_desk.h"
#include "coordinator/views.h"
#include "rpc/chunks.h"
#include "rpc/coordinator_api.h"
#include "skerry/v1/admin.pb.h"
#include "skerry/v1/coordinator.pb.h"
#include "storage/checkpoint_store.h"
#include "storage/journal.h"

namespace skerry::coordinator {

struct CoordinatorOptions {
  std::string state_dir;
  uint64_t spool_bytes = uint64_t{64} << 30;   // results on their way to their rounds
  int num_threads = 1;                         // that `compute` has
  uint64_t inline_bytes = uint64_t{64} << 10;  // models up to this size travel inside their tasks
  uint64_t small_version_bytes = kSmallVersionBytes;
  // A site whose call broke and that makes no new one for so long is lost: within ten seconds of a
  // client's death it is known.
  Duration grace = 9s;
  // After a restart, sites with a task are given so long to come back: a client tries at least so
  // often.
  Duration grace_after_restart = 60s;
  std::string version;  // of this software
  // Receipts wait so long for others to be committed with; 0: not at all.
  Duration receipt_window{0};
  // What a restart finds out by itself (a task was taken, a verdict heard), and results for whose
  // receipts nobody waits, are written within so long, with the next thing that is not; 0: at once.
  Duration soon_window{0};
  SitesOnCall* on_call = nullptr;
  // A step failed in a way after which the process cannot go on (a failed sync): end it.
  std::function<void(const Status&)> on_fatal;
};

// Borrowed; all must outlive the coordinator.
struct CoordinatorParts {
  Clock& clock;
  Files& files;
  storage::Journal& journal;
  storage::JournalReader& reader;  // used by Open(), then only by tasks on `reading`
  Executor& loop;                  // runs tasks in the coordinator's turns
  Executor& disk;                  // several threads
  Executor& compute;               // several threads
  Executor& reading;               // one task at a time
};

// The coordinator: sessions, tasks, results, runs. All methods are called by one thread at a time,
// which also runs `parts.loop`. What they change is staged; Flush() commits it in one transaction
// and only then lets replies and files go. Callbacks may come on any thread, and must not call back
// into this object but through `parts.loop`.
//
// `site` is always the name in the caller's certificate.
class Coordinator final : public RunHost {
 public:
  // Reads the journal and takes up every run where it stood. Errors are the journal's, or name the
  // run that cannot go on.
  static Result<std::unique_ptr<Coordinator>> Open(const CoordinatorParts& parts,
                                                   CoordinatorOptions options);
  ~Coordinator() override;

  // ---- For sites (docs/wire.md) ----
  void Join(const std::string& site, v1::JoinRequest request, rpc::Callback<v1::JoinReply> done);
  // `call_id` names the call for CallBroken(); no two calls have the same.
  void PullTask(const std::string& site, uint64_t call_id, v1::PullTaskRequest request,
                rpc::Callback<v1::PullTaskReply> done);
  // The same, with results that were looked at on another thread.
  void PullTask(const std::string& site, uint64_t call_id, ReceivedPoll poll,
                rpc::Callback<v1::PullTaskReply> done);
  // Likewise, for sites in this process.
  void PullApart(const std::string& site, uint64_t call_id, ReceivedPoll poll,
                 rpc::Callback<rpc::PulledTask> done);
  void Heartbeat(const std::string& site, uint64_t call_id, const v1::HeartbeatRequest& request,
                 rpc::Callback<v1::HeartbeatReply> done);
  // The transport saw the end of a call that is still held. Its callback is not called any more.
  void CallBroken(const std::string& site, uint64_t call_id);
  void QueryUpload(const std::string& site, const v1::QueryUploadRequest& request,
                   rpc::Callback<v1::QueryUploadReply> done);
  void ReportFailure(const std::string& site, const v1::ReportFailureRequest& request,
                     rpc::Callback<v1::ReportFailureReply> done);
  // The chunks of a model version from an offset, to be read on `parts.disk`.
  void OpenModel(const std::string& site, const v1::PullModelRequest& request,
                 rpc::Callback<std::shared_ptr<rpc::ChunkSource>> done);
  // An upload to append chunks to on `parts.disk`, one after the other, and then to finish; or
  // null: the result is here already, and FinishUpload is not needed.
  void BeginUpload(const std::string& site, const v1::SubmitResultRequest::Start& start,
                   rpc::Callback<std::shared_ptr<Upload>> done);
  void FinishUpload(std::shared_ptr<Upload> upload, rpc::Callback<v1::SubmitResultReply> done);
  // All of these in one, for a result of at most rpc::kSmallResultBytes.
  void SubmitSmallResult(const std::string& site, v1::SubmitSmallResultRequest request,
                         rpc::Callback<v1::SubmitResultReply> done);
  // The same of one that was looked at on another thread.
  void SubmitReceived(const std::string& site, ReceivedResult result,
                      rpc::Callback<v1::SubmitResultReply> done);

  // The process of a site on call has ended by itself, with nothing in hand: from now on it takes
  // no memory but a few words. False, and nothing is done: there is something that it should hear.
  bool Rest(const std::string& site);

  // ---- For operators ----
  void SubmitRun(const v1::SubmitRunRequest& request, rpc::Callback<v1::SubmitRunReply> done);
  // The same for a plan that has been read already, and with whom its rounds shall take place.
  Result<std::string> SubmitPlan(RunPlan plan, std::unique_ptr<Participants> replay);
  void ListRuns(rpc::Callback<v1::ListRunsReply> done);
  void ShowRun(const v1::ShowRunRequest& request, rpc::Callback<v1::ShowRunReply> done);
  void WatchRun(const v1::WatchRunRequest& request, rpc::Callback<v1::WatchRunReply> done);
  void StopRun(const std::string& run_id, rpc::Callback<v1::StopRunReply> done);
  void ResumeRun(const std::string& run_id, rpc::Callback<v1::ResumeRunReply> done);
  void ExportHistory(const std::string& run_id, rpc::Callback<v1::ExportHistoryReply> done);
  void ListSites(rpc::Callback<v1::ListSitesReply> done);
  // A committed version (-1: the newest) and its chunks, verified.
  struct ExportedModel {
    v1::ModelRef model;
    std::shared_ptr<rpc::ChunkSource> chunks;
  };
  void ExportModel(const v1::ExportModelRequest& request, rpc::Callback<ExportedModel> done);

  // ---- For the loop ----
  // When Flush() should be called even if nothing happens.
  std::optional<Timestamp> NextDue() const;
  // Runs what is due, commits, releases. RESOURCE_EXHAUSTED: the disk is full, nothing is released;
  // call again later, and nothing else meanwhile. Any other error: end the process.
  Status Flush();
  // Ends all held calls, and from now on holds none, so that clients look for a new connection:
  // before a shutdown.
  void EndHeldCalls();
  // For tests and simulation.
  const Run* FindRun(const std::string& run_id) const;

  // ---- RunHost ----
  Timestamp Now() const override { return parts_.clock.Now(); }
  WallTime WallNow() const override { return parts_.clock.WallNow(); }
  void Stage(storage::Record record) override {
    batch_.push_back(std::move(record));
    commit_by_ = Now();
  }
  void StageTask(const std::shared_ptr<TaskRow>& task) override;
  void StageReceipt(const std::shared_ptr<TaskRow>& task) override;
  void StageSoon(const std::shared_ptr<TaskRow>& task) override;
  int64_t NewTaskId() override { return ++last_task_id_; }
  bool IsConnected(const std::string& site) const override;
  void OfferTask(Run& run, int32_t place, int64_t task_id) override;
  void WithdrawTask(const std::string& site, int64_t task_id) override;
  void AskResend(const std::string& site, int64_t task_id) override;
  void ForgetTask(int64_t task_id) override;
  void TellOutcome(const std::shared_ptr<TaskRow>& task) override;
  void StartFinalize(Run& run, int64_t ticket, FinalizeInput input) override;
  Status VerifyVersion(const std::string& run_id, const ModelVersion& version) override;
  void RemoveResults(std::vector<int64_t> task_ids) override;
  void KeepResults(std::vector<int64_t> task_ids) override;
  void RemoveVersions(const std::string& run_id, std::vector<int64_t> versions) override;
  void RunEnded(Run& run) override;

 private:
  struct OpenTask {
    Run* run = nullptr;
    int32_t place = 0;
  };
  struct Watcher {
    uint64_t after_change = 0;
    Timestamp until;
    rpc::Callback<v1::WatchRunReply> done;
  };

  Coordinator(const CoordinatorParts& parts, CoordinatorOptions options);
  Status Restore();
  Status ExpectSitesAtWork(const storage::RunRecord& record, storage::JournalReader& reader);
  Status RestoreRun(const storage::RunRecord& record, storage::JournalReader& reader);
  Status RestoreSmallVersions(const storage::RunRecord& record, storage::JournalReader& reader);
  Status RemoveLeftovers(const Run& run, storage::JournalReader& reader);
  void WatchHistory(const Run& run);
  std::optional<Timestamp> NextHistoryEnd() const;
  void RemoveOldHistories();
  void RemoveHistory(const Run& run, const Result<std::vector<storage::RoundRecord>>& rounds);

  Site& GetSite(const std::string& name);
  bool IsOnCall(const std::string& site) const;
  Site* FindSite(const std::string& name) const;
  Status CheckSession(const Site* site, uint64_t epoch) const;
  Status CheckJoin(const Site& site, const v1::JoinRequest& request) const;
  uint64_t TicketFor(Site& site, const v1::JoinRequest& request);
  void StartSession(Site& site, const v1::JoinRequest& request);
  void TellOfEndedRuns(Site& site, const v1::PullTaskRequest& request);
  v1::JoinReply::Settlement Settle(Site& site, const v1::HeldTask& held);
  void Confirm(Site& site, const google::protobuf::RepeatedField<int64_t>& task_ids);
  void NoteProgress(Site& site, const google::protobuf::RepeatedPtrField<v1::Progress>& all);
  void Connected(Site& site);
  void Lost(Site& site);
  void MarkDirty(Site& site);
  void AnswerAll();
  void AnswerPull(Site& site, bool hold_is_over);
  void AnswerHeartbeat(Site& site, bool hold_is_over);
  void DropHeldCalls(Site& site, const Status& status);
  bool FillTask(Site& site, rpc::PulledTask& pulled);
  void AppendVerdicts(const Site& site, google::protobuf::RepeatedPtrField<v1::Verdict>* out) const;
  std::vector<int64_t> TasksToAbandon(const Site& site) const;
  std::shared_ptr<const std::string> InlineModel(const Run& run, const v1::ModelRef& model);
  Timestamp HoldEnd();
  Timestamp PullHoldEnd(const Site& site);
  Duration ProgressInterval() const;
  // The open task with this id, if this site has it.
  const OpenTask* FindTask(const std::string& site, int64_t task_id) const;
  Status CheckSpoolFits(const Run& run) const;
  Status CheckDiskFits(const Run& run);
  static uint64_t DiskBytes(const Run& run);
  static uint64_t ResultBytes(const Run& run);
  static uint64_t RoundBytes(const Run& run);
  UploadDesk::Room RoomFor(const Run& run) const;
  static Status ShuttingDown() { return Unavailable("the coordinator is shutting down"); }
  Result<bool> WantsResult(const std::string& site,
                           const v1::SubmitResultRequest::Start& start) const;
  Result<std::shared_ptr<Upload>> AdmitUpload(const std::string& site,
                                              const v1::SubmitResultRequest::Start& start);
  bool StandsForMany(const std::string& site, int64_t task_id) const;
  Status TakeSmallResult(const std::string& site, ReceivedResult& result);
  void TakeResults(Site& site, ReceivedPoll& poll);
  void TakeResult(Site& site, ReceivedResult& result);
  void UploadChecked(const std::shared_ptr<Upload>& upload,
                     Result<std::vector<learning::Metric>> checked,
                     rpc::Callback<v1::SubmitResultReply> done);

  Result<Run*> ResolveRun(const std::string& run_id) const;
  std::vector<SitePresence> PresenceIn(const Run& run) const;
  void TellWhoIsAway(const Run& run, v1::SubmitRunReply& reply) const;
  v1::WatchRunReply WatchReply(const Run& run) const;
  // Each site of the roster as it is now; of one that is lost, since when.
  std::vector<v1::SiteInRound> SitesNow(const Run& run) const;
  void AnswerWatchers();
  void StageWithin(Duration time, const std::shared_ptr<TaskRow>& task);
  void Committed();
  void FinishSmallRounds();
  void WriteOutEndedRuns();
  void Finalized(Run& run, int64_t ticket, Result<FinalizeOutput> output);
  bool MustCommit() const { return commit_by_ && *commit_by_ <= Now(); }
  // Gives the answer after the next commit, if anything waits for one.
  template <class Message>
  void Reply(rpc::Callback<Message> done, Result<Message> reply) {
    Send<Message>(std::move(done), std::move(reply), receipts_wait_ || MustCommit());
  }
  template <class Message>
  void Send(rpc::Callback<Message> done, Result<Message> reply, bool after_commit) {
    (after_commit ? after_commit_ : replies_)
        .emplace_back([done = std::move(done), reply = std::move(reply)]() mutable {
          done(std::move(reply));
        });
  }

  CoordinatorParts parts_;
  const CoordinatorOptions options_;
  storage::CheckpointStore checkpoints_;
  UploadDesk uploads_;
  Finalizer finalizer_;
  Finalizer small_finalizer_;  // in the coordinator's own turns
  std::string coordinator_id_;
  int64_t last_task_id_ = 0;
  uint64_t last_ticket_ = 0;
  RandomStream jitter_;

  std::unordered_map<std::string, std::unique_ptr<Site>> sites_;
  std::vector<Site*> sites_by_number_;  // null: free to be given again
  std::vector<uint64_t> free_numbers_;
  struct Rested {
    uint64_t epoch = 0;
    WallTime first_seen;
  };
  std::unordered_map<std::string, Rested> rested_;  // what is left of sites that are on call again
  std::vector<std::unique_ptr<Run>> runs_;          // by number
  std::multimap<WallTime, const Run*> history_ends_;  // ended runs whose history is yet to go
  std::unordered_map<int64_t, OpenTask> tasks_;
  TimerQueue<uint64_t> site_timers_;  // by site number: the end of a hold, or of a grace
  std::vector<Site*> dirty_;
  std::size_t num_connected_ = 0;
  bool holds_calls_ = true;                               // until EndHeldCalls()
  std::map<std::string, std::vector<Watcher>> watchers_;  // by run
  // What sites get of a run's current version.
  struct ServedModel {
    int64_t version = -1;
    std::shared_ptr<const std::string> contents;  // if it is small
    std::shared_ptr<rpc::KnownChunks> known_chunks = std::make_shared<rpc::KnownChunks>();
  };
  ServedModel& Served(const std::string& run_id, int64_t version);
  std::map<std::string, ServedModel> served_models_;  // by run

  // Of rounds so small that they are made here, and are in one commit with what closed them.
  struct SmallFinalize {
    Run* run = nullptr;
    int64_t ticket = 0;
    FinalizeInput input;
  };
  std::vector<SmallFinalize> small_finalizes_;

  storage::WriteBatch batch_;
  std::vector<std::shared_ptr<TaskRow>> staged_tasks_;  // in it
  std::optional<Timestamp> commit_by_;                  // the batch
  bool receipts_wait_ = false;                          // for its commit
  Duration receipt_window_;                             // of the call that is being dealt with
  std::vector<std::function<void()>> replies_;          // that need no commit
  std::vector<std::function<void()>> after_commit_;
  std::vector<std::string> ended_runs_;          // since the last commit
  std::vector<std::function<void()>> removals_;  // once nobody waits for it: files of no more use
};

}  // namespace skerry::coordinator
