#include "client/data/sqlite_table.h"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "client/data/naming.h"
#include "client/data/text_table.h"

namespace skerry::client {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// The error that `database` has just returned, as a status that begins with `what`. SQLite's own
// words may hold what only the database says (the text of a view), so they stand in the hint.
Status FromSqlite(sqlite3* database, const std::string& what) {
  const std::string words = std::string("SQLite says: ") + sqlite3_errmsg(database);
  switch (sqlite3_errcode(database)) {
    case SQLITE_NOTADB:
      return InvalidArgument(what + ": it is not a database")
          .WithHint(words + "; sqlite must name a SQLite 3 database");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Unavailable(what + ": another program has locked the database")
          .WithHint(words + "; it is tried again");
    case SQLITE_CORRUPT:
      return DataLoss(what + ": the database is damaged")
          .WithHint(words + "; run PRAGMA integrity_check on it, or restore it");
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return FailedPrecondition(what + ": the database cannot be opened")
          .WithHint(words +
                    "; a database in WAL mode, or one whose last writer was killed, can be read "
                    "only where its directory is writable: let its own program close it, or give "
                    "the agent a copy");
    default:
      return Internal(what + ": the database cannot be read").WithHint(words);
  }
}

Result<Database> OpenDatabase(const std::string& path, int lock_wait_ms) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr);
  Database database(handle);  // there even after most errors
  if (code != SQLITE_OK) return FromSqlite(handle, "opening " + path);
  sqlite3_busy_timeout(handle, lock_wait_ms);
  return database;
}

Result<Statement> Prepare(sqlite3* database, const std::string& sql, const std::string& what) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v2(database, sql.c_str(), -1, &handle, nullptr);
  Statement statement(handle);
  if (code != SQLITE_OK) return FromSqlite(database, what);
  return statement;
}

// True at a row, false after the last one.
Result<bool> Step(sqlite3_stmt* statement, const std::string& what) {
  const int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return FromSqlite(sqlite3_db_handle(statement), what);
}

std::string QuoteIdentifier(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

std::string_view TextOf(sqlite3_stmt* statement, int column) {
  // The text before its size: asking for the text may convert the value.
  const auto* text = static_cast<const void*>(sqlite3_column_text(statement, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  return text == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(text), size);
}

Status CheckTable(sqlite3* database, const DataSource& source, const std::string& what) {
  SKERRY_ASSIGN_OR_RETURN(
      const Statement statement,
      Prepare(database,
              "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name",
              what));
  std::vector<std::string> names;
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const bool more, Step(statement.get(), what));
    if (!more) break;
    names.emplace_back(TextOf(statement.get(), 0));
  }
  if (std::find(names.begin(), names.end(), source.table) != names.end()) return OkStatus();
  const std::string nearest = NearestOf(source.table, names);
  return NotFound(what + ": there is no table or view " + Quoted(source.table))
      .WithHint((nearest.empty() ? "" : "the nearest is " + Quoted(nearest) + "; ") +
                "mend table under [data." + source.name + "] of agent.toml");
}

Result<std::vector<std::string>> ColumnNames(sqlite3* database, const DataSource& source,
                                             const std::string& what) {
  SKERRY_ASSIGN_OR_RETURN(
      const Statement statement,
      Prepare(database, "SELECT * FROM " + QuoteIdentifier(source.table) + " LIMIT 0", what));
  std::vector<std::string> names;
  for (int i = 0; i < sqlite3_column_count(statement.get()); ++i) {
    names.emplace_back(sqlite3_column_name(statement.get(), i));
  }
  return names;
}

// Columns are qualified, since SQLite takes a bare "name" that it does not know for a text. Without
// an index the rows come in the order of SELECT *, in which a person finds row 17 again.
std::string SelectStatement(const DataSource& source, std::span<const std::string> available,
                            const ColumnChoice& choice) {
  std::vector<std::string> columns;
  for (const std::size_t index : choice.sources) {
    columns.push_back("t." + QuoteIdentifier(available[index]));
  }
  if (columns.empty()) columns.emplace_back("1");
  return "SELECT " + Join(columns, ", ") + " FROM " + QuoteIdentifier(source.table) +
         " AS t NOT INDEXED";
}

