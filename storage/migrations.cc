#include "storage/migrations.h"

#include <array>
#include <string>
#include <utility>

#include "storage/database.h"

namespace skerry::storage {
namespace {

// In every database of ours, before the first script.
constexpr std::string_view kMetaTable =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;";

// docs/storage.md tells the meaning of every column.
constexpr std::array<std::string_view, 4> kJournalScripts = {R"sql(
CREATE TABLE run (
  run_id TEXT PRIMARY KEY,
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  hint TEXT NOT NULL,
  run_file TEXT NOT NULL,
  sites TEXT NOT NULL,
  created_unix_ms INTEGER NOT NULL,
  ended_unix_ms INTEGER NOT NULL,
  rounds_committed INTEGER NOT NULL,
  model_version INTEGER NOT NULL,
  degraded INTEGER NOT NULL,
  rounds_lacked TEXT NOT NULL
) STRICT;
CREATE INDEX run_by_number ON run (number);

CREATE TABLE round (
  run_id TEXT NOT NULL,
  round INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL,
  phase TEXT NOT NULL,
  reason TEXT NOT NULL,
  invited TEXT NOT NULL,
  base_version INTEGER NOT NULL,
  model_version INTEGER NOT NULL,
  model_hash BLOB NOT NULL,
  model_size_bytes INTEGER NOT NULL,
  state_hash BLOB NOT NULL,
  state_size_bytes INTEGER NOT NULL,
  chain_hash BLOB NOT NULL,
  started_unix_ms INTEGER NOT NULL,
  ended_unix_ms INTEGER NOT NULL,
  elapsed_ns INTEGER NOT NULL,
  phase_elapsed_ns INTEGER NOT NULL,
  metrics BLOB NOT NULL,
  PRIMARY KEY (run_id, round, attempt)
) STRICT;

CREATE TABLE task (
  task_id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL,
  round INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  site TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  content_hash BLOB NOT NULL,
  size_bytes INTEGER NOT NULL,
  num_examples INTEGER NOT NULL,
  header BLOB NOT NULL,
  metrics BLOB NOT NULL,
  outcome TEXT NOT NULL,
  outcome_reason TEXT NOT NULL,
  outcome_confirmed INTEGER NOT NULL,
  taken_unix_ms INTEGER NOT NULL,
  reported_unix_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX task_by_round ON task (run_id, round, attempt, site);
CREATE INDEX task_unconfirmed ON task (task_id)
  WHERE outcome <> 'none' AND outcome_confirmed = 0;

CREATE TABLE site (
  site TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  version TEXT NOT NULL,
  first_seen_unix_ms INTEGER NOT NULL,
  last_seen_unix_ms INTEGER NOT NULL,
  certificate_expires_unix INTEGER NOT NULL,
  data_sources TEXT NOT NULL
) STRICT;

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  time_unix_ms INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  round INTEGER NOT NULL,
  site TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_run ON event (run_id);
)sql",
                                                             R"sql(
CREATE TABLE small_version (
  run_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  model BLOB NOT NULL,
  state BLOB NOT NULL,
  PRIMARY KEY (run_id, version)
) STRICT;
)sql",
                                                             R"sql(
ALTER TABLE task ADD COLUMN base_version INTEGER NOT NULL DEFAULT -1;
ALTER TABLE task ADD COLUMN arrival INTEGER NOT NULL DEFAULT 0;
)sql",
                                                             R"sql(
-- Content hashes of format 2. A journal with names of format 1 does not come here: see `oldest`.
)sql"};

constexpr std::array<std::string_view, 3> kClientScripts = {R"sql(
CREATE TABLE task (
  task_id INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  task BLOB NOT NULL,
  header BLOB NOT NULL
) STRICT;
)sql",
                                                            R"sql(
ALTER TABLE task ADD COLUMN contents BLOB NOT NULL DEFAULT x'';
ALTER TABLE task ADD COLUMN base_state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN next_state INTEGER NOT NULL DEFAULT 0;
CREATE TABLE site_state (
  run_id TEXT PRIMARY KEY,
  round INTEGER NOT NULL,
  task_id INTEGER NOT NULL
) STRICT;
)sql",
                                                            R"sql(
-- What was made under content hashes of format 1, its coordinator cannot take any more.
DELETE FROM task;
)sql"};

// The first whose content hashes are of format 2.
constexpr int64_t kOldestJournal = 4;

