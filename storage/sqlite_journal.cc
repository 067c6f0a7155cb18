#include "storage/sqlite_journal.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"
#include "crypto/secret.h"
#include "storage/journal_rows.h"
#include "storage/sqlite_error.h"

namespace skerry::storage {
namespace {

constexpr std::string_view kCoordinatorId = "coordinator_id";

Status WriteNewCoordinatorId(Database& database) {
  std::string bytes(16, '\0');
  crypto::FillRandom(bytes);
  return database.Transaction([&] { return database.WriteMeta(kCoordinatorId, HexEncode(bytes)); });
}

Status MakeCoordinatorId(Database& database) {
  SKERRY_ASSIGN_OR_RETURN(const std::string id, database.ReadMeta(kCoordinatorId));
  if (!id.empty()) return OkStatus();
  return WriteNewCoordinatorId(database);
}

}  // namespace

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::Open(const std::string& path) {
  return Open(path, SqliteJournalOptions());
}

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::Open(const std::string& path,
                                                           const SqliteJournalOptions& options) {
  SKERRY_ASSIGN_OR_RETURN(auto database,
                          Database::OpenWriter(path, JournalSchema(), options.database));
  SKERRY_RETURN_IF_ERROR(MakeCoordinatorId(*database));
  SKERRY_ASSIGN_OR_RETURN(Statement put_run, database->Prepare(PutSql(kRunTable)));
  SKERRY_ASSIGN_OR_RETURN(Statement put_round, database->Prepare(PutSql(kRoundTable)));
  SKERRY_ASSIGN_OR_RETURN(Statement put_task, database->Prepare(PutSql(kTaskTable)));
  SKERRY_ASSIGN_OR_RETURN(Statement put_site, database->Prepare(PutSql(kSiteTable)));
  SKERRY_ASSIGN_OR_RETURN(Statement add_event, database->Prepare(PutSql(kEventTable)));
  SKERRY_ASSIGN_OR_RETURN(Statement newest_event, database->Prepare("SELECT max(id) FROM event"));
  SKERRY_ASSIGN_OR_RETURN(Statement prune_events,
                          database->Prepare("DELETE FROM event WHERE id <= ?"));
  SKERRY_ASSIGN_OR_RETURN(Statement put_version, database->Prepare(PutSql(kSmallVersionTable)));
  SKERRY_ASSIGN_OR_RETURN(
      Statement remove_version,
      database->Prepare("DELETE FROM small_version WHERE run_id = ? AND version = ?"));
  SKERRY_ASSIGN_OR_RETURN(
      Statement remove_rounds,
      database->Prepare("DELETE FROM round WHERE run_id = ? AND round BETWEEN ? AND ?"));
  SKERRY_ASSIGN_OR_RETURN(Statement remove_tasks,
                          database->Prepare("DELETE FROM task WHERE run_id = ? AND round < ? "
                                            "AND (outcome = 'none' OR outcome_confirmed <> 0) "
                                            "AND task_id < (SELECT max(task_id) FROM task)"));
  SKERRY_ASSIGN_OR_RETURN(Statement remove_events,
                          database->Prepare("DELETE FROM event WHERE run_id = ?"));
  SKERRY_ASSIGN_OR_RETURN(
      Statement remove_commits,
      database->Prepare("DELETE FROM event WHERE run_id = ? AND round < ? AND code = ?"));
  return std::unique_ptr<SqliteJournal>(new SqliteJournal(
      std::move(database),
      {std::move(put_run), std::move(put_round), std::move(put_task), std::move(put_site),
       std::move(add_event), std::move(newest_event), std::move(prune_events),
       std::move(put_version), std::move(remove_version), std::move(remove_rounds),
       std::move(remove_tasks), std::move(remove_events), std::move(remove_commits)},
      options.kept_events));
}

Status SqliteJournal::RenewCoordinatorId() { return WriteNewCoordinatorId(*database_); }

Status SqliteJournal::Commit(const WriteBatch& batch) {
  return database_->Transaction([&]() -> Status {
    int64_t num_events = 0;
    for (const Record& record : batch) {
      SKERRY_RETURN_IF_ERROR(Put(record));
      if (std::holds_alternative<EventRecord>(record)) ++num_events;
    }
    return num_events > 0 ? PruneEvents(num_events) : OkStatus();
  });
}

Status SqliteJournal::Put(const Record& record) {
  const auto with = [](Statement& put, const auto& row) {
    Bind(put, row);
    return put.Run();
  };
  if (const auto* run = std::get_if<RunRecord>(&record)) return with(statements_.put_run, *run);
  if (const auto* round = std::get_if<RoundRecord>(&record)) {
    return with(statements_.put_round, *round);
  }
  if (const auto* task = std::get_if<TaskRecord>(&record)) return with(statements_.put_task, *task);
  if (const auto* live = std::get_if<LiveTask>(&record)) return with(statements_.put_task, **live);
  if (const auto* site = std::get_if<SiteRecord>(&record)) return with(statements_.put_site, *site);
  if (const auto* version = std::get_if<SmallVersion>(&record)) {
    return with(statements_.put_small_version, *version);
  }
  if (const auto* removal = std::get_if<RemoveSmallVersions>(&record)) return Remove(*removal);
  if (const auto* removal = std::get_if<RemoveHistory>(&record)) return Remove(*removal);
  return with(statements_.add_event, std::get<EventRecord>(record));
}

Status SqliteJournal::Remove(const RemoveSmallVersions& record) {
  for (const int64_t version : record.versions) {
    statements_.remove_small_version.BindText(record.run_id).BindInteger(version);
    SKERRY_RETURN_IF_ERROR(statements_.remove_small_version.Run());
  }
  return OkStatus();
}

Status SqliteJournal::Remove(const RemoveHistory& record) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const int64_t before = record.before.value_or(kMax);
  int64_t first = std::numeric_limits<int64_t>::min();
  const auto remove_rounds = [&](int64_t last) {
    statements_.remove_rounds.BindText(record.run_id).BindInteger(first).BindInteger(last);
    return statements_.remove_rounds.Run();
  };
  for (const int64_t kept : record.kept_rounds) {
    if (kept >= before) break;
    SKERRY_RETURN_IF_ERROR(remove_rounds(kept - 1));
    first = kept + 1;
  }
  SKERRY_RETURN_IF_ERROR(remove_rounds(before == kMax ? kMax : before - 1));
  statements_.remove_tasks.BindText(record.run_id).BindInteger(before);
  SKERRY_RETURN_IF_ERROR(statements_.remove_tasks.Run());
  if (!record.before) return statements_.remove_events.BindText(record.run_id).Run();
  Statement& commits = statements_.remove_commits;
  return commits.BindText(record.run_id).BindInteger(before).BindText(kRoundCommitted).Run();
}

