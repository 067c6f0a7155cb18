// Copies of a database that is in use.

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <memory>

#include "base/files.h"
#include "storage/database.h"
#include "storage/database_vfs.h"
#include "storage/sqlite_error.h"

namespace skerry::storage {
namespace {

constexpr int kPagesAtOnce = 1024;

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close(connection); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;

Status Run(sqlite3* connection, const char* sql, const std::string& path) {
  const int code = sqlite3_exec(connection, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? OkStatus() : LastSqliteError(connection, path);
}

// An empty database with room for checksums, whose first page is on the disk: so that every page
// that follows gets its checksum.
Result<Connection> MakeTarget(const std::string& path) {
  PosixFiles files;  // 0600, which SQLite would not make it
  SKERRY_RETURN_IF_ERROR(files.Open(path, OpenMode::kCreate).status());
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, DatabaseVfs());
  Connection target(opened);
  if (code != SQLITE_OK) return LastSqliteError(opened, path);
  sqlite3_extended_result_codes(opened, 1);
  int reserved_bytes = kChecksumBytes;
  sqlite3_file_control(opened, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved_bytes);
  SKERRY_RETURN_IF_ERROR(
      Run(opened, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA user_version=1", path));
  return target;
}

Status CopyPages(sqlite3* source, const std::string& source_path, sqlite3* target,
                 const std::string& target_path,
                 const std::function<void(int64_t, int64_t)>& progress) {
  sqlite3_backup* const copy = sqlite3_backup_init(target, "main", source, "main");
  if (copy == nullptr) return LastSqliteError(target, target_path);
  int code = SQLITE_OK;
  do {
    code = sqlite3_backup_step(copy, kPagesAtOnce);
    const int64_t total = sqlite3_backup_pagecount(copy);
    progress(total - sqlite3_backup_remaining(copy), total);
  } while (code == SQLITE_OK);
  sqlite3_backup_finish(copy);
  if (code == SQLITE_DONE) return OkStatus();
  // Which of the two failed is not told; a page that cannot be read is the source's.
  const bool reading =
      code == SQLITE_IOERR_DATA || (code & 0xff) == SQLITE_CORRUPT || code == SQLITE_IOERR_READ;
  return FromSqlite(code, sqlite3_system_errno(reading ? source : target), sqlite3_errstr(code),
                    reading ? source_path : target_path);
}

}  // namespace

Status Database::BeginSnapshot() {
  SKERRY_RETURN_IF_ERROR(Execute("BEGIN"));
  // A transaction begins with its first look.
  const Status status = QueryInteger("SELECT count(*) FROM sqlite_schema").status();
  if (!status.ok()) EndSnapshot();
  return status;
}

void Database::EndSnapshot() { static_cast<void>(Execute("ROLLBACK").ok()); }

Status Database::CopyTo(const std::string& path,
                        const std::function<void(int64_t, int64_t)>& progress) {
  SKERRY_ASSIGN_OR_RETURN(const Connection target, MakeTarget(path));
  SKERRY_RETURN_IF_ERROR(Advise(CopyPages(handle(), path_, target.get(), path, progress)));
  // Of the source it has also that it wants a log.
  return Run(target.get(), "PRAGMA journal_mode=DELETE", path);
}

Status Database::CheckWholly() {
  SKERRY_ASSIGN_OR_RETURN(const std::string answer, QueryText("PRAGMA integrity_check(1)"));
  return AfterCheck(answer);
}

}  // namespace skerry::storage
