#pragma once

#include <memory>

#include "base/files.h"
#include "rpc/parsed_layout.h"
#include "rpc/pulled_task.h"
#include "skerry/v1/task.pb.h"
#include "storage/shared_text.h"

namespace skerry::client {

// What a session makes of a task's description, once for all tasks that have it in common.
struct SharedTask {
  std::shared_ptr<const v1::Task> task;  // its id says nothing: Work.task_id does
  // The model that came with it; null: none did, or not the one that it names.
  std::shared_ptr<File> model;
  storage::SharedText bytes;                        // as the store keeps it
  std::shared_ptr<const rpc::ParsedLayout> layout;  // of its result; null: not a good one
  std::shared_ptr<const v1::RunSpec> spec;          // null: unreadable, or not the one it names
};

// Each thread keeps its last one, and its last description of a run.
std::shared_ptr<const SharedTask> ShareTask(std::shared_ptr<const v1::Task> task,
                                            const std::shared_ptr<const std::string>& model);

}  // namespace skerry::client
