#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/check.h"

extern char** environ;

namespace skerry::testing {
namespace {

constexpr auto kLookAgain = std::chrono::milliseconds(5);

std::vector<std::string> Environment(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable = *entry;
    if (!changes.contains(variable.substr(0, variable.find('=')))) variables.push_back(variable);
  }
  for (const auto& [name, value] : changes) variables.push_back(name + "=" + value);
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

pid_t Spawn(std::vector<std::string> arguments, const std::string& out, const std::string& err,
            const std::map<std::string, std::string>& changes) {
  std::vector<std::string> variables = Environment(changes);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (out == err) {
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
  } else {
    posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  }
  pid_t pid = -1;
  const int error = posix_spawn(&pid, arguments[0].c_str(), &actions, nullptr,
                                Pointers(arguments).data(), Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  SKERRY_CHECK(error == 0);
  return pid;
}

int ExitCodeOf(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

}  // namespace

Process::Process(std::vector<std::string> arguments, std::string output,
                 const std::map<std::string, std::string>& environment)
    : output_(std::move(output)) {
  output_begin_ = ReadAll(output_).size();
  pid_ = Spawn(std::move(arguments), output_, output_, environment);
}

Process::~Process() { Kill9(); }

void Process::Signal(int number) const {
  if (!ended_) ::kill(pid_, number);
}

void Process::Kill9() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  ended_ = true;
  exit_code_ = ExitCodeOf(status);
}

bool Process::IsRunning() {
  if (ended_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == 0) return true;
  ended_ = true;
  exit_code_ = ExitCodeOf(status);
  return false;
}

int Process::Wait(std::chrono::seconds limit) {
  return Eventually([this] { return !IsRunning(); }, limit) ? exit_code_ : -1000;
}

std::string Process::Output() const { return ReadAll(output_).substr(output_begin_); }

bool Process::WaitFor(const std::string& text, std::chrono::seconds limit) {
  const auto has_it = [&] { return Output().find(text) != std::string::npos; };
  Eventually([&] { return has_it() || !IsRunning(); }, limit);
  return has_it();
}

Finished RunToEnd(std::vector<std::string> arguments, const std::string& directory,
                  const std::map<std::string, std::string>& environment) {
  const std::string out = directory + "/stdout.txt";
  const std::string err = directory + "/stderr.txt";
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  const pid_t pid = Spawn(std::move(arguments), out, err, environment);
  int status = 0;
  const bool ended =
      Eventually([&] { return ::waitpid(pid, &status, WNOHANG) != 0; }, std::chrono::seconds(60));
  if (!ended) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
  }
  return {ended ? ExitCodeOf(status) : -1000, ReadAll(out), ReadAll(err)};
}

bool Eventually(const std::function<bool()>& holds, std::chrono::seconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end) return holds();
    std::this_thread::sleep_for(kLookAgain);
  }
  return true;
}

std::string Program(const std::string& name) { return std::string(SKERRY_BIN_DIR) + "/" + name; }

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream contents;
  contents << in.rdbuf();
  return contents.str();
}

void WriteAll(const std::string& path, const std::string& contents) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << contents;
}

void Edit(const std::string& path, const std::string& from, const std::string& to) {
  std::string contents = ReadAll(path);
  const std::size_t at = contents.find(from);
  SKERRY_CHECK(at != std::string::npos);
  WriteAll(path, contents.replace(at, from.size(), to));
}

}  // namespace skerry::testing