constexpr Schema kJournalSchema = {"a coordinator's journal", 0x534b524a, kJournalScripts,
                                   "start from a backup: skerry backup restore BACKUP --state-dir "
                                   "NEW; or move the state directory "
                                   "away to start empty",
                                   kOldestJournal};
constexpr Schema kClientSchema = {
    "a client's store", 0x534b5243, kClientScripts,
    "move it away with the files of its name beside it: open tasks are worked on again, nothing "
    "else is lost"};

struct Stamp {
  int64_t application_id = 0;
  int64_t version = 0;
  bool empty = false;
};

Result<Stamp> ReadStamp(Database& database) {
  Stamp stamp;
  SKERRY_ASSIGN_OR_RETURN(stamp.application_id, database.QueryInteger("PRAGMA application_id"));
  SKERRY_ASSIGN_OR_RETURN(stamp.version, database.QueryInteger("PRAGMA user_version"));
  SKERRY_ASSIGN_OR_RETURN(const int64_t objects,
                          database.QueryInteger("SELECT count(*) FROM sqlite_schema"));
  stamp.empty = objects == 0 && stamp.application_id == 0 && stamp.version == 0;
  return stamp;
}

Status CheckStamp(const Database& database, const Schema& schema, const Stamp& stamp) {
  if (stamp.application_id != schema.application_id) {
    return FailedPrecondition(database.path() + " is not " + std::string(schema.what))
        .WithHint("check the path; nothing in the file was changed");
  }
  if (stamp.version > schema.version()) {
    return FailedPrecondition(database.path() + " was written by a newer Skerry (format " +
                              std::to_string(stamp.version) +
                              ", this program knows formats up to " +
                              std::to_string(schema.version()) + ")")
        .WithHint("start the newer program, or restore a backup from before the upgrade");
  }
  if (stamp.version < schema.oldest) {
    return FailedPrecondition(database.path() + " was written by an older Skerry (format " +
                              std::to_string(stamp.version) + ", this program knows formats from " +
                              std::to_string(schema.oldest) + " on)")
        .WithHint(
            "export what you need with the program that wrote it; this one begins in an empty "
            "directory");
  }
  return OkStatus();
}

// One step. The header's version is part of the transaction that it is in.
Status Upgrade(Database& database, const Schema& schema, int64_t version) {
  if (version == 0) {
    SKERRY_RETURN_IF_ERROR(database.Execute(kMetaTable));
    SKERRY_RETURN_IF_ERROR(
        database.Execute("PRAGMA application_id=" + std::to_string(schema.application_id)));
  }
  SKERRY_RETURN_IF_ERROR(database.Execute(schema.migrations[static_cast<std::size_t>(version)]));
  return database.Execute("PRAGMA user_version=" + std::to_string(version + 1));
}

}  // namespace

const Schema& JournalSchema() { return kJournalSchema; }
const Schema& ClientSchema() { return kClientSchema; }

Status CheckSchema(Database& database, const Schema& schema) {
  SKERRY_ASSIGN_OR_RETURN(const Stamp stamp, ReadStamp(database));
  if (stamp.empty) {
    return FailedPrecondition(database.path() + " is empty: nothing has written to it yet")
        .WithHint("start the program that owns it once");
  }
  SKERRY_RETURN_IF_ERROR(CheckStamp(database, schema, stamp));
  if (stamp.version < schema.version()) {
    return FailedPrecondition(database.path() + " was written by an older Skerry (format " +
                              std::to_string(stamp.version) + ", this program reads format " +
                              std::to_string(schema.version()) + ")")
        .WithDetail(kRaisedByAWriter)
        .WithHint("start the program that owns it once with this version: that upgrades the file");
  }
  return OkStatus();
}

Status Migrate(Database& database, const Schema& schema) {
  SKERRY_ASSIGN_OR_RETURN(const Stamp stamp, ReadStamp(database));
  if (!stamp.empty) SKERRY_RETURN_IF_ERROR(CheckStamp(database, schema, stamp));
  if (stamp.version == schema.version()) return OkStatus();
  return database.Transaction([&] {
    for (int64_t version = stamp.version; version < schema.version(); ++version) {
      Status status = Upgrade(database, schema, version);
      if (!status.ok()) {
        return std::move(status).WithContext("upgrading to format " + std::to_string(version + 1));
      }
    }
    return OkStatus();
  });
}

}  // namespace skerry::storage
