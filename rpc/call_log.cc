#include "rpc/call_log.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace skerry::rpc {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTypes[] = {"invoke", "ok", "fail", "info"};
constexpr const char* kSides[] = {"site", "coordinator"};

Result<CallEvent> ParseLine(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return InvalidArgument("this is not a line of JSON");
  CallEvent event;
  const std::string type = json.value("type", "");
  const auto* found = std::find(std::begin(kTypes), std::end(kTypes), type);
  if (found == std::end(kTypes)) return InvalidArgument("there is no type \"" + type + "\"");
  event.type = static_cast<CallEvent::Type>(found - std::begin(kTypes));
  if (json.value("by", "") == kSides[1]) event.side = CallSide::kCoordinator;
  event.line = json.value("line", uint64_t{0});
  event.site = json.value("site", "");
  event.call = json.value("call", "");
  event.id = json.value("id", uint64_t{0});
  event.task_id = json.value("task", int64_t{0});
  event.run_id = json.value("run", "");
  event.content_hash = json.value("hash", "");
  event.detail = json.value("detail", "");
  const Json verdicts = json.value("verdicts", Json::object());
  for (const auto& [task, outcome] : verdicts.items()) {
    event.verdicts[std::atoll(task.c_str())] = outcome.get<std::string>();
  }
  return event;
}

Result<CallEvent> TryParseLine(std::string_view line) {
  try {
    return ParseLine(line);
  } catch (const Json::exception& error) {
    return InvalidArgument(error.what());
  }
}

// Lines that are missing between one and the next of a file, by their numbers; each process begins
// again with 1.
int64_t MissingBetween(uint64_t before, uint64_t line) {
  if (line == 0) return 0;  // not numbered
  const uint64_t expected = line > before ? before + 1 : 1;
  return static_cast<int64_t>(line - expected);
}

}  // namespace

std::string ToJsonLine(const CallEvent& event, WallTime time) {
  Json json = {{"time", FormatWallTime(time)},
               {"by", kSides[static_cast<std::size_t>(event.side)]},
               {"line", event.line},
               {"site", event.site},
               {"call", event.call},
               {"id", event.id},
               {"type", kTypes[static_cast<std::size_t>(event.type)]}};
  if (event.task_id != 0) json["task"] = event.task_id;
  if (!event.run_id.empty()) json["run"] = event.run_id;
  if (!event.content_hash.empty()) json["hash"] = event.content_hash;
  for (const auto& [task_id, outcome] : event.verdicts) {
    json["verdicts"][std::to_string(task_id)] = outcome;
  }
  if (!event.detail.empty()) json["detail"] = event.detail;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<CallHistory> ParseCallLog(std::string_view text, const std::string& name) {
  CallHistory history;
  history.name = name;
  uint64_t before = 0;
  for (int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const bool whole = end != std::string_view::npos;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(whole ? end + 1 : text.size());
    if (line.empty()) continue;
    Result<CallEvent> event = TryParseLine(line);
    // Cut off by a kill or by the end of the disk; the next process has ended it.
    const bool cut = !event.ok() && line.front() == '{' && !Json::accept(line);
    if (cut) ++history.missing;
    if (cut) continue;
    if (!event.ok()) {
      return event.status().WithContext(name + ":" + std::to_string(number));
    }
    history.missing += MissingBetween(before, event->line);
    before = event->line;
    history.events.push_back(*std::move(event));
  }
  return history;
}

Result<std::unique_ptr<CallLog>> CallLog::Open(Files& files, const Clock& clock,
                                               const std::string& path, CallSide side) {
  SKERRY_ASSIGN_OR_RETURN(auto file, files.Open(path, OpenMode::kReadWrite));
  SKERRY_ASSIGN_OR_RETURN(uint64_t end, file->Size());
  char last = '\n';
  if (end > 0) SKERRY_RETURN_IF_ERROR(file->ReadAt(end - 1, {&last, 1}).status());
  if (last != '\n') SKERRY_RETURN_IF_ERROR(file->WriteAt(end++, "\n"));
  return std::unique_ptr<CallLog>(new CallLog(clock, side, std::move(file), end));
}

void CallLog::Write(CallEvent event) {
  const WallTime now = clock_.WallNow();
  MutexLock lock(mutex_);
  event.side = side_;
  event.line = ++last_line_;
  const std::string line = ToJsonLine(event, now);
  // A log that cannot be written stops no federation. The number of the line is used up, and by
  // that ParseCallLog counts it as missing. The beginning of it may be there and has to go first.
  if (torn_) torn_ = !file_->Truncate(end_).ok();
  if (torn_) return;
  torn_ = !file_->WriteAt(end_, line).ok();
  if (!torn_) end_ += line.size();
}

uint64_t CallLog::NewId() {
  MutexLock lock(mutex_);
  return ++last_id_;
}

CallEvent::Type TypeOf(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return CallEvent::Type::kOk;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kCancelled:
    case Code::kUnknown:
    case Code::kInternal:
      return CallEvent::Type::kInfo;
    default:
      return CallEvent::Type::kFail;
  }
}

}  // namespace skerry::rpc
