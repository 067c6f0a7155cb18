#include "storage/database.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/files.h"
#include "storage/database_vfs.h"
#include "storage/log_check.h"
#include "storage/sqlite_error.h"

namespace skerry::storage {
namespace {

constexpr int kBusyTimeoutMs = 5000;
constexpr int64_t kFrameBytes = 4096 + 24;  // of the log, for a page
constexpr std::string_view kCleanShutdown = "clean_shutdown";

// SQLite would make the file readable for everybody. One that is there is not opened: closing it
// would drop the locks of every connection in this process.
Status CreateIfMissing(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno == EEXIST ? OkStatus() : FromErrno(errno, "making " + path);
  ::close(fd);
  return OkStatus();
}

Result<std::unique_ptr<SQLite::Database>> Connect(const std::string& path, int flags) {
  try {
    auto connection = std::make_unique<SQLite::Database>(path, flags | SQLite::OPEN_NOMUTEX,
                                                         kBusyTimeoutMs, DatabaseVfs());
    sqlite3_extended_result_codes(connection->getHandle(), 1);
    return connection;
  } catch (const SQLite::Exception& error) {
    return FromSqlite(error.getExtendedErrorCode(), errno, error.what(), path);
  }
}

// A pragma that changes something does so after its row.
Status Finish(Statement& query) {
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const bool another, query.Step());
    if (!another) return OkStatus();
  }
}

}  // namespace

Database::Database(std::string path, const Schema& schema, const DatabaseOptions& options,
                   std::unique_ptr<FileLock> lock, std::unique_ptr<SQLite::Database> connection)
    : path_(std::move(path)),
      schema_(schema),
      options_(options),
      lock_(std::move(lock)),
      connection_(std::move(connection)),
      shorten_log_at_(options.log_limit_pages) {}

Database::~Database() { EndSession(); }

Result<std::unique_ptr<Database>> Database::OpenWriter(const std::string& path,
                                                       const Schema& schema,
                                                       const DatabaseOptions& options) {
  SKERRY_RETURN_IF_ERROR(CheckWritable(path));
  SKERRY_ASSIGN_OR_RETURN(auto lock, FileLock::Acquire(path + ".lock"));
  SKERRY_RETURN_IF_ERROR(CreateIfMissing(path));
  if (options.durability == Durability::kPowerLoss) {
    if (Status log = CheckLog(path); !log.ok()) {
      return std::move(log).WithHint(std::string(schema.rescue));
    }
  }
  SKERRY_RETURN_IF_ERROR(CutEmptiedLog(path));
  SKERRY_ASSIGN_OR_RETURN(auto connection, Connect(path, SQLite::OPEN_READWRITE));
  std::unique_ptr<Database> database(
      new Database(path, schema, options, std::move(lock), std::move(connection)));
  SKERRY_RETURN_IF_ERROR(database->ConfigureWriter());
  SKERRY_RETURN_IF_ERROR(Migrate(*database, schema));
  SKERRY_RETURN_IF_ERROR(database->BeginSession());
  return database;
}

Result<std::unique_ptr<Database>> Database::OpenReader(const std::string& path,
                                                       const Schema& schema) {
  SKERRY_RETURN_IF_ERROR(CheckReadable(path));
  SKERRY_ASSIGN_OR_RETURN(auto connection, Connect(path, SQLite::OPEN_READONLY));
  std::unique_ptr<Database> database(
      new Database(path, schema, {}, nullptr, std::move(connection)));
  SKERRY_RETURN_IF_ERROR(database->ConfigureReader());
  SKERRY_RETURN_IF_ERROR(CheckSchema(*database, schema));
  return database;
}

sqlite3* Database::handle() const { return connection_->getHandle(); }

Status Database::LastError() const { return Advise(LastSqliteError(handle(), path_)); }

Status Database::Advise(Status status) const {
  if (status.code() != Code::kDataLoss) return status;
  return std::move(status).WithHint(std::string(schema_.rescue));
}

