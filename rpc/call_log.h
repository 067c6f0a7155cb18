#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/mutex.h"
#include "base/status.h"
#include "base/text.h"
#include "skerry/v1/coordinator.pb.h"

// Who said what to whom: a line of JSON for the beginning and for the end of each call, written at
// sites and at the coordinator, and compared with the journal by `skerry run verify`.
namespace skerry::rpc {

enum class CallSide { kSite, kCoordinator };

struct CallEvent {
  enum class Type {
    kInvoke,
    kOk,
    kFail,  // it was refused: it has certainly had no effect
    kInfo,  // no answer came: it may have had its effect or not
  };

  Type type = Type::kInvoke;
  CallSide side = CallSide::kSite;  // who wrote the line
  uint64_t line = 0;                // 1, 2, ... of one process: a gap is a line that is missing
  std::string site;                 // whose call it is
  std::string call;                 // "SubmitResult"
  uint64_t id = 0;                  // joins the beginning and the end of a call of one process
  int64_t task_id = 0;
  std::string run_id;                       // of the task that a PullTask gave
  std::string content_hash;                 // in hex, of a result
  std::map<int64_t, std::string> verdicts;  // heard or told: task -> "counted" or "discarded"
  std::string detail;                       // the status of a call that failed
};

std::string ToJsonLine(const CallEvent& event, WallTime time);

struct CallHistory {
  std::string name;  // of the file
  std::vector<CallEvent> events;
  // Lines that were cut off or never written: the disk was full, or the power went. Those behind
  // the last line of a process leave no trace and are not among them.
  int64_t missing = 0;
};
// INVALID_ARGUMENT names `name` and the line: this is no call log.
Result<CallHistory> ParseCallLog(std::string_view text, const std::string& name);

// Appends to a file. Lines are in the kernel's hands when Write() returns: kill -9 loses none,
// power loss may. Thread-safe.
class CallLog {
 public:
  // Goes on behind what is in `path`; a line that was cut off is ended first.
  static Result<std::unique_ptr<CallLog>> Open(Files& files, const Clock& clock,
                                               const std::string& path, CallSide side);
  // A line that cannot be written is left out, and the number of the next one shows it.
  void Write(CallEvent event);
  uint64_t NewId();

 private:
  CallLog(const Clock& clock, CallSide side, std::unique_ptr<File> file, uint64_t end)
      : clock_(clock), side_(side), file_(std::move(file)), end_(end) {}

  const Clock& clock_;
  const CallSide side_;
  Mutex mutex_;
  const std::unique_ptr<File> file_;
  uint64_t end_ SKERRY_GUARDED_BY(mutex_);
  bool torn_ SKERRY_GUARDED_BY(mutex_) = false;  // behind end_ there may be half a line
  uint64_t last_line_ SKERRY_GUARDED_BY(mutex_) = 0;
  uint64_t last_id_ SKERRY_GUARDED_BY(mutex_) = 0;
};

// How a call with this answer ended.
CallEvent::Type TypeOf(const Status& status);

// What replies say about verdicts; nothing for those that carry none.
template <class Reply>
std::map<int64_t, std::string> VerdictsIn(const Reply& reply) {
  std::map<int64_t, std::string> verdicts;
  if constexpr (requires { reply.verdicts(); }) {
    for (const v1::Verdict& verdict : reply.verdicts()) {
      const bool counted = verdict.outcome() == v1::Verdict::COUNTED;
      verdicts[verdict.task_id()] = counted ? "counted" : "discarded";
    }
  }
  return verdicts;
}

// The task that a reply gives to a site, or that it is a receipt for.
template <class Reply>
void NoteTaskIn(const Reply& reply, CallEvent& event) {
  if constexpr (requires { reply.task().run_id(); }) {
    if (!reply.has_task()) return;
    event.task_id = reply.task().task_id();
    event.run_id = reply.task().run_id();
  } else if constexpr (requires { reply.task_id(), reply.content_hash(); }) {
    event.task_id = reply.task_id();
    event.content_hash = HexEncode(reply.content_hash());
  }
}

}  // namespace skerry::rpc
