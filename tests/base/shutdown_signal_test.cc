#include "base/shutdown_signal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <latch>

namespace skerry {
namespace {

// Signals concern a whole process, so each case is a process of its own.

// Ends with exit code 7 when the callback came after `signal`, and hangs when it did not.
void WaitForCallback(int signal) {
  ShutdownSignal shutdown;
  std::latch called(1);
  shutdown.Listen([&] { called.count_down(); });
  ::kill(::getpid(), signal);
  called.wait();
  std::exit(7);
}

TEST(ShutdownSignalDeathTest, EachSignalIsACallAndNoDeath) {
  EXPECT_EXIT(WaitForCallback(SIGHUP), ::testing::ExitedWithCode(7), "");
  EXPECT_EXIT(WaitForCallback(SIGTERM), ::testing::ExitedWithCode(7), "");
  EXPECT_EXIT(WaitForCallback(SIGINT), ::testing::ExitedWithCode(7), "");
}

TEST(ShutdownSignalDeathTest, ASignalBeforeListeningIsNotLost) {
  EXPECT_EXIT(
      {
        ShutdownSignal shutdown;
        ::kill(::getpid(), SIGTERM);
        std::latch called(1);
        shutdown.Listen([&] { called.count_down(); });
        called.wait();
        std::exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(ShutdownSignalDeathTest, ASecondSignalEndsTheProcessAtOnce) {
  EXPECT_EXIT(
      {
        ShutdownSignal shutdown;
        std::latch called(1);
        shutdown.Listen([&] { called.count_down(); });
        ::kill(::getpid(), SIGTERM);
        called.wait();
        ::kill(::getpid(), SIGTERM);
        for (;;) ::pause();
      },
      ::testing::ExitedWithCode(130), "");
}

TEST(ShutdownSignalDeathTest, ASignalOfAnotherKindDoesNotMakeItDeaf) {
  EXPECT_EXIT(
      {
        ShutdownSignal signal;
        std::latch called(1);
        signal.Listen([&] { called.count_down(); });
        ::kill(::getpid(), SIGUSR2);
        ::usleep(50'000);  // it is taken for itself
        ::kill(::getpid(), SIGTERM);
        called.wait();
        std::exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(ShutdownSignalDeathTest, ASecondHangUpChangesNothingAndAnInterruptStillEndsAtOnce) {
  EXPECT_EXIT(
      {
        ShutdownSignal shutdown;
        std::latch called(1);
        shutdown.Listen([&] { called.count_down(); });
        ::kill(::getpid(), SIGHUP);
        called.wait();
        ::kill(::getpid(), SIGHUP);
        sigset_t pending;
        do {
          ::sigpending(&pending);
        } while (sigismember(&pending, SIGHUP) == 1);  // until it has been taken
        ::kill(::getpid(), SIGINT);
        for (;;) ::pause();
      },
      ::testing::ExitedWithCode(130), "");
}

TEST(ShutdownSignalDeathTest, UnderNohupAHangUpIsNothing) {
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN);
        ShutdownSignal shutdown;
        shutdown.Listen([] { std::_Exit(1); });
        ::kill(::getpid(), SIGHUP);
        std::exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(ExitAfterDeathTest, WhatHangsIsNotWaitedForAndWhatEndsByItselfIsLeftAlone) {
  EXPECT_EXIT(
      {
        ExitAfter(50ms, 7);
        for (;;) ::pause();
      },
      ::testing::ExitedWithCode(7), "something hangs");
  EXPECT_EXIT(
      {
        ExitAfter(10s, 7);
        std::exit(3);
      },
      ::testing::ExitedWithCode(3), "");
}

TEST(ShutdownSignalDeathTest, WithoutASignalItEndsQuietly) {
  EXPECT_EXIT(
      {
        {
          ShutdownSignal shutdown;
          shutdown.Listen([] { std::exit(1); });
        }
        { const ShutdownSignal never_listened; }
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(EndProcessDeathTest, FlushesWhatIsPrintedAndTakesNothingDown) {
  static std::array<char, 4096> buffer;
  const auto end = [] {
    std::atexit([] { ::_exit(1); });
    std::setvbuf(stderr, buffer.data(), _IOFBF, buffer.size());
    std::fprintf(stderr, "the last line");
    EndProcess(7);
  };
  EXPECT_EXIT(end(), ::testing::ExitedWithCode(7), "the last line");
}

TEST(ShutdownSignalDeathTest, AClosedConnectionNoLongerEndsTheProcess) {
  EXPECT_EXIT(
      {
        const ShutdownSignal shutdown;
        ::kill(::getpid(), SIGPIPE);
        std::exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace skerry
