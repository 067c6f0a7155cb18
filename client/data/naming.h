#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "client/data/table.h"

// How this folder speaks of a source's names and cells. The message of an error holds only what the
// run and agent.toml say (names of columns, places); what the source itself holds (cells, names of
// its other columns) stands in the hint, so that a message may leave the site and a hint need not.
namespace skerry::client {

// The last part of a path.
std::string FileName(const std::string& path);

// `text` in double quotes, for a message: control characters and bytes that are not UTF-8 as \xNN,
// no more than about 60 bytes of it.
std::string Quoted(std::string_view text);

// The candidate that differs in upper and lower case alone, else the nearest one, else "".
std::string NearestOf(std::string_view name, std::span<const std::string> candidates);

// Which columns of a source stand for the columns that were asked for.
struct ColumnChoice {
  std::vector<std::string> labels;  // per column asked for, for messages: "age", "age (here Alter)"
  std::vector<std::size_t> stored;  // per column asked for: its index in `sources`
  std::vector<std::size_t> sources;  // columns of the source to keep, each once
};

// INVALID_ARGUMENT for a column that `available` lacks or has twice; the message begins with
// `where`, the hint names the nearest column and says how to rename.
Result<ColumnChoice> ChooseColumns(const DataSource& source, std::span<const std::string> asked,
                                   std::span<const std::string> available,
                                   const std::string& where);

}  // namespace skerry::client
