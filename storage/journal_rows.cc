#include "storage/journal_rows.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace skerry::storage {

namespace {

constexpr std::array kRunStates = {
    RunState::kPending,           RunState::kRunning, RunState::kPaused, RunState::kCompleted,
    RunState::kCompletedDegraded, RunState::kFailed,  RunState::kStopped};
constexpr std::array kTaskStates = {TaskState::kOffered, TaskState::kTaken, TaskState::kReported,
                                    TaskState::kFailed,  TaskState::kLost,  TaskState::kLate};
constexpr std::array kOutcomes = {Outcome::kNone, Outcome::kCounted, Outcome::kDiscarded};

Status WrongValue(std::string_view column, const std::string& value) {
  return DataLoss("the column " + std::string(column) + " holds \"" + value + "\"")
      .WithHint("restore the file from a backup, or move it away to start empty");
}

template <class E, std::size_t kCount>
Status ReadName(Statement& row, std::string_view column, const std::array<E, kCount>& all, E& out) {
  const std::string text = row.ReadText();
  for (const E value : all) {
    if (Name(value) == text) {
      out = value;
      return OkStatus();
    }
  }
  return WrongValue(column, text);
}

// Of a list of names, or of counts by name. Names come from other machines; whatever is in them,
// the text stays readable.
template <class T>
std::string JsonText(const T& value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Status ReadList(Statement& row, std::string_view column, std::vector<std::string>& out) {
  const std::string text = row.ReadText();
  const nlohmann::json list = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return WrongValue(column, text);
  for (const nlohmann::json& name : list) {
    if (!name.is_string()) return WrongValue(column, text);
    out.push_back(name.get<std::string>());
  }
  return OkStatus();
}

Status ReadCounts(Statement& row, std::string_view column, std::map<std::string, int64_t>& out) {
  const std::string text = row.ReadText();
  const nlohmann::json counts = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!counts.is_object()) return WrongValue(column, text);
  for (const auto& [name, count] : counts.items()) {
    if (!count.is_number_integer()) return WrongValue(column, text);
    out[name] = count.get<int64_t>();
  }
  return OkStatus();
}

Status ReadDigest(Statement& row, std::string_view column, crypto::Digest& out) {
  const std::string bytes = row.ReadText();
  Result<crypto::Digest> digest = crypto::Digest::FromBytes(bytes);
  if (!digest.ok()) return WrongValue(column, HexEncode(bytes));
  out = *digest;
  return OkStatus();
}

void ReadTime(Statement& row, WallTime& out) { out.unix_millis = row.ReadInteger(); }
void ReadDuration(Statement& row, Duration& out) { out = Duration(row.ReadInteger()); }
void ReadUnsigned(Statement& row, uint64_t& out) { out = static_cast<uint64_t>(row.ReadInteger()); }
void ReadBool(Statement& row, bool& out) { out = row.ReadInteger() != 0; }

}  // namespace

std::string PutSql(const Table& table) {
  const std::vector<std::string> columns = Split(table.columns, ',');
  const std::vector<std::string> key = Split(table.key, ',');
  std::vector<std::string> parameters;
  std::vector<std::string> updates;
  for (const std::string& column : columns) {
    parameters.emplace_back("?");
    // Named in an update it would cost a page of each index that has it, even unchanged.
    if (std::find(key.begin(), key.end(), column) != key.end()) continue;
    updates.push_back(std::string(column).append(" = excluded.").append(column));
  }
  std::string sql = "INSERT INTO " + std::string(table.name) + " (" + Join(columns, ", ") +
                    ") VALUES (" + Join(parameters, ", ") + ")";
  if (table.key.empty()) return sql;
  return sql + " ON CONFLICT (" + std::string(table.key) + ") DO UPDATE SET " + Join(updates, ", ");
}

std::string SelectSql(const Table& table, std::string_view rest) {
  return "SELECT " + std::string(table.columns) + " FROM " + std::string(table.name) + " " +
         std::string(rest);
}

void Bind(Statement& put, const RunRecord& record) {
  put.BindText(record.run_id)
      .BindInteger(record.number)
      .BindText(record.name)
      .BindText(Name(record.state))
      .BindText(record.reason)
      .BindText(record.hint)
      .BindText(record.run_file)
      .BindText(JsonText(record.sites.get()))
      .BindInteger(record.created.unix_millis)
      .BindInteger(record.ended.unix_millis)
      .BindInteger(record.rounds_committed)
      .BindInteger(record.model_version)
      .BindInteger(record.degraded ? 1 : 0)
      .BindText(JsonText(record.rounds_lacked));
}

Status Read(Statement& row, RunRecord& record) {
  record.run_id = row.ReadText();
  record.number = row.ReadInteger();
  record.name = row.ReadText();
  SKERRY_RETURN_IF_ERROR(ReadName(row, "run.state", kRunStates, record.state));
  record.reason = row.ReadText();
  record.hint = row.ReadText();
  record.run_file = row.ReadText();
  std::vector<std::string> sites;
  SKERRY_RETURN_IF_ERROR(ReadList(row, "run.sites", sites));
  record.sites = std::move(sites);
  ReadTime(row, record.created);
  ReadTime(row, record.ended);
  record.rounds_committed = row.ReadInteger();
  record.model_version = row.ReadInteger();
  ReadBool(row, record.degraded);
  return ReadCounts(row, "run.rounds_lacked", record.rounds_lacked);
}

