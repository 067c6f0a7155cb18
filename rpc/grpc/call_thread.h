#pragma once

#include <grpcpp/completion_queue.h>

#include <thread>

namespace skerry::rpc {

// A thread that hears of the ends of calls. Of gRPC's own threads for callbacks there are at least
// two, and each event wakes the other one too.
class CallThread {
 public:
  // What waits for one event of the queue; it goes into gRPC as a pointer to this class.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    virtual void OnEvent() = 0;  // on the thread; may take as long as it likes
  };

  CallThread();
  // Waits for the events of all calls that were started; none may begin any more.
  ~CallThread();
  CallThread(const CallThread&) = delete;
  CallThread& operator=(const CallThread&) = delete;

  grpc::CompletionQueue& queue() { return queue_; }

 private:
  void Work();

  grpc::CompletionQueue queue_;
  std::thread thread_;
};

}  // namespace skerry::rpc
