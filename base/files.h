#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace skerry {

// An open file. Calls on disjoint ranges may come from several threads at once.
class File {
 public:
  virtual ~File() = default;
  // The number of bytes read: fewer than out.size() only at the end of the file.
  virtual Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const = 0;
  // All of `bytes` or an error; the file grows as needed. RESOURCE_EXHAUSTED when the disk is full.
  virtual Status WriteAt(uint64_t offset, std::string_view bytes) = 0;
  // On disk when it returns. After an error the contents are unknown: never call it again, start
  // over.
  virtual Status Sync() = 0;
  // A hint, without a promise: the system may begin to write these bytes to the disk, so that
  // Sync() has less to wait for.
  virtual void BeginSync(uint64_t /*offset*/, uint64_t /*size*/) {}
  virtual Result<uint64_t> Size() const = 0;
  virtual Status Truncate(uint64_t size) = 0;
};

enum class OpenMode {
  kRead,
  kReadWrite,  // made if missing, kept if there
  kCreate,     // made, or emptied
};

// The file system as Skerry uses it. Thread-safe. Paths are the system's own. Every error names the
// path; NOT_FOUND, PERMISSION_DENIED and RESOURCE_EXHAUSTED mean what they say.
class Files {
 public:
  virtual ~Files() = default;
  virtual Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;  // atomic, replaces
  virtual Status Remove(const std::string& path) = 0;  // a missing file is no error
  // With those above it; the names are on disk when it returns. Ones that are there are no error.
  virtual Status MakeDirectories(const std::string& path) = 0;
  virtual Status SyncDirectory(const std::string& path) = 0;  // the names in it are on disk
  virtual Result<std::vector<std::string>> List(const std::string& directory) = 0;  // names, sorted
  // How much more the file system of a directory holds for this user, as far as that is known.
  virtual Result<uint64_t> FreeBytes(const std::string& /*directory*/) {
    return std::numeric_limits<uint64_t>::max();
  }
};

// The operating system's files. New ones are 0600, new directories 0700.
class PosixFiles final : public Files {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status MakeDirectories(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& directory) override;
  Result<uint64_t> FreeBytes(const std::string& directory) override;
};

// The whole file, or an error that names it.
Result<std::string> ReadFile(Files& files, const std::string& path);

// Temporary file, sync, rename, sync of the directory: a crash leaves the old contents or the new.
// After an error the old are there, or the new if only their name could not be synced.
Status PublishFile(Files& files, const std::string& path, std::string_view bytes);

// "a/b" -> "a"; "b" -> ".".
std::string ParentDirectory(const std::string& path);
// `path` itself when absolute, else below `base`.
std::string ResolvePath(const std::string& base, const std::string& path);

}  // namespace skerry