void Bind(Statement& put, const RoundRecord& record) {
  put.BindText(record.run_id)
      .BindInteger(record.round)
      .BindInteger(record.attempt)
      .BindText(record.kind)
      .BindText(record.phase)
      .BindText(record.reason)
      .BindText(JsonText(record.invited))
      .BindInteger(record.base_version)
      .BindInteger(record.model_version)
      .BindBlob(record.model_hash.view())
      .BindInteger(static_cast<int64_t>(record.model_size_bytes))
      .BindBlob(record.state_hash.view())
      .BindInteger(static_cast<int64_t>(record.state_size_bytes))
      .BindBlob(record.chain_hash)
      .BindInteger(record.started.unix_millis)
      .BindInteger(record.ended.unix_millis)
      .BindInteger(record.elapsed.count())
      .BindInteger(record.phase_elapsed.count())
      .BindBlob(record.metrics);
}

Status Read(Statement& row, RoundRecord& record) {
  record.run_id = row.ReadText();
  record.round = row.ReadInteger();
  record.attempt = row.ReadInteger();
  record.kind = row.ReadText();
  record.phase = row.ReadText();
  record.reason = row.ReadText();
  SKERRY_RETURN_IF_ERROR(ReadList(row, "round.invited", record.invited));
  record.base_version = row.ReadInteger();
  record.model_version = row.ReadInteger();
  SKERRY_RETURN_IF_ERROR(ReadDigest(row, "round.model_hash", record.model_hash));
  ReadUnsigned(row, record.model_size_bytes);
  SKERRY_RETURN_IF_ERROR(ReadDigest(row, "round.state_hash", record.state_hash));
  ReadUnsigned(row, record.state_size_bytes);
  record.chain_hash = row.ReadText();
  ReadTime(row, record.started);
  ReadTime(row, record.ended);
  ReadDuration(row, record.elapsed);
  ReadDuration(row, record.phase_elapsed);
  record.metrics = row.ReadText();
  return OkStatus();
}

void Bind(Statement& put, const TaskRecord& record) {
  put.BindInteger(record.task_id)
      .BindText(record.run_id)
      .BindInteger(record.round)
      .BindInteger(record.attempt)
      .BindText(record.site)
      .BindText(Name(record.state))
      .BindText(record.reason)
      .BindBlob(record.content_hash.view())
      .BindInteger(static_cast<int64_t>(record.size_bytes))
      .BindInteger(record.num_examples)
      .BindBlob(record.header)
      .BindBlob(record.metrics)
      .BindText(Name(record.outcome))
      .BindText(record.outcome_reason)
      .BindInteger(record.outcome_confirmed ? 1 : 0)
      .BindInteger(record.taken.unix_millis)
      .BindInteger(record.reported.unix_millis)
      .BindInteger(record.base_version)
      .BindInteger(record.arrival);
}

Status Read(Statement& row, TaskRecord& record) {
  record.task_id = row.ReadInteger();
  record.run_id = row.ReadText();
  record.round = row.ReadInteger();
  record.attempt = row.ReadInteger();
  record.site = row.ReadText();
  SKERRY_RETURN_IF_ERROR(ReadName(row, "task.state", kTaskStates, record.state));
  record.reason = row.ReadText();
  SKERRY_RETURN_IF_ERROR(ReadDigest(row, "task.content_hash", record.content_hash));
  ReadUnsigned(row, record.size_bytes);
  record.num_examples = row.ReadInteger();
  record.header = row.ReadText();
  record.metrics = row.ReadText();
  SKERRY_RETURN_IF_ERROR(ReadName(row, "task.outcome", kOutcomes, record.outcome));
  record.outcome_reason = row.ReadText();
  ReadBool(row, record.outcome_confirmed);
  ReadTime(row, record.taken);
  ReadTime(row, record.reported);
  record.base_version = row.ReadInteger();
  record.arrival = row.ReadInteger();
  return OkStatus();
}

void Bind(Statement& put, const SiteRecord& record) {
  put.BindText(record.site)
      .BindInteger(static_cast<int64_t>(record.epoch))
      .BindText(record.version)
      .BindInteger(record.first_seen.unix_millis)
      .BindInteger(record.last_seen.unix_millis)
      .BindInteger(record.certificate_expires_unix)
      .BindText(JsonText(record.data_sources));
}

Status Read(Statement& row, SiteRecord& record) {
  record.site = row.ReadText();
  ReadUnsigned(row, record.epoch);
  record.version = row.ReadText();
  ReadTime(row, record.first_seen);
  ReadTime(row, record.last_seen);
  record.certificate_expires_unix = row.ReadInteger();
  return ReadList(row, "site.data_sources", record.data_sources);
}

void Bind(Statement& put, const EventRecord& record) {
  put.BindInteger(record.time.unix_millis)
      .BindText(record.run_id)
      .BindInteger(record.round)
      .BindText(record.site)
      .BindText(record.code)
      .BindText(record.message);
}

Status Read(Statement& row, EventRecord& record) {
  ReadTime(row, record.time);
  record.run_id = row.ReadText();
  record.round = row.ReadInteger();
  record.site = row.ReadText();
  record.code = row.ReadText();
  record.message = row.ReadText();
  return OkStatus();
}

void Bind(Statement& put, const SmallVersion& record) {
  put.BindText(record.run_id)
      .BindInteger(record.version)
      .BindBlob(record.model)
      .BindBlob(record.state);
}

Status Read(Statement& row, SmallVersion& record) {
  record.run_id = row.ReadText();
  record.version = row.ReadInteger();
  record.model = row.ReadText();
  record.state = row.ReadText();
  return OkStatus();
}

}  // namespace skerry::storage
