#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"

namespace skerry::storage {

class Database;

// What kind of database a file is, and how it came to its present form.
struct Schema {
  std::string_view what;       // for messages: "a coordinator's journal"
  int64_t application_id = 0;  // in the file's header, so that `file` and we can tell it apart
  // Script i leads from version i to version i + 1. A script that was released never changes.
  std::span<const std::string_view> migrations;
  // What to do when one is damaged.
  std::string_view rescue = "restore it from a backup, or move it away to start empty";
  // No script leads on from formats before this one: only programs of their time read them.
  int64_t oldest = 0;

  int64_t version() const { return static_cast<int64_t>(migrations.size()); }
};

const Schema& JournalSchema();
const Schema& ClientSchema();

// The detail of the error about an older format that a writer raises to its own.
constexpr const char* kRaisedByAWriter = "OLDER_FORMAT";

// Whether the database is of this schema and at its version. FAILED_PRECONDITION: it is another
// program's, an older one that its owner has to open first, one that is too old, or a newer one.
Status CheckSchema(Database& database, const Schema& schema);

// Brings the database to the schema's version in one transaction: what is killed or fails on the
// way leaves the file as it was. An empty file becomes version 0 first, with the table `meta`.
// FAILED_PRECONDITION as above.
Status Migrate(Database& database, const Schema& schema);

}  // namespace skerry::storage
