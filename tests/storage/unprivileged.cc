#include "storage/unprivileged.h"

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/check.h"

namespace skerry::storage {
namespace {

constexpr uid_t kNobody = 65534;

void DropRights() {
  if (::geteuid() != 0) return;
  SKERRY_CHECK(::setgroups(0, nullptr) == 0);
  SKERRY_CHECK(::setgid(kNobody) == 0);
  SKERRY_CHECK(::setuid(kNobody) == 0);
}

}  // namespace

std::string AsNobody(const std::function<std::string()>& body) {
  std::array<int, 2> ends{};
  SKERRY_CHECK(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  SKERRY_CHECK(child >= 0);
  if (child == 0) {
    DropRights();
    const std::string answer = body();
    const bool written =
        ::write(ends[1], answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  std::string answer;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    answer.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  SKERRY_CHECK(::waitpid(child, &status, 0) == child && status == 0);
  return answer;
}

}  // namespace skerry::storage
