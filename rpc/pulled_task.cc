#include "rpc/pulled_task.h"

#include <utility>

namespace skerry::rpc {

v1::PullTaskReply Whole(PulledTask pulled) {
  v1::PullTaskReply reply = std::move(pulled.reply);
  if (pulled.task == nullptr) return reply;
  v1::Task& task = *reply.mutable_task();
  task = *pulled.task;
  task.set_task_id(pulled.task_id);
  if (pulled.model != nullptr) task.mutable_model()->set_contents(*pulled.model);
  return reply;
}

PulledTask Apart(v1::PullTaskReply reply) {
  PulledTask pulled;
  if (reply.has_task()) {
    auto task = std::make_shared<v1::Task>(std::move(*reply.mutable_task()));
    reply.clear_task();
    pulled.task_id = task->task_id();
    if (!task->model().contents().empty()) {
      auto& contents = *task->mutable_model()->mutable_contents();
      pulled.model = std::make_shared<const std::string>(std::move(contents));
      task->mutable_model()->clear_contents();
    }
    pulled.task = std::move(task);
  }
  pulled.reply = std::move(reply);
  return pulled;
}

}  // namespace skerry::rpc
