#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/status.h"
#include "learning/progress.h"
#include "rpc/chunks.h"
#include "rpc/parsed_layout.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// How far a task has come. Written by the thread that works, read by the session.
struct WorkProgress {
  std::atomic<int64_t> done{0};
  std::atomic<int64_t> total{0};
};

// A task to be worked on.
struct WorkOrder {
  int64_t task_id = 0;
  std::shared_ptr<const v1::Task> task;             // its id says nothing: other sites may share it
  std::shared_ptr<const rpc::ParsedLayout> layout;  // the task's; null: nobody has parsed it yet
  std::string coordinator_id;  // whose run it is: another coordinator's may have the same name
  std::shared_ptr<const v1::RunSpec> spec;
  std::shared_ptr<File> model;  // the model version, verified; null when the task needs none
  std::shared_ptr<File>
      result;  // empty; receives the bytes in the order of the task's result_layout
  // Of a task with site_state: what this site keeps of the run, null when there is nothing yet; and
  // an empty file for what it keeps once this task has counted. The same task has the same input
  // however often it is worked on.
  std::shared_ptr<const File> site_state;
  std::shared_ptr<File> next_state;
  // Of the task that evaluates the run's last model: an empty file for the site's own one. Null of
  // other tasks, and in runs without such models.
  std::shared_ptr<File> personal_model;
  std::stop_token stop;
  std::shared_ptr<WorkProgress> progress;
};

// For long loops over rows: tells how far the order's work has come, and ends it with CANCELLED
// when it is stopped. The order outlives it.
learning::RowProgress ProgressOf(const WorkOrder& order);

// What a result says beside its bytes.
struct WorkDone {
  int64_t num_examples = 0;
  std::map<std::string, double> scalars;
  v1::ResultHeader header = {};  // what the result travels under; empty: nobody has hashed it yet
  std::shared_ptr<rpc::KnownChunks> known_chunks = nullptr;  // of the result, once it is hashed
  std::vector<std::string> remarks = {};  // for the site's own log, not part of the result
  bool has_next_state = false;            // WorkOrder.next_state was written
  bool has_personal_model = false;        // and personal_model
};

// Makes the header of a result, with the hash of all its bytes: a trainer's thread has the time for
// that.
Status Seal(const WorkOrder& order, WorkDone& done);
// The same of its parts.
Status Seal(int64_t task_id, const rpc::ParsedLayout& layout, const File& result, WorkDone& done);

// Local work. Run() blocks until the task is done, and may be called from several threads at once.
// CANCELLED when `stop` was requested; RESOURCE_EXHAUSTED when the disk is full, UNAVAILABLE when
// the data are locked: the task is tried again later. Any other error is reported to the
// coordinator, without its hint: FAILED_PRECONDITION and INVALID_ARGUMENT for what is wrong with
// the site's data, PERMISSION_DENIED for what the site's policy forbids.
class Trainer {
 public:
  virtual ~Trainer() = default;
  virtual Result<WorkDone> Run(const WorkOrder& order) = 0;
};

// Run(), with the result's header made while a thread has the time for that. UNAVAILABLE, too, when
// a large result cannot be read back.
Result<WorkDone> RunAndSeal(Trainer& trainer, const WorkOrder& order);

// Where trainers run: threads of their own in an agent, a pool in a simulation.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  // `done` is called once, on the session's executor.
  virtual void Start(std::shared_ptr<const WorkOrder> order,
                     std::function<void(Result<WorkDone>)> done) = 0;
};

}  // namespace skerry::client
