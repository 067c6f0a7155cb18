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
      database->Prepare("INSERT INTO task (task_id, state, task, header, contents) "
                        "VALUES (?, ?, ?, ?, ?) "
                        "ON CONFLICT (task_id) DO UPDATE SET state = excluded.state, "
                        "task = excluded.task, header = excluded.header, "
                        "contents = excluded.contents"));
  SKERRY_ASSIGN_OR_RETURN(Statement remove_task,
                          database->Prepare("DELETE FROM task WHERE task_id = ?"));
  SKERRY_ASSIGN_OR_RETURN(
      Statement tasks,
      database->Prepare(
          "SELECT task_id, state, task, header, contents FROM task ORDER BY task_id"));
  return std::unique_ptr<SqliteClientStore>(new SqliteClientStore(
      std::move(database), {std::move(put_task), std::move(remove_task), std::move(tasks)}));
}

Result<ClientSnapshot> SqliteClientStore::Load() {
  ClientSnapshot snapshot;
  SKERRY_ASSIGN_OR_RETURN(snapshot.coordinator_id, database_->ReadMeta(kCoordinatorId));
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const bool found, statements_.tasks.Step());
    if (!found) return snapshot;
    if (Status status = ReadTask(statements_.tasks, snapshot.tasks.emplace_back()); !status.ok()) {
      statements_.tasks.Reset();
      return database_->Advise(Damaged(database_->path(), status.message()));
    }
  }
}

Status SqliteClientStore::Commit(const std::vector<ClientRecord>& records) {
  return database_->Transaction([&]() -> Status {
    for (const ClientRecord& record : records) SKERRY_RETURN_IF_ERROR(Write(record));
    return OkStatus();
  });
}

Status SqliteClientStore::Write(const ClientRecord& record) {
  if (const auto* task = std::get_if<ClientTask>(&record)) {
    return statements_.put_task.BindInteger(task->task_id)
        .BindText(Name(task->state))
        .BindBlob(task->task)
        .BindBlob(task->header)
        .BindBlob(task->contents)
        .Run();
  }
  if (const auto* removed = std::get_if<RemoveClientTask>(&record)) {
    return statements_.remove_task.BindInteger(removed->task_id).Run();
  }
  return database_->WriteMeta(kCoordinatorId, std::get<CoordinatorId>(record).id);
}

}  // namespace skerry::storage
