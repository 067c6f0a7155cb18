#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/database.h"
#include "storage/journal.h"

namespace skerry::storage {

struct SqliteJournalOptions {
  DatabaseOptions database;
  // The newest so many events are kept, and up to kEventsPrunedAtOnce more.
  int64_t kept_events = 100'000;
};
constexpr int64_t kEventsPrunedAtOnce = 1000;

// The journal in a SQLite file, docs/storage.md. It holds the one read-write connection; when it is
// destroyed the file is marked as closed in good order.
class SqliteJournal final : public Journal {
 public:
  // Makes the file when it is missing, upgrades an older one, and checks one whose last process was
  // killed. The errors are those of Database::OpenWriter.
  static Result<std::unique_ptr<SqliteJournal>> Open(const std::string& path);
  static Result<std::unique_ptr<SqliteJournal>> Open(const std::string& path,
                                                     const SqliteJournalOptions& options);

  Status Commit(const WriteBatch& batch) override;
  // Gives the journal an identity of its own: for one that was restored from a backup, whose
  // clients may have gone on without it.
  Status RenewCoordinatorId();

 private:
  struct Statements {
    Statement put_run, put_round, put_task, put_site, add_event, newest_event, prune_events;
    Statement put_small_version, remove_small_version;
    Statement remove_rounds, remove_tasks, remove_events, remove_commits;
  };

  SqliteJournal(std::unique_ptr<Database> database, Statements statements, int64_t kept_events)
      : database_(std::move(database)),
        statements_(std::move(statements)),
        kept_events_(kept_events) {}
  Status Put(const Record& record);
  Status Remove(const RemoveHistory& record);
  Status Remove(const RemoveSmallVersions& record);
  Status PruneEvents(int64_t num_added);

  const std::unique_ptr<Database> database_;
  Statements statements_;
  const int64_t kept_events_;
};

// Looks into a journal through a connection that cannot write, whether or not a coordinator has the
// file open, from any process.
class SqliteJournalReader final : public JournalReader {
 public:
  // The errors are those of Database::OpenReader.
  static Result<std::unique_ptr<SqliteJournalReader>> Open(const std::string& path);

  // Until EndSnapshot() every call sees the journal as it is now. Not for long: meanwhile the log
  // grows.
  Status BeginSnapshot() { return database_->BeginSnapshot(); }
  void EndSnapshot() { database_->EndSnapshot(); }
  // Writes what is seen to a new file, which is not synced and needs no log beside it. `progress`
  // hears of pages, done and in all. DATA_LOSS: a page is damaged.
  Status CopyTo(const std::string& path, const std::function<void(int64_t, int64_t)>& progress) {
    return database_->CopyTo(path, progress);
  }
  // Reads every page. DATA_LOSS when one is damaged, or what they say does not fit together.
  Status CheckWholly() { return database_->CheckWholly(); }

  Result<std::string> CoordinatorId() override;
  Result<std::vector<RunRecord>> Runs() override;
  Result<std::vector<SiteRecord>> Sites() override;
  Result<std::vector<RoundRecord>> Rounds(const std::string& run_id, int64_t first,
                                          int64_t last) override;
  Result<std::vector<TaskRecord>> Tasks(const std::string& run_id, int64_t first,
                                        int64_t last) override;
  Result<std::vector<TaskRecord>> UnconfirmedOutcomes() override;
  Result<int64_t> LargestTaskId() override;
  Result<std::vector<SmallVersion>> SmallVersions(const std::string& run_id) override;
  Result<std::vector<EventRecord>> Events(const std::string& run_id, int64_t limit) override;

 private:
  struct Statements {
    Statement runs, sites, rounds, tasks, unconfirmed, events, events_of_run, small_versions;
  };

  SqliteJournalReader(std::unique_ptr<Database> database, Statements statements)
      : database_(std::move(database)), statements_(std::move(statements)) {}
  template <class T>
  Result<std::vector<T>> All(Statement& query);

  const std::unique_ptr<Database> database_;
  Statements statements_;
};

}  // namespace skerry::storage
