#include "base/shutdown_signal.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace skerry {
namespace {

sigset_t ShutdownSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR2);  // ends the listening thread
  return signals;
}

}  // namespace

ShutdownSignal::ShutdownSignal() {
  const sigset_t signals = ShutdownSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void ShutdownSignal::Listen(std::function<void()> on_signal) {
  thread_ = std::thread([on_signal = std::move(on_signal)] {
    const sigset_t signals = ShutdownSignals();
    int number = 0;
    sigwait(&signals, &number);
    if (number == SIGUSR2) return;
    on_signal();
    sigwait(&signals, &number);
    if (number != SIGUSR2) ::_exit(130);
  });
}

ShutdownSignal::~ShutdownSignal() {
  if (!thread_.joinable()) return;
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

}  // namespace skerry
