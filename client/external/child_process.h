#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace skerry::client {

struct ChildOptions {
  std::vector<std::string> command;                // the first: an absolute path
  std::string directory;                           // it works in
  std::map<std::string, std::string> environment;  // all of it
  uint64_t memory_limit = 0;  // bytes of address space of each of its processes; 0: no limit
  // Gets each line of its standard error, without the line's end and cut to kMaxErrorLine bytes, on
  // the thread that calls NextLine.
  std::function<void(std::string_view)> on_error_line = {};
};

// A program of somebody else's that is talked to in lines, over its standard streams. It has a
// process group of its own, which is killed with this object; the program itself also when this
// process dies, or the thread that started it ends. It inherits no open file, no signal settings
// and no environment; its files are private (umask 077), it gains no privileges and dumps no core.
// Not thread-safe.
class ChildProcess {
 public:
  static constexpr std::size_t kMaxLine = std::size_t{64} << 10;
  static constexpr std::size_t kMaxErrorLine = 1000;
  using Deadline = std::chrono::steady_clock::time_point;

  // NOT_FOUND, PERMISSION_DENIED, ...: the program cannot be started; names it. SIGPIPE is ignored
  // in this process from now on.
  static Result<std::unique_ptr<ChildProcess>> Start(const ChildOptions& options);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Sends a line, while NextLine() waits for the answer.
  void Send(std::string_view line);
  // The next line of its standard output; nullopt: it has closed that, or ended. INVALID_ARGUMENT:
  // a line is longer than kMaxLine, and its beginning stands in the hint. CANCELLED when `stop` is
  // requested, DEADLINE_EXCEEDED at `deadline`.
  Result<std::optional<std::string>> NextLine(Deadline deadline, const std::stop_token& stop);
  // Whether it is still there and has said nothing that was not asked for. Never waits; one whose
  // standard error does not come to an end is not quiet.
  bool IsQuiet();

  // Once it has closed its output: waits a moment for its end, and kills it otherwise. Says what
  // became of it: "it ended with exit code 1", "it was killed by signal 9 (Killed): out of
  // memory?".
  std::string End();
  bool ended_well() const { return exit_status_ == 0; }  // after End()

  int pid() const { return pid_; }

 private:
  ChildProcess() = default;
  bool Poll(int timeout_ms, int wake_fd);
  void Write();
  void Read(int& fd, std::string& buffer);
  void TakeErrorLines();
  std::optional<std::string> TakeLine();

  int pid_ = -1;
  int in_ = -1;   // its standard input
  int out_ = -1;  // what it says
  int err_ = -1;
  std::string to_send_;
  std::string said_;
  std::string errors_;
  std::function<void(std::string_view)> on_error_line_;
  std::optional<int> exit_status_;  // as waitpid() gives it
};

}  // namespace skerry::client
