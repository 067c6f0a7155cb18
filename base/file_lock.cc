#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace skerry {

Result<std::unique_ptr<FileLock>> FileLock::Acquire(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return FromErrno(errno, "opening " + path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      const Status status = FromErrno(errno, "locking " + path);
      ::close(fd);
      return status;
    }
    std::array<char, 32> holder{};
    const ssize_t n = ::pread(fd, holder.data(), holder.size() - 1, 0);
    ::close(fd);
    const std::string who = n > 0 ? "process " + std::string(holder.data()) : "another process";
    return AlreadyExists(path + " is held by " + who)
        .WithHint("one process at a time may use this directory; stop the other one first");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    const Status status = FromErrno(errno, "writing " + path);
    ::close(fd);
    return status;
  }
  return std::unique_ptr<FileLock>(new FileLock(fd));
}

FileLock::~FileLock() { ::close(fd_); }

}  // namespace skerry
