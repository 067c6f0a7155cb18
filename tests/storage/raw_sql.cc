#include "storage/raw_sql.h"

#include <sqlite3.h>

#include "base/check.h"
#include "storage/database_vfs.h"

namespace skerry::storage {

RawSql::RawSql(const std::string& path) {
  SKERRY_CHECK(sqlite3_open_v2(path.c_str(), &connection_,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                               DatabaseVfs()) == SQLITE_OK);
}

RawSql::~RawSql() { sqlite3_close(connection_); }

int RawSql::TryExecute(const std::string& sql) {
  const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? code : sqlite3_extended_errcode(connection_);
}

std::vector<std::string> RawSql::operator()(const std::string& sql) {
  std::vector<std::string> rows;
  const auto add_row = [](void* out, int num_columns, char** values, char**) {
    const char* first = num_columns > 0 && values[0] != nullptr ? values[0] : "";
    static_cast<std::vector<std::string>*>(out)->emplace_back(first);
    return 0;
  };
  SKERRY_CHECK(sqlite3_exec(connection_, sql.c_str(), add_row, &rows, nullptr) == SQLITE_OK);
  return rows;
}

std::vector<std::string> QueryFile(const std::string& path, const std::string& sql) {
  return RawSql{path}(sql);
}

}  // namespace skerry::storage
