#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/client_store.h"
#include "storage/database.h"

namespace skerry::storage {

// A client's memory in a SQLite file, docs/storage.md. It holds the one connection to it.
class SqliteClientStore final : public ClientStore {
 public:
  // Makes the file when it is missing, upgrades an older one, and checks one whose last process was
  // killed. The errors are those of Database::OpenWriter.
  static Result<std::unique_ptr<SqliteClientStore>> Open(const std::string& path);

  Result<ClientSnapshot> Load() override;
  Status Commit(const std::vector<ClientRecord>& records) override;

 private:
  struct Statements {
    Statement put_task, remove_task, tasks, put_state, remove_state, states;
  };

  SqliteClientStore(std::unique_ptr<Database> database, Statements statements)
      : database_(std::move(database)), statements_(std::move(statements)) {}
  Status ReadTasks(std::vector<ClientTask>& tasks);
  Status ReadStates(std::vector<SiteState>& states);
  Status Write(const ClientRecord& record);

  const std::unique_ptr<Database> database_;
  Statements statements_;
};

}  // namespace skerry::storage
