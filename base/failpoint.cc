#include "base/failpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

namespace skerry {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets any
  return value == nullptr ? "" : value;
}

struct Deadly {
  std::string name;
  int64_t at = 0;  // the number of the hit that kills
};

Deadly ReadDeadly() {
  std::string text = Environment("SKERRY_FAILPOINT");
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return {std::move(text), 1};
  return {text.substr(0, colon), std::atoll(text.c_str() + colon + 1)};
}

void Count(const std::string& directory, std::string name) {
  std::replace(name.begin(), name.end(), '/', '.');
  const int fd = ::open((directory + "/" + name).c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (fd < 0) return;
  const ssize_t written = ::write(fd, ".", 1);
  static_cast<void>(written);
  ::close(fd);
}

}  // namespace

void HitFailpoint(std::string_view name) {
  static const std::string hits = Environment("SKERRY_FAILPOINT_HITS");
  static const Deadly deadly = ReadDeadly();
  static std::atomic<int64_t> count{0};
  if (!hits.empty()) Count(hits, std::string(name));
  if (name == deadly.name && ++count == deadly.at) ::kill(::getpid(), SIGKILL);
}

}  // namespace skerry
