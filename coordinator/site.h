#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/id_set.h"
#include "coordinator/task_row.h"
#include "rpc/coordinator_api.h"
#include "skerry/v1/coordinator.pb.h"
#include "storage/records.h"

namespace skerry::coordinator {

// A long poll that waits for its answer.
template <class Reply>
struct HeldCall {
  uint64_t call_id = 0;  // of the transport, so that it can say when the call broke
  rpc::Callback<Reply> done;
};

// All that the coordinator knows of one site, over all runs. Belongs to the coordinator's thread.
struct Site {
  explicit Site(uint64_t order) : number(order) {}

  const uint64_t number;  // in the order of appearance: gives timers an order that can be repeated
  storage::SiteRecord record;
  uint64_t epoch_at_start = 0;  // the journal's, when this process began
  bool has_session = false;     // has joined since this process began
  uint64_t last_join = 0;       // of the site's process that has the session: its newest Join
  // Processes that asked for the session and were told to ask again: process -> ticket. Whoever
  // does is there now; a call that arrives after its process died, or twice, does not.
  std::map<uint32_t, uint64_t> tickets;
  bool connected = false;  // holds a call, or is within its grace
  bool broken = false;     // its call broke, and no new one has come: its grace runs
  std::size_t max_tasks = 1;
  std::optional<HeldCall<rpc::PulledTask>> pull;
  std::optional<HeldCall<v1::HeartbeatReply>> heartbeat;
  std::vector<v1::PullTaskReply::Answer> answers;  // to the results that `pull` brought
  IdSet holds;                // tasks that the client has in hand, as it said last
  std::vector<int64_t> open;  // tasks that it should work on, oldest first
  IdSet resend;               // of those: whose kept result it should send again
  IdSet at_work;              // tasks that the client does something about, as it said last
  std::map<int64_t, std::shared_ptr<TaskRow>> verdicts;  // told until it confirms them
  std::deque<v1::PullTaskReply::RunFinished> notices;    // of runs that are over
  std::string
      last_run;  // that it got a task of: the next one comes from another run, if there is one
  bool dirty = false;  // may have something to hear
};

}  // namespace skerry::coordinator
