#include "storage/memory_client_store.h"

namespace skerry::storage {

Result<ClientSnapshot> MemoryClientStore::Load() {
  ClientSnapshot snapshot;
  snapshot.coordinator_id = coordinator_id_;
  for (const auto& [task_id, task] : tasks_) snapshot.tasks.push_back(task);
  for (const auto& [run_id, state] : states_) snapshot.states.push_back(state);
  return snapshot;
}

Status MemoryClientStore::Commit(const std::vector<ClientRecord>& records) {
  for (const ClientRecord& record : records) {
    if (const auto* task = std::get_if<ClientTask>(&record)) {
      tasks_[task->task_id] = *task;
    } else if (const auto* removed = std::get_if<RemoveClientTask>(&record)) {
      tasks_.erase(removed->task_id);
    } else if (const auto* state = std::get_if<SiteState>(&record)) {
      states_[state->run_id] = *state;
    } else if (const auto* dropped = std::get_if<RemoveSiteState>(&record)) {
      states_.erase(dropped->run_id);
    } else {
      coordinator_id_ = std::get<CoordinatorId>(record).id;
    }
  }
  return OkStatus();
}

}  // namespace skerry::storage
