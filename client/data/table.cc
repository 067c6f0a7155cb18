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

std::string KeyOf(const DataSource& source) {
  return std::string(source.csv.empty() ? "sqlite" : "csv") + " under [data." + source.name +
         "] of agent.toml";
}

// Operators of the federation read messages, but not hints: where this site keeps its files is
// said in the hint alone.
Status WithoutFolder(const Status& status, const std::string& path) {
  const std::string name = FileName(path);
  std::string message = status.message();
  for (std::size_t at = 0; (at = message.find(path, at)) != std::string::npos; at += name.size()) {
    message.replace(at, path.size(), name);
  }
  return Status(status.code(), message).WithHint(status.hint());
}

Status Unreadable(const Status& status, const DataSource& source) {
  const std::string& path = source.csv.empty() ? source.sqlite : source.csv;
  return WithoutFolder(status, path).WithHint(KeyOf(source) + " names " + path);
}

}  // namespace

Result<std::unique_ptr<Table>> ReadTable(Files& files, const DataSource& source,
                                         std::span<const std::string> columns) {
  SKERRY_RETURN_IF_ERROR(CheckSource(source));
  if (!source.csv.empty()) {
    Result<std::string> text = ReadFile(files, source.csv);
    if (!text.ok()) return Unreadable(text.status(), source);
    return ReadCsv(*std::move(text), FileName(source.csv), source, columns);
  }
  // SQLite says of a missing file only that it cannot open it.
  const Status opened = files.Open(source.sqlite, OpenMode::kRead).status();
  if (!opened.ok()) return Unreadable(opened, source);
  Result<std::unique_ptr<Table>> table = ReadSqlite(source, columns);
  if (!table.ok()) return WithoutFolder(table.status(), source.sqlite);
  return table;
}

Status CheckReadable(Files& files, const DataSource& source) {
  SKERRY_RETURN_IF_ERROR(CheckSource(source));
  const std::string& path = source.csv.empty() ? source.sqlite : source.csv;
  return files.Open(path, OpenMode::kRead).status().WithContext(KeyOf(source));
}

}  // namespace skerry::client
