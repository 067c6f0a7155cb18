#include "base/shutdown_signal.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define SKERRY_LEAKS_ARE_LOOKED_FOR
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SKERRY_LEAKS_ARE_LOOKED_FOR
#endif
#endif
#ifdef SKERRY_LEAKS_ARE_LOOKED_FOR
#include <sanitizer/lsan_interface.h>
#endif

namespace skerry {
namespace {

bool IsIgnored(int number) {
  struct sigaction action {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t ShutdownSignals(bool hang_up) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (hang_up) sigaddset(&signals, SIGHUP);
  sigaddset(&signals, SIGUSR2);  // ends the listening thread
  return signals;
}

}  // namespace

ShutdownSignal::ShutdownSignal() : hang_up_(!IsIgnored(SIGHUP)) {
  const sigset_t signals = ShutdownSignals(hang_up_);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void ShutdownSignal::Listen(std::function<void()> on_signal) {
  thread_ = std::thread([this, on_signal = std::move(on_signal)] {
    if (!Await(HangUp::kCounts)) return;
    on_signal();
    // A terminal that closes may hang up twice.
    if (Await(HangUp::kIsNothing)) ::_exit(130);
  });
}

// False when this object is about to go. A SIGUSR2 from elsewhere means nothing.
bool ShutdownSignal::Await(HangUp hang_up) const {
  const sigset_t signals = ShutdownSignals(hang_up_);
  while (!closing_) {
    int number = 0;
    sigwait(&signals, &number);
    if (number == SIGUSR2 || (number == SIGHUP && hang_up == HangUp::kIsNothing)) continue;
    return true;
  }
  return false;
}

ShutdownSignal::~ShutdownSignal() {
  if (!thread_.joinable()) return;
  closing_ = true;
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

void ExitAfter(Duration limit, int exit_code) {
  std::thread([limit, exit_code] {
    std::this_thread::sleep_for(limit);
    std::fprintf(stderr, "something hangs (a disk, a file share?); ended without it\n");
    ::_exit(exit_code);
  }).detach();
}

void EndProcess(int exit_code) {
  std::fflush(nullptr);
#ifdef SKERRY_LEAKS_ARE_LOOKED_FOR
  __lsan_do_leak_check();  // at the end of std::exit, otherwise
#endif
  ::_exit(exit_code);
}

}  // namespace skerry
