#include "rpc/grpc/call_thread.h"

namespace skerry::rpc {

CallThread::CallThread() : thread_([this] { Work(); }) {}

CallThread::~CallThread() {
  queue_.Shutdown();
  thread_.join();
}

void CallThread::Work() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) static_cast<Waiter*>(tag)->OnEvent();
}

}  // namespace skerry::rpc
