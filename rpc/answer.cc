#include "rpc/answer.h"

namespace skerry::rpc {

v1::PullTaskReply::Answer AnswerTo(int64_t task_id, const Result<v1::SubmitResultReply>& receipt) {
  v1::PullTaskReply::Answer answer;
  answer.set_task_id(task_id);
  if (receipt.ok()) {
    answer.set_content_hash(receipt->content_hash());
  } else {
    answer.set_code(static_cast<uint32_t>(receipt.status().code()));
    answer.set_message(receipt.status().message());
  }
  return answer;
}

Status StatusOf(const v1::PullTaskReply::Answer& answer) {
  if (answer.code() == 0) return OkStatus();
  const bool known = answer.code() <= static_cast<uint32_t>(Code::kUnauthenticated);
  return {known ? static_cast<Code>(answer.code()) : Code::kUnknown, answer.message()};
}

Result<v1::SubmitResultReply> ReceiptIn(const Result<v1::PullTaskReply>& reply, int64_t task_id) {
  return reply.ok() ? ReceiptIn(*reply, task_id) : reply.status();
}

Status AnswerIn(const v1::PullTaskReply& reply, int64_t task_id) {
  for (const v1::PullTaskReply::Answer& answer : reply.answers()) {
    if (answer.task_id() == task_id) return StatusOf(answer);
  }
  return Unknown("the poll ended without an answer to its result");
}

Result<v1::SubmitResultReply> ReceiptIn(const v1::PullTaskReply& reply, int64_t task_id) {
  SKERRY_RETURN_IF_ERROR(AnswerIn(reply, task_id));
  v1::SubmitResultReply receipt;
  receipt.set_task_id(task_id);
  for (const v1::PullTaskReply::Answer& answer : reply.answers()) {
    if (answer.task_id() != task_id) continue;
    receipt.set_content_hash(answer.content_hash());
    break;
  }
  return receipt;
}

}  // namespace skerry::rpc
