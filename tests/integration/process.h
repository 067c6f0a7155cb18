#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace skerry::testing {

// A program of this build, with its output in a file. Killed when the object goes.
class Process {
 public:
  // `output`: standard output and error are appended there.
  Process(std::vector<std::string> arguments, std::string output,
          const std::map<std::string, std::string>& environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int number) const;
  // kill -9, and gone when it returns.
  void Kill9();
  // The exit code; minus the signal's number when one ended it; -1000 when `limit` passed first.
  int Wait(std::chrono::seconds limit = std::chrono::seconds(30));
  bool IsRunning();
  // All that it has printed so far.
  std::string Output() const;
  // Waits until the output has `text`. False: it ended, or `limit` passed, without.
  bool WaitFor(const std::string& text, std::chrono::seconds limit = std::chrono::seconds(30));

 private:
  pid_t pid_ = -1;
  int exit_code_ = 0;
  bool ended_ = false;
  const std::string output_;
  std::size_t output_begin_ = 0;
};

struct Finished {
  int exit_code = 0;
  std::string out;
  std::string err;
};
// Runs a program to its end, at most a minute.
Finished RunToEnd(std::vector<std::string> arguments, const std::string& directory,
                  const std::map<std::string, std::string>& environment = {});

// Looks again and again, for at most `limit`, until `holds` does.
bool Eventually(const std::function<bool()>& holds,
                std::chrono::seconds limit = std::chrono::seconds(30));

// The path of a program of this build: "skerry", "skerry-coordinator", "skerry-client".
std::string Program(const std::string& name);

std::string ReadAll(const std::string& path);
void WriteAll(const std::string& path, const std::string& contents);
// Replaces the first `from` in a file, which must have it.
void Edit(const std::string& path, const std::string& from, const std::string& to);

}  // namespace skerry::testing
