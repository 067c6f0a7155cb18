#include "base/file_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry {
namespace {

using ::testing::AllOf;
using testing::Fails;
using ::testing::HasSubstr;
using testing::TempDir;

// A process that takes the lock and keeps it until it is killed or told to end.
class Holder {
 public:
  explicit Holder(const std::string& path) {
    std::array<int, 2> ready{};
    std::array<int, 2> end{};
    EXPECT_EQ(::pipe(ready.data()), 0);
    EXPECT_EQ(::pipe(end.data()), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(end[1]);
      const auto lock = FileLock::Acquire(path);
      char byte = lock.ok() ? 'y' : 'n';
      const bool told = ::write(ready[1], &byte, 1) == 1;
      ::_exit(told && ::read(end[0], &byte, 1) == 0 ? 0 : 1);
    }
    ::close(ready[1]);
    ::close(end[0]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'y') << "the other process did not get the lock";
    ::close(ready[0]);
    end_ = end[1];
  }
  ~Holder() { Stop(0); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  pid_t pid() const { return pid_; }
  // Ends the process, with `signal` unless it is 0, and waits until it is gone.
  void Stop(int signal) {
    if (pid_ == 0) return;
    if (signal != 0) ::kill(pid_, signal);
    ::close(end_);
    EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  int end_ = -1;
};

TEST(FileLockTest, AnotherProcessIsKeptOutAndTheHolderNamed) {
  const TempDir dir;
  const Holder holder(dir.File("lock"));
  EXPECT_THAT(FileLock::Acquire(dir.File("lock")),
              Fails(Code::kAlreadyExists,
                    AllOf(HasSubstr(dir.File("lock")),
                          HasSubstr("held by process " + std::to_string(holder.pid())),
                          HasSubstr("stop the other one first"))));
}

TEST(FileLockTest, AKilledHolderLeavesNoLockBehind) {
  const TempDir dir;
  Holder holder(dir.File("lock"));
  holder.Stop(SIGKILL);
  EXPECT_OK(FileLock::Acquire(dir.File("lock")));
}

TEST(FileLockTest, AHolderThatEndedLeavesNoLockBehind) {
  const TempDir dir;
  Holder holder(dir.File("lock"));
  holder.Stop(0);
  EXPECT_OK(FileLock::Acquire(dir.File("lock")));
}

TEST(FileLockTest, TheSameProcessCannotHoldItTwice) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(auto lock, FileLock::Acquire(dir.File("lock")));
  EXPECT_THAT(FileLock::Acquire(dir.File("lock")),
              Fails(Code::kAlreadyExists, HasSubstr(std::to_string(::getpid()))));
  lock.reset();
  EXPECT_OK(FileLock::Acquire(dir.File("lock")));
}

TEST(FileLockTest, AShorterProcessNumberReplacesALongerOne) {
  const TempDir dir;
  dir.Write("lock", "99999999999 and more");
  ASSERT_OK_AND_ASSIGN(const auto lock, FileLock::Acquire(dir.File("lock")));
  EXPECT_THAT(
      FileLock::Acquire(dir.File("lock")),
      Fails(Code::kAlreadyExists, HasSubstr("process " + std::to_string(::getpid()) + " ")));
}

TEST(FileLockTest, AMissingDirectoryIsNamed) {
  const TempDir dir;
  EXPECT_THAT(FileLock::Acquire(dir.File("no/lock")),
              Fails(Code::kNotFound, HasSubstr(dir.File("no/lock"))));
}

}  // namespace
}  // namespace skerry
