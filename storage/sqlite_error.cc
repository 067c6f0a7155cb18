#include "storage/sqlite_error.h"

#include <pwd.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/files.h"
#include "storage/database_vfs.h"

namespace skerry::storage {
namespace {

std::string UserName(uid_t uid) {
  struct passwd entry {};
  struct passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  std::string number = "uid " + std::to_string(uid);
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return number;
  }
  return std::string(found->pw_name) + " (" + number + ")";
}

// `path`, or the directory it is in when there is no such file.
std::string Nearest(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0 ? path : ParentDirectory(path);
}

Status Denied(const std::string& path, const std::string& text) {
  struct stat info {};
  const std::string nearest = Nearest(path);
  const std::string owner =
      ::stat(nearest.c_str(), &info) == 0 ? UserName(info.st_uid) : "its owner";
  return PermissionDenied(path + ": " + text + "; " + DescribeOwner(nearest))
      .WithHint("run this as " + owner + ", or change the owner or the mode");
}

Status CheckAccess(const std::string& path, int mode) {
  if (::access(path.c_str(), mode) == 0) return OkStatus();
  const int error = errno;
  Status status = FromErrno(error, path);
  if (status.code() != Code::kPermissionDenied) return status;
  return Denied(path, error == EROFS ? "the file system is mounted read-only"
                                     : "this process has no access to it");
}

}  // namespace

Status FromSqlite(int extended_code, int error_number, const std::string& text,
                  const std::string& path) {
  const std::string message =
      path + ": " + text + " (SQLite code " + std::to_string(extended_code) + ")";
  // A failed sync must not pass for a full disk: after it the contents are unknown.
  const bool failed_sync =
      extended_code == SQLITE_IOERR_FSYNC || extended_code == SQLITE_IOERR_DIR_FSYNC;
  if (extended_code == SQLITE_IOERR_DATA) {
    return Damaged(path, "page " + std::to_string(LastDamagedPage()) +
                             " has changed since it was written (its checksum does not fit)");
  }
  switch (extended_code & 0xff) {
    case SQLITE_FULL:
      return ResourceExhausted(message).WithHint("free some disk space; nothing is lost");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Damaged(path, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Unavailable(message).WithHint("close the other program that has the file open");
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return Denied(path, text);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      if (failed_sync) return Internal(message);
      if (error_number == ENOSPC || error_number == EDQUOT) {
        return ResourceExhausted(message).WithHint("free some disk space; nothing is lost");
      }
      if (error_number == EACCES || error_number == EPERM || error_number == EROFS) {
        return Denied(path, text);
      }
      return Internal(message);
    default:
      return Internal(message);
  }
}

Status LastSqliteError(sqlite3* connection, const std::string& path) {
  const int code = sqlite3_extended_errcode(connection);
  return FromSqlite(code, sqlite3_system_errno(connection), sqlite3_errmsg(connection), path);
}

Status Damaged(const std::string& path, const std::string& how) {
  return DataLoss(path + " is damaged: " + how)
      .WithHint("restore it from a backup, or move it away to start empty");
}

Status CheckWritable(const std::string& path) {
  SKERRY_RETURN_IF_ERROR(CheckAccess(ParentDirectory(path), R_OK | W_OK | X_OK));
  if (::access(path.c_str(), F_OK) != 0) return OkStatus();
  return CheckAccess(path, R_OK | W_OK);
}

Status CheckReadable(const std::string& path) { return CheckAccess(path, R_OK); }

std::string DescribeOwner(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return FromErrno(errno, path).message();
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(info.st_mode & 07777U));
  return path + " belongs to " + UserName(info.st_uid) + ", mode " + mode.data() +
         "; this process runs as " + UserName(::geteuid());
}

}  // namespace skerry::storage
