// A library to be loaded into a program with LD_PRELOAD: fsync and fdatasync fail as they do on a
// disk that has lost what it was given.
//
// SKERRY_FAILING_SYNC=FILE names a file. While it is there, every sync of a path that ends with the
// file's first line fails with EIO, and the path is appended to FILE.log: one line for each such
// call.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

namespace {

std::string FirstLine(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::array<char, 256> text{};
  const ssize_t n = ::read(fd, text.data(), text.size());
  ::close(fd);
  const std::string line(text.data(), static_cast<std::size_t>(n > 0 ? n : 0));
  return line.substr(0, line.find('\n'));
}

std::string PathOf(int fd) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  std::array<char, 4096> path{};
  const ssize_t n = ::readlink(link.c_str(), path.data(), path.size());
  return {path.data(), static_cast<std::size_t>(n > 0 ? n : 0)};
}

void Log(const std::string& file, const std::string& path) {
  const std::string line = path + "\n";
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  static_cast<void>(::write(fd, line.data(), line.size()) == 0);
  ::close(fd);
}

int Sync(const char* function, int fd) {
  const char* trigger = std::getenv("SKERRY_FAILING_SYNC");  // NOLINT(concurrency-mt-unsafe)
  const std::string ending = trigger == nullptr ? "" : FirstLine(trigger);
  const std::string path = ending.empty() ? "" : PathOf(fd);
  if (!ending.empty() && path.ends_with(ending)) {
    Log(std::string(trigger) + ".log", path);
    errno = EIO;
    return -1;
  }
  const auto real = reinterpret_cast<int (*)(int)>(::dlsym(RTLD_NEXT, function));
  return real(fd);
}

}  // namespace

extern "C" int fsync(int fd) { return Sync("fsync", fd); }
extern "C" int fdatasync(int fd) { return Sync("fdatasync", fd); }
