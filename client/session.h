#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/id_set.h"
#include "base/random.h"
#include "base/status.h"
#include "client/model_files.h"
#include "client/result_files.h"
#include "client/task_lines.h"
#include "client/task_runner.h"
#include "client/work.h"
#include "rpc/coordinator_api.h"
#include "rpc/reaction.h"
#include "storage/client_store.h"

namespace skerry::client {

struct SessionOptions {
  std::string site;
  std::string state_dir;  // results and models on their way
  std::string version;    // of this software
  int32_t max_concurrent_tasks = 1;
  Duration retry_cap = 60s;  // between attempts to reach the coordinator
  std::vector<std::string> data_sources;
  int64_t certificate_expires_unix = 0;
  // Large files that one task leaves for the next: a model and a result are two.
  std::size_t most_spares = 0;
  uint64_t jitter_seed = 0;  // different in every process: delays and the process' name come of it
};

// Who wants to know what the session does. Called in the session's turns; must be quick.
class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  // One line for a log: "round 12: training finished, 199 examples".
  virtual void Say(const std::string& line) = 0;
  // False: nobody reads what Say() is told.
  virtual bool listens() const { return true; }
  // True: of many tasks, too, each is told by itself, as it happens.
  virtual bool wants_every_task() const { return false; }
  // The same about what went wrong: somebody at the site may have to do something.
  virtual void Warn(const std::string& line) { Say(line); }
  // A task came to nothing; the reason's hint is for this site's own people alone.
  virtual void TaskFailed(const std::string& task, const Status& reason);
  // The coordinator cannot be reached or does not let this site in; OK: it does again.
  virtual void HealthChanged(const Status& health) = 0;
};

// Borrowed; all must outlive the session.
struct SessionParts {
  Clock& clock;
  Files& files;
  rpc::CoordinatorApi& api;
  storage::ClientStore& store;
  TaskRunner& runner;
  SessionObserver& observer;
};

// One site's conversation with the coordinator: joins, keeps one long poll held, works on tasks,
// sends results and keeps each until its verdict. It survives its own death by the store and its
// files, and the coordinator's by repeating itself. Used by one thread at a time, with the
// callbacks of its parts; after each of them, and when the time has come, Step() must be called.
class Session {
 public:
  Session(const SessionParts& parts, SessionOptions options);

  // Reads the store: what an earlier process had in hand. Call it first.
  Status Open();
  // Does whatever is due. Returns when to be called again, if nothing happens before. Never waits.
  std::optional<Timestamp> Step();

  // Asks the trainers at work to stop: what they have done so far is done again later. Says what
  // the log has not been told yet.
  void StopWork();
  // Writes down what could wait: before this process ends by its own will.
  void KeepRest();

  // Why the session has ended: PERMISSION_DENIED (a newer process of this site has taken over),
  // UNIMPLEMENTED (the versions do not fit), or a failure of this side's own disk other than being
  // full, which is waited for. OK: it has not.
  const Status& ended() const { return ended_; }
  // OK when the coordinator answered last time.
  const Status& health() const { return health_; }
  bool joined() const { return joined_; }
  // What it does about each task for which it has no receipt.
  std::vector<v1::Progress> ProgressNow() const;
  // Tasks in hand.
  std::size_t num_tasks() const { return works_.size(); }
  // Whether the site keeps something of a run until the run's next round.
  bool keeps_state() const { return !site_states_.empty(); }

 private:
  enum class Control { kNone, kJoin, kPull, kHeartbeat };

  // The control calls: one of them is under way at any time, or waits for its next attempt.
  void StepControl(Timestamp now);
  Timestamp ControlDue() const;
  void CallJoin();
  void CallPull();
  void CallHeartbeat(Timestamp now);
  // They may take out of a reply what they keep.
  void OnJoined(v1::JoinReply& reply);
  void OnPulled(rpc::PulledTask& pulled);
  void OnHeartbeat(v1::HeartbeatReply& reply);
  void OnControlFailed(const Status& status);
  template <auto kHandle, class Reply>
  rpc::Callback<Reply> ControlCallback();
  void Healthy();
  void SayRestarted(const Status& status);

