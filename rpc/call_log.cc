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

Result<CallEvent> ParseLine(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return InvalidArgument("this is not a line of JSON");
  CallEvent event;
  const std::string type = json.value("type", "");
  const auto* found = std::find(std::begin(kTypes), std::end(kTypes), type);
  if (found == std::end(kTypes)) return InvalidArgument("there is no type \"" + type + "\"");
  event.type = static_cast<CallEvent::Type>(found - std::begin(kTypes));
  event.site = json.value("site", "");
  event.call = json.value("call", "");
  event.id = json.value("id", uint64_t{0});
  event.task_id = json.value("task", int64_t{0});
  event.content_hash = json.value("hash", "");
  event.detail = json.value("detail", "");
  const Json verdicts = json.value("verdicts", Json::object());
  for (const auto& [task, outcome] : verdicts.items()) {
    event.verdicts[std::atoll(task.c_str())] = outcome.get<std::string>();
  }
  return event;
}

}  // namespace

std::string ToJsonLine(const CallEvent& event, WallTime time) {
  Json json = {{"time", FormatWallTime(time)},
               {"site", event.site},
               {"call", event.call},
               {"id", event.id},
               {"type", kTypes[static_cast<std::size_t>(event.type)]}};
  if (event.task_id != 0) json["task"] = event.task_id;
  if (!event.content_hash.empty()) json["hash"] = event.content_hash;
  for (const auto& [task_id, outcome] : event.verdicts) {
    json["verdicts"][std::to_string(task_id)] = outcome;
  }
  if (!event.detail.empty()) json["detail"] = event.detail;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<std::vector<CallEvent>> ParseCallLog(std::string_view text, const std::string& name) {
  std::vector<CallEvent> events;
  for (int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;  // cut off
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.empty()) continue;
    Result<CallEvent> event = InvalidArgument("");
    try {
      event = ParseLine(line);
    } catch (const Json::exception& error) {
      event = InvalidArgument(error.what());
    }
    // A line that a kill cut off, and that the next process ended.
    const bool cut = !event.ok() && line.back() != '}';
    if (cut) continue;
    if (!event.ok()) {
      return event.status().WithContext(name + ":" + std::to_string(number));
    }
    events.push_back(*std::move(event));
  }
  return events;
}

Result<std::unique_ptr<CallLog>> CallLog::Open(Files& files, const Clock& clock,
                                               const std::string& path) {
  SKERRY_ASSIGN_OR_RETURN(auto file, files.Open(path, OpenMode::kReadWrite));
  SKERRY_ASSIGN_OR_RETURN(uint64_t end, file->Size());
  char last = '\n';
  if (end > 0) SKERRY_RETURN_IF_ERROR(file->ReadAt(end - 1, {&last, 1}).status());
  if (last != '\n') SKERRY_RETURN_IF_ERROR(file->WriteAt(end++, "\n"));
  return std::unique_ptr<CallLog>(new CallLog(clock, std::move(file), end));
}

void CallLog::Write(const CallEvent& event) {
  const std::string line = ToJsonLine(event, clock_.WallNow());
  MutexLock lock(mutex_);
  // A log that cannot be written stops no federation: what is missing, verify says.
  if (file_->WriteAt(end_, line).ok()) end_ += line.size();
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
