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
#include "skerry/v1/coordinator.pb.h"

// Who said what to whom: a line of JSON for the beginning and for the end of each call, written at
// sites and at the coordinator, and compared with the journal by `skerry run verify`.
namespace skerry::rpc {

struct CallEvent {
  enum class Type {
    kInvoke,
    kOk,
    kFail,  // it was refused: it has certainly had no effect
    kInfo,  // no answer came: it may have had its effect or not
  };

  Type type = Type::kInvoke;
  std::string site;  // whose call it is
  std::string call;  // "SubmitResult"
  uint64_t id = 0;   // joins the beginning and the end of a call in one file
  int64_t task_id = 0;
  std::string content_hash;                 // in hex, of a result
  std::map<int64_t, std::string> verdicts;  // heard or told: task -> "counted" or "discarded"
  std::string detail;                       // the status of a call that failed
};

std::string ToJsonLine(const CallEvent& event, WallTime time);
// Every whole line of a call log; the last may have been cut off by a kill. INVALID_ARGUMENT names
// `name` and the line.
Result<std::vector<CallEvent>> ParseCallLog(std::string_view text, const std::string& name);

// Appends to a file. Lines are in the kernel's hands when Write() returns: kill -9 loses none,
// power loss may. Thread-safe.
class CallLog {
 public:
  // Goes on behind what is in `path`; a line that was cut off is ended first.
  static Result<std::unique_ptr<CallLog>> Open(Files& files, const Clock& clock,
                                               const std::string& path);
  void Write(const CallEvent& event);
  uint64_t NewId();

 private:
  CallLog(const Clock& clock, std::unique_ptr<File> file, uint64_t end)
      : clock_(clock), file_(std::move(file)), end_(end) {}

  const Clock& clock_;
  Mutex mutex_;
  const std::unique_ptr<File> file_;
  uint64_t end_ SKERRY_GUARDED_BY(mutex_);
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

}  // namespace skerry::rpc
