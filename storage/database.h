#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_lock.h"
#include "base/status.h"
#include "storage/migrations.h"

struct sqlite3;
namespace SQLite {  // NOLINT(readability-identifier-naming): the library's own
class Database;
class Statement;
}  // namespace SQLite

namespace skerry::storage {

class Database;

// A prepared statement of a Database, which must outlive it. Parameters are bound and columns are
// read from left to right; texts and blobs are copied. Errors are those of sqlite_error.h.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  // Binds the next parameter. What goes wrong here is reported by Run or Step.
  Statement& BindInteger(int64_t value);
  Statement& BindText(std::string_view text);
  Statement& BindBlob(std::string_view bytes);
  // Executes a statement that gives no rows. It may be bound anew then, as after an error.
  Status Run();
  // Goes to the next row. False after the last: the statement may be bound anew then.
  Result<bool> Step();
  // Lets go of the rows that were not stepped to, and so of the view of the database they hold.
  void Reset();

  // The next column of the row.
  int64_t ReadInteger();
  std::string ReadText();  // a text or a blob

 private:
  friend class Database;
  Statement(const Database& database, std::unique_ptr<SQLite::Statement> statement);
  template <class Bind>
  Statement& BindNext(Bind bind);

  const Database* database_;
  std::unique_ptr<SQLite::Statement> statement_;
  int next_parameter_ = 1;
  int next_column_ = 0;
  Status bind_error_;
};

// How much a commit that returned survives. Power loss costs a sync of the disk for each commit.
enum class Durability { kProcessDeath, kPowerLoss };

struct DatabaseOptions {
  Durability durability = Durability::kPowerLoss;
  // After a commit that leaves the write-ahead log longer than this, it is moved into the file, and
  // the next commit writes over its beginning.
  int64_t log_limit_pages = 1024;  // of 4 KiB
  // A larger file is not checked when the process that had it before was killed, since the check
  // reads all of it.
  int64_t check_limit_bytes = 64'000'000;
};

// A connection to a SQLite database of a known schema. Not thread-safe.
class Database {
 public:
  // The one read-write connection to a file, which is made when it is missing and brought to the
  // schema's version. PATH.lock is held meanwhile: ALREADY_EXISTS when another process holds it.
  // `schema` outlives the object. NOT_FOUND: the directory is missing. PERMISSION_DENIED names
  // owner and mode. DATA_LOSS: the file is damaged. FAILED_PRECONDITION: it is not ours, or of a
  // newer program.
  static Result<std::unique_ptr<Database>> OpenWriter(const std::string& path, const Schema& schema,
                                                      const DatabaseOptions& options);
  // A connection that only reads and that never changes the file, whether or not a writer has it
  // open. Errors as above; UNAVAILABLE: another program has locked the file.
  static Result<std::unique_ptr<Database>> OpenReader(const std::string& path,
                                                      const Schema& schema);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // DATA_LOSS: the file lacks a table or column that its version has.
  Result<Statement> Prepare(std::string_view sql);
  // How much the next commits survive.
  Status SetDurability(Durability durability);
  // Runs statements whose rows do not matter.
  Status Execute(std::string_view sql);
  // The first column of the first row.
  Result<int64_t> QueryInteger(std::string_view sql);
  Result<std::string> QueryText(std::string_view sql);

  // Commits what `body` did, or nothing of it. RESOURCE_EXHAUSTED: the disk is full, nothing has
  // changed, the same may be tried again. After any other error what is on disk is unknown and
  // every later transaction fails: the process has to start anew.
  Status Transaction(const std::function<Status()>& body);

  // From now on everything is read as it is at this moment, until EndSnapshot(). The log cannot be
  // shortened meanwhile.
  Status BeginSnapshot();
  void EndSnapshot();
  // Writes what this connection sees, of one moment, to a new file that needs no log beside it; it
  // is not synced. `progress` hears of pages, done and in all.
  Status CopyTo(const std::string& path, const std::function<void(int64_t, int64_t)>& progress);
  // Reads every page, and looks whether tables and indexes fit each other. DATA_LOSS if not.
  Status CheckWholly();

  // Small facts about the database as a whole, empty when missing. WriteMeta belongs inside a
  // transaction.
  Result<std::string> ReadMeta(std::string_view key);
  Status WriteMeta(std::string_view key, std::string_view value);

  Status LastError() const;
  // `status`; if it is DATA_LOSS, with what to do about it.
  Status Advise(Status status) const;
  const std::string& path() const { return path_; }

 private:
  Database(std::string path, const Schema& schema, const DatabaseOptions& options,
           std::unique_ptr<FileLock> lock, std::unique_ptr<SQLite::Database> connection);
  sqlite3* handle() const;
  Status ConfigureWriter();
  Status ConfigureReader();
  Status BeginSession();
  void EndSession();
  Status CheckPages();
  // What SQLite's check of the pages answered.
  Status AfterCheck(const std::string& answer) const;
  Status RunTransaction(const std::function<Status()>& body);
  Status ShortenLog();

  const std::string path_;
  const Schema& schema_;  // JournalSchema() or ClientSchema(), or a test's
  const DatabaseOptions options_;
  const std::unique_ptr<FileLock> lock_;  // none for a reader
  const std::unique_ptr<SQLite::Database> connection_;
  int64_t log_pages_ = 0;       // after the last commit
  int64_t shorten_log_at_ = 0;  // the number of pages at which to try next
  bool in_session_ = false;
  bool broken_ = false;
};

}  // namespace skerry::storage
