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
extern const Table kRunTable;
extern const Table kRoundTable;
extern const Table kTaskTable;
extern const Table kSiteTable;
extern const Table kEventTable;

// "INSERT INTO run (...) VALUES (?, ...) ON CONFLICT (run_id) DO UPDATE SET ...".
std::string PutSql(const Table& table);
// "SELECT ... FROM run " and then `rest`.
std::string SelectSql(const Table& table, std::string_view rest);

void Bind(Statement& put, const RunRecord& record);
void Bind(Statement& put, const RoundRecord& record);
void Bind(Statement& put, const TaskRecord& record);
void Bind(Statement& put, const SiteRecord& record);
void Bind(Statement& put, const EventRecord& record);

// DATA_LOSS names the column whose value cannot be.
Status Read(Statement& row, RunRecord& record);
Status Read(Statement& row, RoundRecord& record);
Status Read(Statement& row, TaskRecord& record);
Status Read(Statement& row, SiteRecord& record);
Status Read(Statement& row, EventRecord& record);

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
