#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "client/data/table.h"

namespace skerry::client {

// Reads `columns` of source.table of the SQLite database source.sqlite, which is opened read-only.
// Integers and reals become texts that read back to the same number, a real that is a whole number
// as an integer ("17", not "17.0"), so that a column of codes has one spelling everywhere. NULL is
// missing, and so is a text among source.missing_values.
//
// Errors: NOT_FOUND (no such table or view); INVALID_ARGUMENT (no SQLite database, a missing
// column, a cell that holds a BLOB, no rows); UNAVAILABLE (another program held a lock all through
// `lock_wait_ms`); DATA_LOSS (the file is damaged); FAILED_PRECONDITION or INTERNAL (the hint has
// SQLite's own words).
Result<std::unique_ptr<Table>> ReadSqlite(const DataSource& source,
                                          std::span<const std::string> columns,
                                          int lock_wait_ms = 5000);

}  // namespace skerry::client
