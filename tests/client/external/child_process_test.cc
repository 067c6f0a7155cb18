#include "client/external/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <csignal>
#include <thread>

#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ChildOptions Shell(const std::string& script) {
  ChildOptions options;
  options.command = {"/bin/sh", "-c", script};
  options.directory = "/";
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  return options;
}

std::unique_ptr<ChildProcess> Start(const ChildOptions& options) {
  Result<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(options);
  EXPECT_OK(child);
  return *std::move(child);
}

Result<std::optional<std::string>> Next(ChildProcess& child, int patience = 30) {
  return child.NextLine(std::chrono::steady_clock::now() + seconds(patience), {});
}

// All lines of a script's output.
std::vector<std::string> Lines(const ChildOptions& options) {
  const auto child = Start(options);
  std::vector<std::string> lines;
  for (;;) {
    const auto line = Next(*child);
    EXPECT_OK(line);
    if (!line.ok() || !line->has_value()) return lines;
    lines.push_back(**line);
  }
}

// Whether a process has ended, or does so soon.
bool EndsSoon(pid_t pid) {
  for (int tries = 0; tries < 1000; ++tries) {
    if (::kill(pid, 0) != 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(ChildProcessTest, LinesGoInAndOut) {
  const auto child = Start(Shell("while read line; do echo \"got $line\"; done"));
  child->Send("one");
  child->Send(std::string(50'000, 'x'));
  EXPECT_EQ(**Next(*child), "got one");
  EXPECT_EQ((*Next(*child))->size(), 50'004U);
  EXPECT_TRUE(child->IsQuiet());
}

TEST(ChildProcessTest, ItsEndIsToldInWords) {
  const auto end_of = [](const std::string& script) {
    const auto child = Start(Shell(script));
    EXPECT_EQ(*Next(*child), std::nullopt);
    return child->End();
  };
  EXPECT_EQ(end_of("exit 3"), "it ended with exit code 3");
  EXPECT_THAT(end_of("kill -9 $$"), HasSubstr("killed by signal 9 (Killed): out of memory?"));
  EXPECT_THAT(end_of("kill -11 $$"), HasSubstr("signal 11 (Segmentation fault)"));
  EXPECT_THAT(end_of("exec >&-; sleep 1000"), HasSubstr("did not end, and was killed"));
}

TEST(ChildProcessTest, AProgramThatIsNotThereCannotBeStarted) {
  ChildOptions options = Shell("");
  options.command = {"/no/such/program"};
  EXPECT_THAT(ChildProcess::Start(options),
              testing::Fails(Code::kNotFound, HasSubstr("/no/such/program")));
  options.command = {"/etc/passwd"};
  EXPECT_THAT(ChildProcess::Start(options),
              testing::Fails(Code::kPermissionDenied, HasSubstr("/etc/passwd")));
}

TEST(ChildProcessTest, AnEndlessLineIsCutOff) {
  const auto child = Start(Shell("yes | tr -d '\\n'"));
  EXPECT_THAT(Next(*child), testing::Fails(Code::kInvalidArgument, HasSubstr("longer than 65536")));
}

TEST(ChildProcessTest, WaitingEndsWithTheTimeOrWhenItIsStopped) {
  const auto child = Start(Shell("sleep 1000"));
  EXPECT_THAT(Next(*child, 0), testing::Fails(Code::kDeadlineExceeded, HasSubstr("too long")));
  std::stop_source stop;
  std::thread other([&stop] { stop.request_stop(); });
  EXPECT_THAT(child->NextLine(std::chrono::steady_clock::now() + seconds(60), stop.get_token()),
              testing::Fails(Code::kCancelled, HasSubstr("stopped")));
  other.join();
}

TEST(ChildProcessTest, WhatItStartedDiesWithIt) {
  auto child = Start(Shell("sleep 1000 & echo $!; wait"));
  const auto line = Next(*child);
  ASSERT_TRUE(line.ok() && line->has_value());
  const pid_t grandchild = std::stoi(**line);
  EXPECT_EQ(::kill(grandchild, 0), 0);
  child.reset();
  EXPECT_TRUE(EndsSoon(grandchild));
}

TEST(ChildProcessTest, ItInheritsNothing) {
  ::setenv("SKERRY_TEST_SECRET", "x", 1);
  EXPECT_THAT(
      Lines(Shell("echo \"[$SKERRY_TEST_SECRET]\"; umask; ls /proc/self/fd | tr '\\n' ' '; echo")),
      ElementsAre("[]", "0077", "0 1 2 3 "));  // 3: of ls itself
  ::unsetenv("SKERRY_TEST_SECRET");
}

TEST(ChildProcessTest, ItsMemoryIsLimited) {
  ChildOptions options = Shell("ulimit -v; ulimit -c");
  options.memory_limit = uint64_t{256} << 20;
  EXPECT_THAT(Lines(options), ElementsAre("262144", "0"));
}

TEST(ChildProcessTest, ErrorsWithoutEndDoNotKeepWhoAsksWhetherItIsQuiet) {
  std::size_t bytes = 0;
  ChildOptions options = Shell("(yes >&2) & (yes >&2) & echo out; wait");
  options.on_error_line = [&bytes](std::string_view line) { bytes += line.size() + 1; };
  const auto child = Start(options);
  EXPECT_EQ(**Next(*child), "out");
  bytes = 0;
  child->IsQuiet();
  EXPECT_LE(bytes, std::size_t{1} << 21);
}

TEST(ChildProcessTest, ManyErrorLinesComeInOrder) {
  int next = 1;
  bool in_order = true;
  ChildOptions options = Shell("seq 30000 >&2");
  options.on_error_line = [&](std::string_view line) {
    in_order = in_order && line == std::to_string(next++);
  };
  const auto child = Start(options);
  EXPECT_EQ(*Next(*child), std::nullopt);
  child->End();
  EXPECT_TRUE(in_order);
  EXPECT_EQ(next, 30'001);
}

TEST(ChildProcessTest, ErrorLinesComeApartAndCut) {
  std::vector<std::string> errors;
  ChildOptions options = Shell("echo out; echo one >&2; printf two >&2; exit 0");
  options.on_error_line = [&errors](std::string_view line) { errors.emplace_back(line); };
  const auto child = Start(options);
  EXPECT_EQ(**Next(*child), "out");
  EXPECT_EQ(*Next(*child), std::nullopt);
  child->End();
  EXPECT_THAT(errors, ElementsAre("one", "two"));
}

}  // namespace
}  // namespace skerry::client
