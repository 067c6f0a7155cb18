#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "storage/database.h"
#include "storage/records.h"

// Records as rows of the journal's tables: a function binds the parameters of PutSql, in the order
// of the columns, another reads the columns of SelectSql.
namespace skerry::storage {

struct Table {
  std::string_view name;
  std::string_view key;      // "run_id", or several with commas; empty: rows are only appended
  std::string_view columns;  // with commas, in the order of Bind and Read
};
inline constexpr Table kRunTable = {
    "run", "run_id",
    "run_id,number,name,state,reason,hint,run_file,sites,created_unix_ms,ended_unix_ms,"
    "rounds_committed,model_version,degraded,rounds_lacked"};
inline constexpr Table kRoundTable = {
    "round", "run_id,round,attempt",
    "run_id,round,attempt,kind,phase,reason,invited,base_version,model_version,model_hash,"
    "model_size_bytes,state_hash,state_size_bytes,chain_hash,started_unix_ms,ended_unix_ms,"
    "elapsed_ns,phase_elapsed_ns,metrics"};
inline constexpr Table kTaskTable = {
    "task", "task_id",
    "task_id,run_id,round,attempt,site,state,reason,content_hash,size_bytes,num_examples,header,"
    "metrics,outcome,outcome_reason,outcome_confirmed,taken_unix_ms,reported_unix_ms,"
    "base_version,arrival"};
inline constexpr Table kSiteTable = {
    "site", "site",
    "site,epoch,version,first_seen_unix_ms,last_seen_unix_ms,certificate_expires_unix,"
    "data_sources"};
inline constexpr Table kSmallVersionTable = {"small_version", "run_id,version",
                                             "run_id,version,model,state"};
inline constexpr Table kEventTable = {"event", "", "time_unix_ms,run_id,round,site,code,message"};

// "INSERT INTO run (...) VALUES (?, ...) ON CONFLICT (run_id) DO UPDATE SET ...".
std::string PutSql(const Table& table);
// "SELECT ... FROM run " and then `rest`.
std::string SelectSql(const Table& table, std::string_view rest);

void Bind(Statement& put, const RunRecord& record);
void Bind(Statement& put, const RoundRecord& record);
void Bind(Statement& put, const TaskRecord& record);
void Bind(Statement& put, const SiteRecord& record);
void Bind(Statement& put, const EventRecord& record);
void Bind(Statement& put, const SmallVersion& record);

// DATA_LOSS names the column whose value cannot be.
Status Read(Statement& row, RunRecord& record);
Status Read(Statement& row, RoundRecord& record);
Status Read(Statement& row, TaskRecord& record);
Status Read(Statement& row, SiteRecord& record);
Status Read(Statement& row, EventRecord& record);
Status Read(Statement& row, SmallVersion& record);

// Every row of a bound query; none of them stays open.
template <class T>
Result<std::vector<T>> ReadAll(Statement& query) {
  std::vector<T> records;
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) return records;
    if (Status status = Read(query, records.emplace_back()); !status.ok()) {
      query.Reset();
      return status;
    }
  }
}

}  // namespace skerry::storage
