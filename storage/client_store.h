#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"

namespace skerry::storage {

// What a client agent remembers of the tasks in its hands, so that one that was killed neither
// trains again what it had finished nor sends it twice.
struct ClientTask {  // key: task_id
  int64_t task_id = 0;
  enum class State { kTaken, kFinished, kSubmitted } state = State::kTaken;
  std::string task;      // a serialized v1::Task, without the model's contents
  std::string header;    // from kFinished on: a serialized v1::ResultHeader
  std::string contents;  // from kFinished on: the result, if it is too small for a file

  friend bool operator==(const ClientTask&, const ClientTask&) = default;
};
struct RemoveClientTask {
  int64_t task_id = 0;
};
struct CoordinatorId {  // of the coordinator that all tasks here came from
  std::string id;
};

using ClientRecord = std::variant<ClientTask, RemoveClientTask, CoordinatorId>;

struct ClientSnapshot {
  std::string coordinator_id;
  std::vector<ClientTask> tasks;  // by task_id
};

// Not thread-safe.
class ClientStore {
 public:
  virtual ~ClientStore() = default;
  virtual Result<ClientSnapshot> Load() = 0;
  // All of `records`, in order, or none; on return they survive kill -9 of this process. After
  // power loss the newest may be gone: the client then trains again, to the same bits.
  virtual Status Commit(const std::vector<ClientRecord>& records) = 0;
};

}  // namespace skerry::storage