// Events are numbered as they come, so those to go are the first of the table. They go by the
// thousand: one by one, each commit would touch the oldest pages too.
Status SqliteJournal::PruneEvents(int64_t num_added) {
  SKERRY_ASSIGN_OR_RETURN(const bool found, statements_.newest_event.Step());
  const int64_t newest = found ? statements_.newest_event.ReadInteger() : 0;
  statements_.newest_event.Reset();
  if (newest / kEventsPrunedAtOnce == (newest - num_added) / kEventsPrunedAtOnce) return OkStatus();
  return statements_.prune_events.BindInteger(newest - kept_events_).Run();
}

Result<std::unique_ptr<SqliteJournalReader>> SqliteJournalReader::Open(const std::string& path) {
  SKERRY_ASSIGN_OR_RETURN(auto database, Database::OpenReader(path, JournalSchema()));
  const auto prepare = [&](const Table& table, std::string_view rest) {
    return database->Prepare(SelectSql(table, rest));
  };
  SKERRY_ASSIGN_OR_RETURN(Statement runs, prepare(kRunTable, "ORDER BY number, run_id"));
  SKERRY_ASSIGN_OR_RETURN(Statement sites, prepare(kSiteTable, "ORDER BY site"));
  SKERRY_ASSIGN_OR_RETURN(Statement rounds, prepare(kRoundTable,
                                                    "WHERE run_id = ? AND round BETWEEN ? AND ? "
                                                    "ORDER BY round, attempt"));
  SKERRY_ASSIGN_OR_RETURN(Statement tasks, prepare(kTaskTable,
                                                   "WHERE run_id = ? AND round BETWEEN ? AND ? "
                                                   "ORDER BY round, attempt, site, task_id"));
  SKERRY_ASSIGN_OR_RETURN(Statement unconfirmed,
                          prepare(kTaskTable,
                                  "WHERE outcome <> 'none' AND outcome_confirmed = 0 "
                                  "ORDER BY task_id"));
  SKERRY_ASSIGN_OR_RETURN(Statement versions,
                          prepare(kSmallVersionTable, "WHERE run_id = ? ORDER BY version"));
  SKERRY_ASSIGN_OR_RETURN(Statement events, prepare(kEventTable, "ORDER BY id DESC LIMIT ?"));
  SKERRY_ASSIGN_OR_RETURN(Statement events_of_run,
                          prepare(kEventTable, "WHERE run_id = ? ORDER BY id DESC LIMIT ?"));
  return std::unique_ptr<SqliteJournalReader>(new SqliteJournalReader(
      std::move(database),
      {std::move(runs), std::move(sites), std::move(rounds), std::move(tasks),
       std::move(unconfirmed), std::move(events), std::move(events_of_run), std::move(versions)}));
}

