#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "storage/shared_text.h"

namespace skerry::storage {

// What a client agent remembers of the tasks in its hands, so that one that was killed neither
// trains again what took it long nor sends anything twice.
struct ClientTask {  // key: task_id
  int64_t task_id = 0;
  enum class State { kTaken, kFinished, kSubmitted } state = State::kTaken;
  SharedText task;    // a serialized v1::Task, without the model's contents; its id says nothing
  SharedText header;  // from kFinished on: a serialized v1::ResultHeader
  std::string contents = {};  // from kFinished on: the result, if it is too small for a file
  int64_t base_state = 0;     // the task whose site state this one begins from; 0: from none
  bool next_state = false;    // it has proposed a site state

  friend bool operator==(const ClientTask&, const ClientTask&) = default;
};
struct RemoveClientTask {
  int64_t task_id = 0;
};
// What the site keeps of a run between rounds: the state that this task, which was counted, had
// proposed. The state itself is a file.
struct SiteState {  // key: run_id
  std::string run_id;
  int64_t round = 0;
  int64_t task_id = 0;

  friend bool operator==(const SiteState&, const SiteState&) = default;
};
struct RemoveSiteState {
  std::string run_id;
};
struct CoordinatorId {  // of the coordinator that all tasks here came from
  std::string id;
};

using ClientRecord =
    std::variant<ClientTask, RemoveClientTask, SiteState, RemoveSiteState, CoordinatorId>;

// Whether these must survive power loss too: a site state cannot be made again once its task has
// its verdict.
bool HasSiteState(const std::vector<ClientRecord>& records);

struct ClientSnapshot {
  std::string coordinator_id;
  std::vector<ClientTask> tasks;  // by task_id
  std::vector<SiteState> states;  // by run_id
};

// Not thread-safe.
class ClientStore {
 public:
  virtual ~ClientStore() = default;
  virtual Result<ClientSnapshot> Load() = 0;
  // All of `records`, in order, or none; on return they survive kill -9 of this process, and, if
  // HasSiteState(records), with all before them power loss. Without that the newest may be gone
  // then: the client trains again, to the same bits.
  virtual Status Commit(const std::vector<ClientRecord>& records) = 0;
};

}  // namespace skerry::storage