Status Database::ConfigureWriter() {
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // A file that is new gets room for checksums.
  int reserved_bytes = kChecksumBytes;
  sqlite3_file_control(handle(), "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved_bytes);
  SKERRY_RETURN_IF_ERROR(
      Execute("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
              "PRAGMA mmap_size=0; PRAGMA wal_autocheckpoint=0"));
  // A log that a reader has made longer is cut to this when it begins anew.
  SKERRY_RETURN_IF_ERROR(Execute("PRAGMA journal_size_limit=" +
                                 std::to_string(options_.log_limit_pages * kFrameBytes)));
  SKERRY_RETURN_IF_ERROR(SetDurability(options_.durability));
  const auto remember_length = [](void* self, sqlite3*, const char*, int pages) {
    static_cast<Database*>(self)->log_pages_ = pages;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle(), remember_length, this);
  return OkStatus();
}

Status Database::ConfigureReader() {
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  SKERRY_RETURN_IF_ERROR(
      Execute("PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
              "PRAGMA mmap_size=0; PRAGMA wal_autocheckpoint=0"));
  Status status = QueryInteger("SELECT count(*) FROM sqlite_schema").status();
  const int code = sqlite3_errcode(handle()) & 0xff;
  if (status.ok() || (code != SQLITE_CANTOPEN && code != SQLITE_READONLY)) return status;
  if (status.code() == Code::kResourceExhausted || sqlite3_system_errno(handle()) == EIO) {
    return status;
  }
  // The one other reason that a file which may be read cannot be: its log is not there and cannot
  // be made.
  return PermissionDenied(path_ + " can be read only with " + path_ + "-wal and " + path_ +
                          "-shm beside it, which are missing or locked away; " +
                          DescribeOwner(ParentDirectory(path_)))
      .WithHint("run this as the owner of the directory, or while its writer is running");
}

Status Database::BeginSession() {
  SKERRY_ASSIGN_OR_RETURN(const std::string mode, QueryText("PRAGMA journal_mode=WAL"));
  if (mode != "wal") {
    return FailedPrecondition(path_ + ": the file system cannot share memory between processes")
        .WithHint("put the directory on a local disk, not on a network share");
  }
  // The name of a new file, and the end of the rollback journals that made it: one that came back
  // after power loss would undo the first pages under the log.
  SKERRY_RETURN_IF_ERROR(PosixFiles().SyncDirectory(ParentDirectory(path_)));
  SKERRY_ASSIGN_OR_RETURN(const std::string clean, ReadMeta(kCleanShutdown));
  if (clean == "0") SKERRY_RETURN_IF_ERROR(CheckPages());
  if (clean != "0") {
    SKERRY_RETURN_IF_ERROR(Transaction([&] { return WriteMeta(kCleanShutdown, "0"); }));
  }
  in_session_ = true;
  return OkStatus();
}

void Database::EndSession() {
  // What fails here costs a check of the pages at the next start, and nothing else.
  const bool ended =
      in_session_ && Transaction([&] { return WriteMeta(kCleanShutdown, "1"); }).ok();
  // Closing the last connection would move the log into the file. A reader never writes, and after
  // a failure the next start shall find what there is.
  if (!ended) sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Status Database::CheckPages() {
  SKERRY_ASSIGN_OR_RETURN(const int64_t pages, QueryInteger("PRAGMA page_count"));
  SKERRY_ASSIGN_OR_RETURN(const int64_t page_bytes, QueryInteger("PRAGMA page_size"));
  if (pages > options_.check_limit_bytes / page_bytes) return OkStatus();
  SKERRY_ASSIGN_OR_RETURN(const std::string answer, QueryText("PRAGMA quick_check(1)"));
  return AfterCheck(answer);
}

Status Database::AfterCheck(const std::string& answer) const {
  if (answer == "ok") return OkStatus();
  // A page that the disk did not give says nothing of what is on it.
  const std::string unread = "error code=" + std::to_string(SQLITE_IOERR_READ);
  if (answer.find(unread) != std::string::npos) {
    return FromSqlite(SQLITE_IOERR_READ, EIO, answer, path_);
  }
  return Advise(Damaged(path_, answer));
}

Result<Statement> Database::Prepare(std::string_view sql) {
  try {
    return Statement(*this, std::make_unique<SQLite::Statement>(*connection_, std::string(sql)));
  } catch (const SQLite::Exception& error) {
    // The program's own statements fit the schema that the file's header promises.
    return error.getErrorCode() == SQLITE_ERROR ? Advise(Damaged(path_, error.what()))
                                                : LastError();
  }
}

Status Database::Execute(std::string_view sql) {
  return connection_->tryExec(std::string(sql)) == SQLITE_OK ? OkStatus() : LastError();
}

Result<int64_t> Database::QueryInteger(std::string_view sql) {
  SKERRY_ASSIGN_OR_RETURN(Statement query, Prepare(sql));
  SKERRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return Internal(path_ + ": no row for " + std::string(sql));
  const int64_t value = query.ReadInteger();
  SKERRY_RETURN_IF_ERROR(Finish(query));
  return value;
}

Result<std::string> Database::QueryText(std::string_view sql) {
  SKERRY_ASSIGN_OR_RETURN(Statement query, Prepare(sql));
  SKERRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return Internal(path_ + ": no row for " + std::string(sql));
  std::string value = query.ReadText();
  SKERRY_RETURN_IF_ERROR(Finish(query));
  return value;
}

Status Database::SetDurability(Durability durability) {
  return Execute(durability == Durability::kPowerLoss ? "PRAGMA synchronous=FULL"
                                                      : "PRAGMA synchronous=NORMAL");
}

Status Database::Transaction(const std::function<Status()>& body) {
  if (broken_) {
    return Internal(path_ + ": an earlier commit failed, and what is on disk is unknown")
        .WithHint("start this process anew");
  }
  Status status = RunTransaction(body);
  if (!status.ok() && sqlite3_get_autocommit(handle()) == 0) {
    if (const Status undone = Execute("ROLLBACK"); !undone.ok()) {
      status = Internal(status.message() + "; then undoing it: " + undone.message());
    }
  }
  if (status.ok()) status = ShortenLog();
  broken_ = !status.ok() && status.code() != Code::kResourceExhausted;
  return status;
}

Status Database::RunTransaction(const std::function<Status()>& body) {
  SKERRY_RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
  SKERRY_RETURN_IF_ERROR(body());
  return Execute("COMMIT");
}

// The commit is on disk already, so a log that cannot be emptied for now (a reader looks at it, or
// the disk is full) does no harm: it is tried again when the log has grown. It keeps its blocks
// (DatabaseVfs).
Status Database::ShortenLog() {
  if (log_pages_ < shorten_log_at_) return OkStatus();
  sqlite3_busy_timeout(handle(), 0);
  const int code =
      sqlite3_wal_checkpoint_v2(handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  Status status = code == SQLITE_OK ? OkStatus() : LastError();
  sqlite3_busy_timeout(handle(), kBusyTimeoutMs);
  if (status.ok()) {
    log_pages_ = 0;
    shorten_log_at_ = options_.log_limit_pages;
    return status;
  }
  shorten_log_at_ = log_pages_ + options_.log_limit_pages / 4 + 1;
  const bool harmless =
      status.code() == Code::kUnavailable || status.code() == Code::kResourceExhausted;
  return harmless ? OkStatus() : status;
}

Result<std::string> Database::ReadMeta(std::string_view key) {
  SKERRY_ASSIGN_OR_RETURN(Statement query, Prepare("SELECT value FROM meta WHERE key = ?"));
  query.BindText(key);
  SKERRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  return found ? query.ReadText() : std::string();
}

Status Database::WriteMeta(std::string_view key, std::string_view value) {
  SKERRY_ASSIGN_OR_RETURN(Statement put,
                          Prepare("INSERT INTO meta (key, value) VALUES (?, ?) "
                                  "ON CONFLICT (key) DO UPDATE SET value = excluded.value"));
  return put.BindText(key).BindText(value).Run();
}

}  // namespace skerry::storage
