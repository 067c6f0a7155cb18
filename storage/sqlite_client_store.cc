#include "storage/sqlite_client_store.h"

#include <array>
#include <utility>

#include "storage/sqlite_error.h"

namespace skerry::storage {
namespace {

constexpr std::string_view kCoordinatorId = "coordinator_id";
constexpr std::array<std::string_view, 3> kStateNames = {"taken", "finished", "submitted"};

std::string_view Name(ClientTask::State state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

Status ReadTask(Statement& row, ClientTask& task) {
  task.task_id = row.ReadInteger();
  const std::string state = row.ReadText();
  task.task = row.ReadText();
  task.header = row.ReadText();
  task.contents = row.ReadText();
  task.base_state = row.ReadInteger();
  task.next_state = row.ReadInteger() != 0;
  for (std::size_t i = 0; i < kStateNames.size(); ++i) {
    if (kStateNames[i] != state) continue;
    task.state = static_cast<ClientTask::State>(i);
    return OkStatus();
  }
  return DataLoss("task " + std::to_string(task.task_id) + " has the state \"" + state + "\"");
}

}  // namespace

Result<std::unique_ptr<SqliteClientStore>> SqliteClientStore::Open(const std::string& path) {
  DatabaseOptions options;
  options.durability = Durability::kProcessDeath;
  SKERRY_ASSIGN_OR_RETURN(auto database, Database::OpenWriter(path, ClientSchema(), options));
  SKERRY_ASSIGN_OR_RETURN(
      Statement put_task,
      database->Prepare("INSERT INTO task (task_id, state, task, header, contents, base_state, "
                        "next_state) VALUES (?, ?, ?, ?, ?, ?, ?) "
                        "ON CONFLICT (task_id) DO UPDATE SET state = excluded.state, "
                        "task = excluded.task, header = excluded.header, "
                        "contents = excluded.contents, "
                        "base_state = excluded.base_state, next_state = excluded.next_state"));
  SKERRY_ASSIGN_OR_RETURN(Statement remove_task,
                          database->Prepare("DELETE FROM task WHERE task_id = ?"));
  SKERRY_ASSIGN_OR_RETURN(
      Statement tasks,
      database->Prepare("SELECT task_id, state, task, header, contents, base_state, next_state "
                        "FROM task "
                        "ORDER BY task_id"));
  SKERRY_ASSIGN_OR_RETURN(
      Statement put_state,
      database->Prepare("INSERT INTO site_state (run_id, round, task_id) VALUES (?, ?, ?) "
                        "ON CONFLICT (run_id) DO UPDATE SET round = excluded.round, "
                        "task_id = excluded.task_id"));
  SKERRY_ASSIGN_OR_RETURN(Statement remove_state,
                          database->Prepare("DELETE FROM site_state WHERE run_id = ?"));
  SKERRY_ASSIGN_OR_RETURN(
      Statement states,
      database->Prepare("SELECT run_id, round, task_id FROM site_state ORDER BY run_id"));
  return std::unique_ptr<SqliteClientStore>(new SqliteClientStore(
      std::move(database), {std::move(put_task), std::move(remove_task), std::move(tasks),
                            std::move(put_state), std::move(remove_state), std::move(states)}));
}

Result<ClientSnapshot> SqliteClientStore::Load() {
  ClientSnapshot snapshot;
  SKERRY_ASSIGN_OR_RETURN(snapshot.coordinator_id, database_->ReadMeta(kCoordinatorId));
  SKERRY_RETURN_IF_ERROR(ReadTasks(snapshot.tasks));
  SKERRY_RETURN_IF_ERROR(ReadStates(snapshot.states));
  return snapshot;
}

Status SqliteClientStore::ReadStates(std::vector<SiteState>& states) {
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const bool found, statements_.states.Step());
    if (!found) return OkStatus();
    SiteState& state = states.emplace_back();
    state.run_id = statements_.states.ReadText();
    state.round = statements_.states.ReadInteger();
    state.task_id = statements_.states.ReadInteger();
  }
}

Status SqliteClientStore::ReadTasks(std::vector<ClientTask>& tasks) {
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const bool found, statements_.tasks.Step());
    if (!found) return OkStatus();
    if (Status status = ReadTask(statements_.tasks, tasks.emplace_back()); !status.ok()) {
      statements_.tasks.Reset();
      return database_->Advise(Damaged(database_->path(), status.message()));
    }
  }
}

Status SqliteClientStore::Commit(const std::vector<ClientRecord>& records) {
  const bool synced = HasSiteState(records);
  if (synced) SKERRY_RETURN_IF_ERROR(database_->SetDurability(Durability::kPowerLoss));
  Status status = database_->Transaction([&]() -> Status {
    for (const ClientRecord& record : records) SKERRY_RETURN_IF_ERROR(Write(record));
    return OkStatus();
  });
  if (synced && status.ok()) return database_->SetDurability(Durability::kProcessDeath);
  return status;
}

Status SqliteClientStore::Write(const ClientRecord& record) {
  if (const auto* task = std::get_if<ClientTask>(&record)) {
    return statements_.put_task.BindInteger(task->task_id)
        .BindText(Name(task->state))
        .BindBlob(task->task.view())
        .BindBlob(task->header.view())
        .BindBlob(task->contents)
        .BindInteger(task->base_state)
        .BindInteger(task->next_state ? 1 : 0)
        .Run();
  }
  if (const auto* removed = std::get_if<RemoveClientTask>(&record)) {
    return statements_.remove_task.BindInteger(removed->task_id).Run();
  }
  if (const auto* state = std::get_if<SiteState>(&record)) {
    return statements_.put_state.BindText(state->run_id)
        .BindInteger(state->round)
        .BindInteger(state->task_id)
        .Run();
  }
  if (const auto* dropped = std::get_if<RemoveSiteState>(&record)) {
    return statements_.remove_state.BindText(dropped->run_id).Run();
  }
  return database_->WriteMeta(kCoordinatorId, std::get<CoordinatorId>(record).id);
}

}  // namespace skerry::storage
