#pragma once

#include <string>
#include <vector>

struct sqlite3;

namespace skerry::storage {

// A connection past all of Skerry's own code but the checksums of pages: another program that looks
// at a file or spoils it.
class RawSql {
 public:
  explicit RawSql(const std::string& path);
  ~RawSql();
  RawSql(const RawSql&) = delete;
  RawSql& operator=(const RawSql&) = delete;

  // The first column of each row. The test ends when SQLite refuses.
  std::vector<std::string> operator()(const std::string& sql);
  // SQLite's extended result code.
  int TryExecute(const std::string& sql);

 private:
  sqlite3* connection_ = nullptr;
};

// The same over a connection of its own.
std::vector<std::string> QueryFile(const std::string& path, const std::string& sql);

}  // namespace skerry::storage