template <class T>
Result<std::vector<T>> SqliteJournalReader::All(Statement& query) {
  Result<std::vector<T>> records = ReadAll<T>(query);
  if (records.ok()) return records;
  return database_->Advise(std::move(records).status().WithContext("reading " + database_->path()));
}

Result<std::string> SqliteJournalReader::CoordinatorId() {
  SKERRY_ASSIGN_OR_RETURN(std::string id, database_->ReadMeta(kCoordinatorId));
  if (id.empty()) {
    return database_->Advise(Damaged(database_->path(), "it has no coordinator id"));
  }
  return id;
}

Result<std::vector<RunRecord>> SqliteJournalReader::Runs() {
  return All<RunRecord>(statements_.runs);
}

Result<std::vector<SiteRecord>> SqliteJournalReader::Sites() {
  return All<SiteRecord>(statements_.sites);
}

Result<std::vector<RoundRecord>> SqliteJournalReader::Rounds(const std::string& run_id,
                                                             int64_t first, int64_t last) {
  statements_.rounds.BindText(run_id).BindInteger(first).BindInteger(last);
  return All<RoundRecord>(statements_.rounds);
}

Result<std::vector<TaskRecord>> SqliteJournalReader::Tasks(const std::string& run_id, int64_t first,
                                                           int64_t last) {
  statements_.tasks.BindText(run_id).BindInteger(first).BindInteger(last);
  return All<TaskRecord>(statements_.tasks);
}

Result<std::vector<TaskRecord>> SqliteJournalReader::UnconfirmedOutcomes() {
  return All<TaskRecord>(statements_.unconfirmed);
}

Result<int64_t> SqliteJournalReader::LargestTaskId() {
  return database_->QueryInteger("SELECT ifnull(max(task_id), 0) FROM task");
}

Result<std::vector<SmallVersion>> SqliteJournalReader::SmallVersions(const std::string& run_id) {
  statements_.small_versions.BindText(run_id);
  return All<SmallVersion>(statements_.small_versions);
}

Result<std::vector<EventRecord>> SqliteJournalReader::Events(const std::string& run_id,
                                                             int64_t limit) {
  // A negative limit would mean all to SQLite.
  limit = std::max<int64_t>(limit, 0);
  Statement& query = run_id.empty() ? statements_.events : statements_.events_of_run;
  if (!run_id.empty()) query.BindText(run_id);
  query.BindInteger(limit);
  SKERRY_ASSIGN_OR_RETURN(std::vector<EventRecord> events, All<EventRecord>(query));
  std::reverse(events.begin(), events.end());
  return events;
}

}  // namespace skerry::storage
