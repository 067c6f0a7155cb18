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
  thread_ = std::thread([this, on_signal = std::move(on_signal)] {
    if (!Await()) return;
    on_signal();
    if (Await()) ::_exit(130);
  });
}

// False when this object is about to go. A SIGUSR2 from elsewhere means nothing.
bool ShutdownSignal::Await() const {
  const sigset_t signals = ShutdownSignals();
  for (int number = SIGUSR2; !closing_;) {
    sigwait(&signals, &number);
    if (number != SIGUSR2) return true;
  }
  return false;
}

ShutdownSignal::~ShutdownSignal() {
  if (!thread_.joinable()) return;
  closing_ = true;
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

}  // namespace skerry
