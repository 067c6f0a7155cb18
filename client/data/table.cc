#include "client/data/table.h"

#include <utility>

#include "base/text.h"
#include "client/data/idx.h"
#include "client/data/naming.h"
#include "client/data/sqlite_table.h"

namespace skerry::client {
namespace {

// The keys of agent.toml that name something to read.
std::vector<std::string> PlacesOf(const DataSource& source) {
  std::vector<std::string> places;
  if (!source.csv.empty()) places.emplace_back("csv");
  if (!source.idx.images.empty()) places.emplace_back("idx_images");
  if (!source.sqlite.empty()) places.emplace_back("sqlite");
  return places;
}

// A source that names exactly one place to read from.
Status CheckSource(const DataSource& source) {
  const std::string section = "[data." + source.name + "]";
  const std::vector<std::string> places = PlacesOf(source);
  if (places.size() != 1) {
    return InvalidArgument(section + (places.empty() ? " names nothing to read"
                                                     : " names several: " + Join(places, ", ")))
        .WithHint(
            "agent.toml needs one of csv = \"...\"; sqlite = \"...\" with table = \"...\"; or "
            "idx_images = \"...\" with idx_labels = \"...\"");
  }
  if (!source.sqlite.empty() && source.table.empty()) {
    return InvalidArgument(section + " names a database but no table")
        .WithHint("add table = \"...\"; it may also name a view");
  }
  if (source.sqlite.empty() && !source.table.empty()) {
    return InvalidArgument(section + " names a table, but a " +
                           (source.csv.empty() ? "image" : "csv") + " file has none")
        .WithHint("remove table, or name the database with sqlite = \"...\"");
  }
  if (!source.idx.images.empty() && source.idx.labels.empty()) {
    return InvalidArgument(section + " names images but no labels")
        .WithHint("add idx_labels = \"...\"");
  }
  return OkStatus();
}

const std::string& PathOf(const DataSource& source) {
  if (!source.csv.empty()) return source.csv;
  return source.idx.images.empty() ? source.sqlite : source.idx.images;
}

std::string KeyOf(const DataSource& source, const std::string& key) {
  return key + " under [data." + source.name + "] of agent.toml";
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
  const std::string& path = PathOf(source);
  return WithoutFolder(status, path)
      .WithHint(KeyOf(source, PlacesOf(source).front()) + " names " + path);
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
  if (!source.idx.images.empty()) {
    Result<std::unique_ptr<Table>> table = ReadIdx(files, source, columns);
    if (table.ok()) return table;
    Status status = std::move(table).status();
    const std::string hint = status.hint();
    for (const std::string* path : {&source.idx.images, &source.idx.labels, &source.idx.parts}) {
      if (!path->empty()) status = WithoutFolder(status, *path);
    }
    return std::move(status).WithHint(
        hint.empty() ? KeyOf(source, "idx_images") + " names " + PathOf(source) : hint);
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
  const std::pair<const char*, const std::string&> all[] = {{"csv", source.csv},
                                                            {"idx_images", source.idx.images},
                                                            {"idx_labels", source.idx.labels},
                                                            {"parts", source.idx.parts},
                                                            {"sqlite", source.sqlite}};
  for (const auto& [key, path] : all) {
    if (path.empty()) continue;
    SKERRY_RETURN_IF_ERROR(
        files.Open(path, OpenMode::kRead).status().WithContext(KeyOf(source, key)));
  }
  return OkStatus();
}

}  // namespace skerry::client
