#pragma once

#include <memory>
#include <string>

#include "base/status.h"

namespace skerry {

// Held as long as the object lives, and by no two processes at once. The kernel lets go of it when
// the process dies, so there is no stale lock to clean up.
class FileLock {
 public:
  // ALREADY_EXISTS when another process holds it; its message names the process.
  static Result<std::unique_ptr<FileLock>> Acquire(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace skerry
