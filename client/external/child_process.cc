#include "client/external/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <utility>

namespace skerry::client {
namespace {

using std::chrono::milliseconds;

// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

struct Ends {
  Fd read;
  Fd write;
};

Status Failed(const char* what) {
  return FailedPrecondition(std::string(what) + ": " + std::strerror(errno));
}

// Above the numbers that the child's standard streams get, and closed in other children.
Result<Fd> MoveUp(int fd) {
  constexpr int kLowest = 10;
  Fd low(fd);
  Fd high(::fcntl(low.get(), F_DUPFD_CLOEXEC, kLowest));
  if (high.get() < 0) return Failed("a pipe to a trainer");
  return high;
}

Result<Ends> MakePipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return Failed("a pipe to a trainer");
  Fd write(fds[1]);
  Ends ends;
  SKERRY_ASSIGN_OR_RETURN(ends.read, MoveUp(fds[0]));
  SKERRY_ASSIGN_OR_RETURN(ends.write, MoveUp(write.Release()));
  return ends;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// All that the child needs between fork and exec, where nothing may allocate or lock.
struct Preparation {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const char* directory;
  uint64_t memory_limit;
  pid_t parent;
  int in;
  int out;
  int err;
  int trouble;  // hears why exec did not come about
};

[[noreturn]] void Fail(int trouble) {
  const int error = errno;
  static_cast<void>(!::write(trouble, &error, sizeof(error)));
  ::_exit(127);
}

void ResetSignals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool LimitResources(uint64_t memory_limit) {
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return false;
  if (memory_limit == 0) return true;
  const rlimit memory{memory_limit, memory_limit};
  return ::setrlimit(RLIMIT_AS, &memory) == 0;
}

[[noreturn]] void Become(const Preparation& p) {
  constexpr int kTrouble = 3;
  if (::setpgid(0, 0) != 0) Fail(p.trouble);
  ResetSignals();
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    Fail(p.trouble);
  }
  if (::getppid() != p.parent) ::_exit(127);  // which died before it could be heard of
  if (::dup2(p.in, 0) < 0 || ::dup2(p.out, 1) < 0 || ::dup2(p.err, 2) < 0 ||
      ::dup3(p.trouble, kTrouble, O_CLOEXEC) < 0) {
    Fail(p.trouble);
  }
  ::close_range(kTrouble + 1, ~0U, 0);
  ::umask(077);
  if (::chdir(p.directory) != 0 || !LimitResources(p.memory_limit)) Fail(kTrouble);
  ::execve(p.program, p.arguments, p.environment);
  Fail(kTrouble);
}

// What the child says between fork and exec: 0 when it has become the program.
int TroubleOf(int fd) {
  int error = 0;
  ssize_t n = 0;
  do {
    n = ::read(fd, &error, sizeof(error));
  } while (n < 0 && errno == EINTR);
  return n == sizeof(error) ? error : 0;
}

Status CannotStart(const std::string& program, int error) {
  const std::string message = program + " cannot be started: " + std::strerror(error);
  if (error == ENOENT) return NotFound(message);
  if (error == EACCES) return PermissionDenied(message);
  return FailedPrecondition(message);
}

std::string InWords(int status) {
  if (WIFEXITED(status)) return "it ended with exit code " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const std::string words =
      "it was killed by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
  return signal == SIGKILL ? words + ": out of memory?" : words;
}

void SetNonBlocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

void Close(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::Start(const ChildOptions& options) {
  static std::once_flag ignored;
  std::call_once(ignored, [] { ::signal(SIGPIPE, SIG_IGN); });
  SKERRY_ASSIGN_OR_RETURN(Ends in, MakePipe());
  SKERRY_ASSIGN_OR_RETURN(Ends out, MakePipe());
  SKERRY_ASSIGN_OR_RETURN(Ends err, MakePipe());
  SKERRY_ASSIGN_OR_RETURN(Ends trouble, MakePipe());
  std::vector<std::string> variables;
  for (const auto& [name, value] : options.environment) variables.push_back(name + "=" + value);
  const std::vector<char*> arguments = Pointers(options.command);
  const std::vector<char*> environment = Pointers(variables);
  const Preparation preparation = {options.command.front().c_str(),
                                   arguments.data(),
                                   environment.data(),
                                   options.directory.c_str(),
                                   options.memory_limit,
                                   ::getpid(),
                                   in.read.get(),
                                   out.write.get(),
                                   err.write.get(),
                                   trouble.write.get()};
  const pid_t pid = ::fork();
  if (pid < 0) return Failed("a process for a trainer");
  if (pid == 0) Become(preparation);
  auto child = std::unique_ptr<ChildProcess>(new ChildProcess());
  child->pid_ = pid;
  child->on_error_line_ = options.on_error_line;
  trouble.write = Fd();
  if (const int error = TroubleOf(trouble.read.get()); error != 0) {
    return CannotStart(options.command.front(), error);
  }
  child->in_ = in.write.Release();
  child->out_ = out.read.Release();
  child->err_ = err.read.Release();
  for (const int fd : {child->in_, child->out_, child->err_}) SetNonBlocking(fd);
  return child;
}

ChildProcess::~ChildProcess() {
  Close(in_);
  Close(out_);
  Close(err_);
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);  // before it is waited for: its number is nobody else's until then
  if (!exit_status_) ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

void ChildProcess::Send(std::string_view line) {
  to_send_ += line;
  to_send_ += '\n';
}

Result<std::optional<std::string>> ChildProcess::NextLine(Deadline deadline,
                                                          const std::stop_token& stop) {
  const Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback on_stop(stop, [&wake] { ::eventfd_write(wake.get(), 1); });
  for (;;) {
    if (stop.stop_requested()) return Cancelled("the task was stopped");
    if (std::optional<std::string> line = TakeLine()) return line;
    if (said_.size() > kMaxLine) {
      return InvalidArgument("a line of its output is longer than " + std::to_string(kMaxLine) +
                             " bytes")
          .WithHint("it begins: " + said_.substr(0, 200));
    }
    if (out_ < 0) return std::optional<std::string>();
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return DeadlineExceeded("it took too long");
    const auto most = std::chrono::duration_cast<milliseconds>(std::chrono::hours(1));
    const auto wait = std::min(std::chrono::duration_cast<milliseconds>(left), most);
    Poll(static_cast<int>(wait.count()) + 1, wake.get());
  }
}

bool ChildProcess::IsQuiet() {
  constexpr int kMostPolls = 64;  // far more than the pipes of one that is done hold
  for (int polls = 0; polls < kMostPolls && said_.empty(); ++polls) {
    if (!Poll(0, -1)) return out_ >= 0;
  }
  return false;
}

// Moves what can be moved. Whether anything could.
bool ChildProcess::Poll(int timeout_ms, int wake_fd) {
  std::array<pollfd, 4> fds = {pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0},
                               pollfd{to_send_.empty() ? -1 : in_, POLLOUT, 0},
                               pollfd{wake_fd, POLLIN, 0}};
  if (::poll(fds.data(), fds.size(), timeout_ms) <= 0) return false;
  if (fds[0].revents != 0) Read(out_, said_);
  if (fds[1].revents != 0) {
    Read(err_, errors_);
    TakeErrorLines();
  }
  if (fds[2].revents != 0) Write();
  return true;
}

void ChildProcess::Write() {
  const ssize_t n = ::write(in_, to_send_.data(), to_send_.size());
  if (n >= 0) {
    to_send_.erase(0, static_cast<std::size_t>(n));
  } else if (errno != EAGAIN && errno != EINTR) {  // it does not listen any more
    to_send_.clear();
    Close(in_);
  }
}

void ChildProcess::Read(int& fd, std::string& buffer) {
  std::array<char, 16384> bytes;
  const ssize_t n = ::read(fd, bytes.data(), bytes.size());
  if (n > 0) return void(buffer.append(bytes.data(), static_cast<std::size_t>(n)));
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  Close(fd);
}

void ChildProcess::TakeErrorLines() {
  const bool closed = err_ < 0;
  std::string_view left = errors_;
  for (;;) {
    const std::size_t end = left.find('\n');
    const bool whole = end != std::string_view::npos;
    if (!whole && left.size() < kMaxErrorLine && (!closed || left.empty())) break;
    const std::string_view line = left.substr(0, end);
    if (on_error_line_) on_error_line_(line.substr(0, kMaxErrorLine));
    left.remove_prefix(line.size() + (whole ? 1 : 0));
  }
  errors_.erase(0, errors_.size() - left.size());
}

std::optional<std::string> ChildProcess::TakeLine() {
  const std::size_t end = said_.find('\n');
  if (end == std::string::npos || end > kMaxLine) return std::nullopt;
  std::string line = said_.substr(0, end);
  said_.erase(0, end + 1);
  return line;
}

std::string ChildProcess::End() {
  constexpr auto kPatience = std::chrono::seconds(2);
  Close(in_);
  to_send_.clear();
  const auto until = std::chrono::steady_clock::now() + kPatience;
  siginfo_t info{};
  const auto ended = [&] {
    info.si_pid = 0;
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
  };
  bool killed = false;
  while (!ended()) {
    Poll(10, -1);
    if (killed || std::chrono::steady_clock::now() < until) continue;
    ::kill(-pid_, SIGKILL);
    killed = true;
  }
  ::kill(-pid_, SIGKILL);  // what it started
  for (int tries = 0; tries < 100 && err_ >= 0 && Poll(10, -1); ++tries) {
  }
  const int status =
      info.si_code == CLD_EXITED ? (info.si_status & 0xFF) << 8 : info.si_status & 0x7F;
  exit_status_ = status;
  return killed ? "it closed its output but did not end, and was killed" : InWords(status);
}

}  // namespace skerry::client
