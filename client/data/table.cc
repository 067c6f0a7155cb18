#include "client/data/table.h"

#include <utility>

#include "client/data/sqlite_table.h"

namespace skerry::client {
namespace {

// A source that names exactly one place to read from.
Status CheckSource(const DataSource& source) {
  const std::string section = "[data." + source.name + "]";
  if (source.csv.empty() == source.sqlite.empty()) {
    return InvalidArgument(section + (source.csv.empty() ? " names nothing to read"
                                                         : " names a csv and a sqlite file"))
        .WithHint(
            "agent.toml needs either csv = \"...\", or sqlite = \"...\" with table = \"...\"");
  }
  if (!source.sqlite.empty() && source.table.empty()) {
    return InvalidArgument(section + " names a database but no table")
        .WithHint("add table = \"...\"; it may also name a view");
  }
  if (!source.csv.empty() && !source.table.empty()) {
    return InvalidArgument(section + " names a table, but a csv file has none")
        .WithHint("remove table, or name the database with sqlite = \"...\"");
  }
  return OkStatus();
}

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Result<std::unique_ptr<Table>> ReadTable(Files& files, const DataSource& source,
                                         std::span<const std::string> columns) {
  SKERRY_RETURN_IF_ERROR(CheckSource(source));
  if (!source.csv.empty()) {
    SKERRY_ASSIGN_OR_RETURN(std::string text, ReadFile(files, source.csv));
    return ReadCsv(std::move(text), FileName(source.csv), source, columns);
  }
  // SQLite says of a missing file only that it cannot open it.
  SKERRY_RETURN_IF_ERROR(files.Open(source.sqlite, OpenMode::kRead).status());
  return ReadSqlite(source, columns);
}

}  // namespace skerry::client