std::string RealText(double value) {
  constexpr double kExactIntegers = 9007199254740992.0;  // 2^53
  const bool whole = std::fabs(value) < kExactIntegers && value == std::trunc(value);
  if (whole && !(value == 0 && std::signbit(value))) {
    return std::to_string(static_cast<int64_t>(value));
  }
  return FormatExact(value);
}

// The rows of a SELECT statement, their texts one after the other.
class RowCollector {
 public:
  RowCollector(const DataSource& source, const ColumnChoice& choice)
      : table_(source.table), missing_(source), choice_(choice) {}

  // Reads the row that `statement` stands at.
  Status Add(sqlite3_stmt* statement) {
    ++num_rows_;
    for (std::size_t slot = 0; slot < choice_.sources.size(); ++slot) {
      const int column = static_cast<int>(slot);
      switch (sqlite3_column_type(statement, column)) {
        case SQLITE_NULL:
          cells_.emplace_back();
          break;
        case SQLITE_BLOB:
          return InvalidArgument("table " + table_ + ", column " + Label(slot) +
                                 ": a cell holds a BLOB, not a number or a text")
              .WithHint(Place(slot) + ": read a view that converts the column");
        case SQLITE_FLOAT:
          Append(RealText(sqlite3_column_double(statement, column)));
          break;
        default:
          const std::string_view text = Trim(TextOf(statement, column));
          if (text.size() > CellSpan::kMaxSize) return CellTooLong(Place(slot));
          Append(text);
      }
    }
    return OkStatus();
  }

  std::size_t num_rows() const { return num_rows_; }
  std::string& text() { return text_; }
  std::vector<CellSpan>& cells() { return cells_; }

 private:
  void Append(std::string_view value) {
    if (missing_.Contains(value)) {
      cells_.emplace_back();
      return;
    }
    cells_.emplace_back(text_.size(), value.size());
    text_ += value;
  }

  const std::string& Label(std::size_t slot) const {
    const auto asked = std::find(choice_.stored.begin(), choice_.stored.end(), slot);
    return choice_.labels[static_cast<std::size_t>(asked - choice_.stored.begin())];
  }

  // Of the row being read.
  std::string Place(std::size_t slot) const {
    return table_ + " row " + std::to_string(num_rows_) + ", column " + Label(slot);
  }

  const std::string table_;
  const MissingValues missing_;
  const ColumnChoice& choice_;
  std::size_t num_rows_ = 0;
  std::string text_;
  std::vector<CellSpan> cells_;
};

}  // namespace

Result<std::unique_ptr<Table>> ReadSqlite(const DataSource& source,
                                          std::span<const std::string> columns, int lock_wait_ms) {
  const std::string what = "reading " + source.sqlite;
  SKERRY_ASSIGN_OR_RETURN(const Database database, OpenDatabase(source.sqlite, lock_wait_ms));
  SKERRY_RETURN_IF_ERROR(CheckTable(database.get(), source, what));
  SKERRY_ASSIGN_OR_RETURN(const auto available, ColumnNames(database.get(), source, what));
  SKERRY_ASSIGN_OR_RETURN(ColumnChoice choice,
                          ChooseColumns(source, columns, available, "table " + source.table));
  const std::string sql = SelectStatement(source, available, choice);
  SKERRY_ASSIGN_OR_RETURN(const Statement statement, Prepare(database.get(), sql, what));
  RowCollector rows(source, choice);
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const bool more, Step(statement.get(), what));
    if (!more) break;
    SKERRY_RETURN_IF_ERROR(rows.Add(statement.get()));
  }
  if (rows.num_rows() == 0) {
    return InvalidArgument(what + ": table " + source.table + " has no rows")
        .WithHint("check that its import has finished and the path is right");
  }
  auto place = [table = source.table](std::size_t row) {
    return table + " row " + std::to_string(row + 1);
  };
  return std::unique_ptr<Table>(
      std::make_unique<TextTable>(std::move(rows.text()), std::move(rows.cells()), rows.num_rows(),
                                  std::move(choice), std::move(place)));
}

}  // namespace skerry::client
