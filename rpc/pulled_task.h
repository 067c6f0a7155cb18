#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "skerry/v1/coordinator.pb.h"

namespace skerry::rpc {

// The answer to a poll, with its task apart: the tasks of a round differ in nothing but their ids,
// so sites in the coordinator's own process are handed one object, of which none is copied.
struct PulledTask {
  v1::PullTaskReply reply;  // without the task
  int64_t task_id = 0;      // 0: there is no task
  // Its id says nothing, and the model's contents are not in it.
  std::shared_ptr<const v1::Task> task;
  std::shared_ptr<const std::string> model;  // these contents; null: they do not travel with it
};

// The same answer as it stands on the wire.
v1::PullTaskReply Whole(PulledTask pulled);
PulledTask Apart(v1::PullTaskReply reply);

}  // namespace skerry::rpc
