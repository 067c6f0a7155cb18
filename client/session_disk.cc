// What a session does when its own disk is full or damaged.

#include <iterator>
#include <utility>

#include "base/failpoint.h"
#include "client/session.h"
#include "rpc/chunks.h"

namespace skerry::client {
namespace {

using storage::ClientTask;
using Stage = Work::Stage;

constexpr Duration kLookForRoomEvery = 1s;
// What can wait is written with what cannot; alone, after so long.
constexpr Duration kKeepWithin = 1200ms;

// The task that a record is about; 0: none.
int64_t TaskOf(const storage::ClientRecord& record) {
  if (const auto* task = std::get_if<ClientTask>(&record)) return task->task_id;
  if (const auto* gone = std::get_if<storage::RemoveClientTask>(&record)) return gone->task_id;
  return 0;
}

}  // namespace

// A task's record is filled in when it is written: most are replaced before.
storage::ClientRecord Session::Mark(const Work& work, ClientTask::State state) {
  ClientTask record;
  record.task_id = work.task_id;
  record.state = state;
  return record;
}

void Session::Keep(storage::ClientRecord record) {
  KeepSoon(std::move(record));
  KeepRest();
}

// For what a restart finds out by itself: that a task was taken, or its result made in no time (the
// coordinator gives it again), received (it says so when asked), or is over (it drops it at Join).
// A task of which nothing but the last record is written costs one commit.
void Session::KeepSoon(storage::ClientRecord record) {
  const int64_t task_id = TaskOf(record);
  if (task_id != 0) {
    std::erase_if(unkept_, [task_id](const auto& other) { return TaskOf(other) == task_id; });
  }
  unkept_.push_back(std::move(record));
  if (!keep_by_) keep_by_ = parts_.clock.Now() + kKeepWithin;
}

std::optional<Timestamp> Session::KeepDue() const {
  if (unkept_.empty()) return std::nullopt;
  return disk_full_.empty() ? keep_by_ : look_for_room_at_;
}

// While the disk is full the work goes on without being written down. If this process dies then,
// the next one does some of it again, to the same bits; since the records stay in order, it never
// takes another coordinator's task for this one's.
void Session::KeepRest() {
  if (unkept_.empty() || !ended_.ok()) return;
  SKERRY_FAILPOINT("client/commit-begins");
  keep_by_.reset();
  for (storage::ClientRecord& record : unkept_) {
    auto* task = std::get_if<ClientTask>(&record);
    if (task != nullptr) *task = works_.at(task->task_id).Record(task->state);
  }
  const Status status = parts_.store.Commit(unkept_);
  if (status.code() == Code::kResourceExhausted) {
    spares_.RemoveAll();
    if (disk_full_.empty()) {
      parts_.observer.Say(status.message() + "; waiting for room, nothing is lost");
    }
    disk_full_ = status.message();
    look_for_room_at_ = parts_.clock.Now() + kLookForRoomEvery;
    return;
  }
  if (!status.ok()) return End(status);
  unkept_.clear();
  for (const int64_t task_id : unkept_verdicts_) unconfirmed_.insert(task_id);
  unkept_verdicts_.clear();
  if (remove_states_) RemoveUnusedStates();
  if (disk_full_.empty()) return;
  disk_full_.clear();
  parts_.observer.Say("there is room on the disk again");
}

// DATA_LOSS names the file and both hashes.
Status Session::CheckKeptResult(Work& work) const {
  const std::string path = results_.PathOf(work.task_id);
  SKERRY_ASSIGN_OR_RETURN(const auto file, OpenResult(work));
  SKERRY_ASSIGN_OR_RETURN(const crypto::Digest hash, rpc::ResultHash(work.Header(), *file));
  if (hash.view() == work.Header().content_hash()) return OkStatus();
  SKERRY_ASSIGN_OR_RETURN(const crypto::Digest expected,
                          crypto::Digest::FromBytes(work.Header().content_hash()));
  return DataLoss(path + " is damaged: its content hash is " + hash.Hex() + ", the store says " +
                  expected.Hex());
}

// The kept result is gone or damaged (power loss, a disk), and with it nothing but time.
void Session::TrainAgain(Work& work, const Status& why) {
  parts_.observer.Say(Describe(work.task()) + ": " + why.message() +
                      "; training again, to the same bits");
  work.stage = Stage::kFetching;
  work.model.reset();
  work.SetHeader({});
  work.known_chunks.reset();
  work.small_result.reset();
  work.resumes = 0;
  Keep(Mark(work, ClientTask::State::kTaken));
  Retry(work, why);
}

void Session::Unhindered(Work& work) {
  work.trouble.clear();
  work.resumes = 0;
  work.backoff.Reset();
}

}  // namespace skerry::client
