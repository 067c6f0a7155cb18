#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <utility>

#include "base/combining_loop.h"
#include "base/executor.h"
#include "base/status.h"
#include "rpc/coordinator_api.h"
#include "rpc/grpc/status_codec.h"

// gRPC reactions: they run on gRPC's few threads. A call that comes while nobody is at the loop is
// dealt with on such a thread, down to the commit; its answer leaves when it returns.
namespace skerry::coordinator {

// Answers a unary call from a task of `loop`: `handle` gets a callback to be called once, on any
// thread.
template <class Reply>
grpc::ServerUnaryReactor* AnswerOn(Executor& loop, grpc::CallbackServerContext* context,
                                   Reply* reply, std::function<void(rpc::Callback<Reply>)> handle) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  loop.Post([reactor, reply, handle = std::move(handle)] {
    handle([reactor, reply](Result<Reply> result) {
      const Status status = result.status();
      if (status.ok()) *reply = *std::move(result);
      reactor->Finish(rpc::ToGrpc(status));
    });
  });
  return reactor;
}

inline grpc::ServerUnaryReactor* FailWith(grpc::CallbackServerContext* context,
                                          const Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(rpc::ToGrpc(status));
  return reactor;
}

// A unary call that is held until there is something to say. Answered in the loop's turns; a
// connection that breaks meanwhile is told to `broken`, likewise, and the call ended.
template <class Reply>
class HeldUnaryCall final : public grpc::ServerUnaryReactor {
 public:
  using Handle = std::function<void(rpc::Callback<Reply>)>;

  static grpc::ServerUnaryReactor* Start(CombiningLoop& loop, Reply* reply, const Handle& handle,
                                         std::function<void()> broken) {
    auto* call = new HeldUnaryCall(loop, std::move(broken));
    const std::shared_ptr<State> state = call->state_;
    state->call = call;
    loop.Post([state, reply, handle] {
      handle([state, reply](Result<Reply> result) {
        if (state->finished) return;
        state->finished = true;
        const Status status = result.status();
        if (status.ok()) *reply = *std::move(result);
        state->call->Finish(rpc::ToGrpc(status));
      });
    });
    return call;
  }

  // On a thread of gRPC's that other connections wait for.
  void OnCancel() override {
    loop_.Leave([state = state_, broken = broken_] {
      if (state->finished) return;
      broken();
      state->finished = true;
      state->call->Finish(grpc::Status::CANCELLED);
    });
  }

  void OnDone() override { delete this; }

 private:
  // Outlives the reactor, for tasks that find it gone. Touched in the loop's turns only.
  struct State {
    HeldUnaryCall* call = nullptr;
    bool finished = false;
  };

  HeldUnaryCall(CombiningLoop& loop, std::function<void()> broken)
      : loop_(loop), broken_(std::move(broken)) {}

  CombiningLoop& loop_;
  const std::function<void()> broken_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace skerry::coordinator
