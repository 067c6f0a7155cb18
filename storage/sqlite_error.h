#pragma once

#include <string>

#include "base/status.h"

struct sqlite3;

namespace skerry::storage {

// The last error of a connection as a status whose message names `path`:
//   RESOURCE_EXHAUSTED  the disk is full
//   DATA_LOSS           the file is damaged, or no SQLite database
//   PERMISSION_DENIED   the file may not be read or written; the message tells whose it is
//   UNAVAILABLE         another program holds it locked
//   INTERNAL            any other
Status LastSqliteError(sqlite3* connection, const std::string& path);
// The same for a result code and the errno that came with it.
Status FromSqlite(int extended_code, int error_number, const std::string& text,
                  const std::string& path);

// A status that says that `path` is damaged and what an operator can do.
Status Damaged(const std::string& path, const std::string& how);

// Whether this process may make and write `path` and the files beside it, or only read `path`.
// NOT_FOUND or PERMISSION_DENIED names the file or directory, its owner and its mode.
Status CheckWritable(const std::string& path);
Status CheckReadable(const std::string& path);

// "/x belongs to skerry (uid 105), mode 0700; this process runs as root (uid 0)".
std::string DescribeOwner(const std::string& path);

}  // namespace skerry::storage
