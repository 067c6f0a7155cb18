#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/status.h"

namespace skerry::client {

// Images and their labels in IDX files, the format of MNIST: client/data/idx.h.
struct IdxSource {
  std::string images;  // paths
  std::string labels;
  std::string parts;  // a file with a byte for each image: whose it is; empty: all are taken
  int64_t part = 0;   // with parts: those of this number
  double divisor = 1;
};

// Where a site's rows come from: one [data.NAME] table of agent.toml.
struct DataSource {
  std::string name;
  std::string csv;                            // path of a CSV file, or
  IdxSource idx = {};                         // of two IDX files, or
  std::string sqlite;                         // path of a SQLite database, with
  std::string table;                          // the table or view to read
  std::map<std::string, std::string> rename;  // the run's name of a column -> this source's
  std::vector<std::string> missing_values = {"", "NA", "N/A", "NaN", "nan", "NULL", "null", "?"};
};

// Cells of the columns that were asked for, as text. Immutable.
class Table {
 public:
  virtual ~Table() = default;
  virtual std::size_t num_rows() const = 0;
  virtual std::size_t num_columns() const = 0;
  // nullopt: missing. The text is unquoted and without white space at its ends.
  virtual std::optional<std::string_view> Cell(std::size_t row, std::size_t column) const = 0;
  // Where a cell stands, for messages: "icu.csv:17, column age", "patients row 17, column age (here
  // Alter)".
  virtual std::string Place(std::size_t row, std::size_t column) const = 0;
};

// Reads `columns` (names as the run gives them) of a source. Columns of the source that were not
// asked for are skipped. Errors: NOT_FOUND (file, table), INVALID_ARGUMENT (a missing column: names
// it and the file, by the last part of its path, and hints at the nearest column there is; a quote
// that never closes, a row with too few or too many fields, a cell of more than 16 MB: file and
// line; no rows), and for a SQLite database also those of sqlite_table.h. Messages hold only what
// the run and agent.toml say; what the source itself holds (other columns' names) stands in the
// hints, which are for the site's own eyes.
Result<std::unique_ptr<Table>> ReadTable(Files& files, const DataSource& source,
                                         std::span<const std::string> columns);

// The same for CSV text in memory (RFC 4180: a header, quoted fields with "" for a quote, CRLF or
// LF line ends, line breaks inside quotes; a UTF-8 byte-order mark is skipped; empty lines are
// skipped). `name` is for messages.
Result<std::unique_ptr<Table>> ReadCsv(std::string text, const std::string& name,
                                       const DataSource& source,
                                       std::span<const std::string> columns);

// Whether the source's files can be opened now. The error names the key and the whole path: it is
// for the site's own log.
Status CheckReadable(Files& files, const DataSource& source);

}  // namespace skerry::client
