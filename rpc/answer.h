#pragma once

#include "base/status.h"
#include "skerry/v1/coordinator.pb.h"

namespace skerry::rpc {

// The answer to one of the results that a PullTask brings: the receipt, or why there is none. The
// status' hint and detail stay behind.
v1::PullTaskReply::Answer AnswerTo(int64_t task_id, const Result<v1::SubmitResultReply>& receipt);

// What an answer says. UNKNOWN for a code that is none.
Status StatusOf(const v1::PullTaskReply::Answer& answer);

// What the end of a PullTask says of a result that it brought: the receipt, or the poll's own
// failure; UNKNOWN when it says nothing of it.
Result<v1::SubmitResultReply> ReceiptIn(const v1::PullTaskReply& reply, int64_t task_id);
// OK: there is a receipt.
Status AnswerIn(const v1::PullTaskReply& reply, int64_t task_id);
Result<v1::SubmitResultReply> ReceiptIn(const Result<v1::PullTaskReply>& reply, int64_t task_id);

}  // namespace skerry::rpc
