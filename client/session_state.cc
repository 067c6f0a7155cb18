// What a site keeps of a run between rounds. A task's state is a file of its own, which is there
// whole or not at all: it is proposed with the result, written down in the store as the run's state
// in the transaction that ends the task when it has counted, and of no meaning otherwise. So there
// is no moment at which a kill could leave half of it.

#include <cctype>
#include <utility>

#include "base/failpoint.h"
#include "client/personal_model_file.h"
#include "client/session.h"
#include "crypto/sha256.h"

namespace skerry::client {
namespace {

std::string Unfinished(const std::string& path) { return path + ".new"; }

}  // namespace

std::string Session::StatePath(int64_t task_id) const {
  return options_.state_dir + "/site-state/" + std::to_string(task_id) + ".safetensors";
}

// A state of the same round or a later one is of a history that the coordinator has left (it was
// restored from a backup): the run goes on without.
int64_t Session::BaseStateOf(const v1::Task& task) const {
  const auto found = site_states_.find(task.run_id());
  if (!task.site_state() || found == site_states_.end()) return 0;
  return found->second.round < task.round() ? found->second.task_id : 0;
}

Status Session::OpenStates(const Work& work, WorkOrder& order) {
  if (!work.task().site_state()) return OkStatus();
  SKERRY_ASSIGN_OR_RETURN(
      order.next_state, parts_.files.Open(Unfinished(StatePath(work.task_id)), OpenMode::kCreate));
  if (work.base_state == 0) return OkStatus();
  Result<std::unique_ptr<File>> base =
      parts_.files.Open(StatePath(work.base_state), OpenMode::kRead);
  if (base.ok()) {
    order.site_state = *std::move(base);
    return OkStatus();
  }
  if (base.status().code() != Code::kNotFound) return base.status();
  parts_.observer.Warn(Describe(work.task()) + ": " + base.status().message() +
                       "; beginning without what this site had kept of the run");
  return OkStatus();
}

// Power loss may take a result, which is made again; but the state of a result that was sent must
// be there when it counts, even if the result is just being made again.
Status Session::SealState(Work& work, const WorkDone& done) {
  if (!done.has_next_state) return OkStatus();
  const std::string path = StatePath(work.task_id);
  SKERRY_ASSIGN_OR_RETURN(const auto file,
                          parts_.files.Open(Unfinished(path), OpenMode::kReadWrite));
  SKERRY_RETURN_IF_ERROR(file->Sync());
  SKERRY_FAILPOINT("client/state-written");
  SKERRY_RETURN_IF_ERROR(parts_.files.Rename(Unfinished(path), path));
  SKERRY_RETURN_IF_ERROR(parts_.files.SyncDirectory(ParentDirectory(path)));
  work.next_state = true;
  return OkStatus();
}

// A run's id comes from the coordinator, and a file's name is made of it. Runs of another
// coordinator may have the same ids, and these files stay.
std::string Session::PersonalPath(const v1::Task& task) const {
  std::string name;
  for (const char c : task.run_id()) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    name += plain ? c : '_';
  }
  name += "-" + crypto::Sha256(coordinator_id_).Hex().substr(0, 8);
  return PersonalFolder() + "/" + name + ".safetensors";
}

std::string Session::PersonalFolder() const { return options_.state_dir + "/personal"; }

std::string Session::UnfinishedPersonalPath(int64_t task_id) const {
  return Unfinished(PersonalFolder() + "/" + std::to_string(task_id));
}

Status Session::OpenPersonal(Work& work, WorkOrder& order) {
  if (work.task().kind() != v1::EVALUATE || !HasPersonalModel(*order.spec)) return OkStatus();
  work.has_personal_file = true;
  SKERRY_ASSIGN_OR_RETURN(
      order.personal_model,
      parts_.files.Open(UnfinishedPersonalPath(work.task_id), OpenMode::kCreate));
  return OkStatus();
}

// The site's own model belongs to the site: it is there before the coordinator hears that its task
// is done, and stays when the run is over.
Status Session::SealPersonal(Work& work, const WorkDone& done) {
  if (!done.has_personal_model) return OkStatus();
  const std::string path = PersonalPath(work.task());
  const std::string unfinished = UnfinishedPersonalPath(work.task_id);
  SKERRY_ASSIGN_OR_RETURN(const auto file, parts_.files.Open(unfinished, OpenMode::kReadWrite));
  SKERRY_RETURN_IF_ERROR(file->Sync());
  SKERRY_RETURN_IF_ERROR(parts_.files.Rename(unfinished, path));
  SKERRY_RETURN_IF_ERROR(parts_.files.SyncDirectory(PersonalFolder()));
  work.has_personal_file = false;
  Say([&] { return Describe(work.task()) + ": this site's own model is " + path; });
  return OkStatus();
}

// Those of tasks that a process before this one left unfinished.
void Session::RemoveUnfinishedPersonal() {
  const Result<std::vector<std::string>> names = parts_.files.List(PersonalFolder());
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!name.ends_with(Unfinished(""))) continue;
    static_cast<void>(parts_.files.Remove(PersonalFolder() + "/" + name).ok());
  }
}

// A result is not sent before the store has its state: it could count, and the state be lost.
bool Session::WaitsForRoom(Work& work) const {
  if (!work.next_state || disk_full_.empty()) return false;
  work.not_before = look_for_room_at_;
  return true;
}

// The coordinator does not wait for the task's result. If it has received it once, the result may
// have counted, and a verdict be on its way: what is said of it with the next PullTask is final.
void Session::Unwanted(Work& work, const std::string& why) {
  if (!work.next_state) return Abandon(work.task_id, why);
  work.stage = Work::Stage::kSubmitted;
}

// The end of a task that has counted.
void Session::AdoptState(const Work& work) {
  const int64_t task_id = work.task_id;
  if (!work.next_state) return Drop(task_id);
  const storage::SiteState state = {work.task().run_id(), work.task().round(), task_id};
  site_states_[state.run_id] = state;
  unconfirmed_.erase(task_id);
  unkept_verdicts_.insert(task_id);  // KeepRest() lets go of it
  Drop(task_id);
  Keep(state);  // in one transaction with the task's end, which Drop() leaves for it
}

void Session::ForgetState(const std::string& run_id) {
  site_states_.erase(run_id);
  KeepSoon(storage::RemoveSiteState{run_id});
  RemoveUnusedStates();
}

// At once: its trainer may still be at it, and the task may be given again.
void Session::RemoveUnfinishedState(int64_t task_id) {
  static_cast<void>(parts_.files.Remove(Unfinished(StatePath(task_id))).ok());
}

void Session::RemoveUnusedStates() {
  remove_states_ = !unkept_.empty();  // else once the store does not name them: KeepRest()
  if (remove_states_) return;
  const std::string folder = options_.state_dir + "/site-state";
  std::set<std::string> used;
  for (const auto& [run_id, state] : site_states_) used.insert(StatePath(state.task_id));
  for (const auto& [task_id, work] : works_) {
    used.insert(StatePath(task_id));
    used.insert(Unfinished(StatePath(task_id)));
    used.insert(StatePath(work.base_state));
  }
  const Result<std::vector<std::string>> names = parts_.files.List(folder);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    std::string path = folder;
    path.append("/").append(name);
    if (!used.contains(path)) static_cast<void>(parts_.files.Remove(path).ok());
  }
}

}  // namespace skerry::client
