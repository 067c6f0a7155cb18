#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <limits>
#include <utility>

#include "storage/database.h"

namespace skerry::storage {
namespace {

Status TooLong(std::string_view bytes) {
  if (bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max())) return OkStatus();
  return InvalidArgument("a value of " + std::to_string(bytes.size()) + " bytes is too long");
}

}  // namespace

Statement::Statement(const Database& database, std::unique_ptr<SQLite::Statement> statement)
    : database_(&database), statement_(std::move(statement)) {}
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;
Statement::~Statement() = default;

template <class Bind>
Statement& Statement::BindNext(Bind bind) {
  if (!bind_error_.ok()) return *this;
  try {
    bind(*statement_, next_parameter_++);
  } catch (const SQLite::Exception&) {
    bind_error_ = database_->LastError();
  }
  return *this;
}

Statement& Statement::BindInteger(int64_t value) {
  return BindNext([&](SQLite::Statement& s, int index) { s.bind(index, value); });
}

Statement& Statement::BindText(std::string_view text) {
  if (bind_error_.ok()) bind_error_ = TooLong(text);
  return BindNext([&](SQLite::Statement& s, int index) { s.bind(index, std::string(text)); });
}

Statement& Statement::BindBlob(std::string_view bytes) {
  if (bind_error_.ok()) bind_error_ = TooLong(bytes);
  // SQLite takes a null pointer for NULL, not for no bytes.
  const char* data = bytes.empty() ? "" : bytes.data();
  const int size = static_cast<int>(bytes.size());
  return BindNext([&](SQLite::Statement& s, int index) {
    s.bind(index, static_cast<const void*>(data), size);
  });
}

Status Statement::Run() {
  Result<bool> row = Step();
  Reset();
  return std::move(row).status();
}

Result<bool> Statement::Step() {
  Status status = std::exchange(bind_error_, OkStatus());
  if (status.ok()) {
    const int code = statement_->tryExecuteStep();
    next_column_ = 0;
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) status = database_->LastError();
  }
  Reset();
  if (!status.ok()) return status;
  return false;
}

void Statement::Reset() {
  statement_->tryReset();  // repeats the error of the last step, which was reported then
  next_parameter_ = 1;
}

int64_t Statement::ReadInteger() { return statement_->getColumn(next_column_++).getInt64(); }

std::string Statement::ReadText() { return statement_->getColumn(next_column_++).getString(); }

}  // namespace skerry::storage