  // Tasks, each through fetching, training, submitting, waiting for its verdict.
  void StepWork(Work& work, Timestamp now);
  void Accept(rpc::PulledTask& pulled);
  Status CheckRoom(const Work& work);
  void Fetch(Work& work);
  void OnFetched(Work& work, std::shared_ptr<File> file, const Status& status);
  void Train(Work& work);
  void OnTrained(int64_t task_id, uint64_t life, Result<WorkDone> done);
  Status Seal(Work& work, WorkDone& done);
  bool IsMadeAgainSoon(const Work& work) const;
  Result<std::shared_ptr<File>> NewResult(Work& work);
  Result<std::shared_ptr<const File>> OpenResult(const Work& work) const;
  void Query(Work& work);
  void Submit(Work& work, uint64_t offset);
  v1::SubmitResultRequest::Start BeginSubmit(Work& work, uint64_t offset);
  void OnSubmitted(Work& work, bool over);
  bool MayRide(const Work& work) const;
  bool Rides(const Work& work, Timestamp now) const;
  void TakeAlong(v1::PullTaskRequest& request);
  void OnAnswers(const v1::PullTaskReply& reply);
  void LetOff();
  void OnSubmitFailed(Work& work, const Status& status);
  void ReportFailure(Work& work, const Status& reason);
  void SendFailure(Work& work);
  void OnVerdicts(const google::protobuf::RepeatedPtrField<v1::Verdict>& verdicts);
  void Abandon(int64_t task_id, const std::string& why);
  void Drop(int64_t task_id);
  void Retry(Work& work, const Status& status);
  void Unhindered(Work& work);
  Status CheckKeptResult(Work& work) const;
  void TrainAgain(Work& work, const Status& why);
  Work* Find(int64_t task_id, uint64_t life);
  rpc::Backoff NewBackoff(uint64_t step) const;

  // What the site keeps of runs between rounds.
  int64_t BaseStateOf(const v1::Task& task) const;
  Status OpenStates(const Work& work, WorkOrder& order);
  Status SealState(Work& work, const WorkDone& done);
  Status OpenPersonal(Work& work, WorkOrder& order);
  Status SealPersonal(Work& work, const WorkDone& done);
  void RemoveUnfinishedPersonal();
  bool WaitsForRoom(Work& work) const;
  void Unwanted(Work& work, const std::string& why);
  void AdoptState(const Work& work);
  void ForgetState(const std::string& run_id);
  std::string StatePath(int64_t task_id) const;
  std::string PersonalFolder() const;
  std::string PersonalPath(const v1::Task& task) const;
  std::string UnfinishedPersonalPath(int64_t task_id) const;
  void RemoveUnusedStates();
  void RemoveUnfinishedState(int64_t task_id);

  bool HasCapacity() const;
  int64_t ProgressMark() const;
  Duration ProgressInterval() const;
  void RemoveUnusedResults();
  void RemoveUnusedModels();
  void RemoveOldSpares();
  static storage::ClientRecord Mark(const Work& work, storage::ClientTask::State state);
  void Keep(storage::ClientRecord record);
  void KeepSoon(storage::ClientRecord record);
  std::optional<Timestamp> KeepDue() const;
  void End(Status status);
  // `line` makes the text, if somebody reads it.
  template <class Line>
  void Say(const Line& line) {
    if (parts_.observer.listens()) parts_.observer.Say(line());
  }
  // The same without where this site keeps its files: operators of the federation read it.
  std::string ForTheWire(std::string text) const;

  const SessionParts parts_;
  const SessionOptions options_;
  rpc::Backoff backoff_;  // of the control calls
  TaskLines lines_;
  SpareFiles spares_;
  Timestamp spares_until_;
  ModelFiles models_;
  ResultFiles results_;

  Status ended_;
  Status health_;
  bool joined_ = false;
  uint64_t epoch_ = 0;
  const uint32_t process_;  // tells this process' calls from those of others of the site
  uint64_t joins_ = 0;
  uint64_t ticket_ = 0;  // for the next Join
  std::string coordinator_id_;
  Duration heartbeat_ = 1s;  // as the coordinator wishes

  Control control_ = Control::kNone;
  uint64_t control_call_ = 0;  // the newest; answers to older ones are of no interest
  Timestamp control_not_before_;
  Timestamp heartbeat_sent_;
  int64_t heartbeat_mark_ = 0;  // of the progress that it carried

  // What the store has not got yet, in order: because it can wait, or because the disk is full.
  std::vector<storage::ClientRecord> unkept_;
  std::optional<Timestamp> keep_by_;  // what can wait is written by then
  std::string disk_full_;             // what it said; empty: there is room
  Timestamp look_for_room_at_;
  Timestamp quiet_from_;  // when the newest control call came back, or a result was made

  // Works whose results travel with the PullTask under way: task and life.
  std::vector<std::pair<int64_t, uint64_t>> riding_;

  std::map<int64_t, Work> works_;
  uint64_t last_life_ = 0;
  IdSet unconfirmed_;  // verdicts heard, not yet confirmed to the coordinator
  IdSet confirming_;   // of those: in the control call under way
  // Heard, but what follows from them is not on disk yet: the coordinator must not forget them.
  IdSet unkept_verdicts_;
  std::map<std::string, storage::SiteState> site_states_;  // by run
  bool remove_states_ = false;  // some are of no use any more; once the store does not name them
};

}  // namespace skerry::client
