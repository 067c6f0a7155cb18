// The calls of a site, each on its way over the line.

#include <algorithm>
#include <utility>

#include "simulation/link.h"

namespace skerry::simulation {

template <class Reply>
Link::TypedCallPtr<Reply> Link::Begin(const char* name, rpc::Callback<Reply> done) {
  auto call = std::make_shared<TypedCall<Reply>>();
  BeginWith<Reply>(call, name, std::move(done));
  return call;
}

template <class Reply>
void Link::BeginWith(const TypedCallPtr<Reply>& call, const char* name, rpc::Callback<Reply> done) {
  call->name = name;
  call->client = client_.life();
  call->server = coordinator_.life();
  call->done = std::move(done);
  call->fail = [raw = call.get()](Status status) { raw->done(std::move(status)); };
  std::erase_if(calls_, [](const CallPtr& old) { return old->over && old->held.empty(); });
  calls_.push_back(call);
  if (world_.traced()) world_.Trace(client_.name(), "> " + call->name);
}

template <class Reply, class Handle>
void Link::Unary(const char* name, bool held, rpc::Callback<Reply> done, Handle handle) {
  if (ideal_) {  // without a copy of it
    const auto call = std::make_shared<HandledCall<Reply, Handle>>(std::move(handle));
    BeginWith<Reply>(call, name, std::move(done));
    auto arrive = [this, call = call, held] {  // not const, so that it can be moved
      Deliver<Reply>(call, held, [call](auto& coordinator, uint64_t id, auto answer) {
        call->handle(coordinator, id, std::move(answer));  // its request lives as long as that
      });
    };
    if (CanSend(call)) world_.queue().PostAt(world_.Now(), std::move(arrive), kCoordinatorLane);
    return;
  }
  const TypedCallPtr<Reply> call = Begin(name, std::move(done));
  const Event arrive = [this, call, held, handle = std::move(handle)] {
    Deliver(call, held, handle);
  };
  Send(call, arrive);
  MaybeRepeat(call, arrive);
}

template <class Reply, class Handle>
void Link::Deliver(const TypedCallPtr<Reply>& call, bool held, Handle handle) {
  if (!call->server->alive) return Fail(call, Duration{0}, "the coordinator is gone");
  const uint64_t id = coordinator_.NewCallId();
  if (held) call->held.push_back(id);
  // Nobody waits for it any more: the connection that it came over is about to be found dead.
  if (held && call->over) CallBroken(call, id, Between(chance_, Duration{0}, 30s));
  auto answer = [this, call, id](Result<Reply> reply) {
    std::erase(call->held, id);
    Answer<Reply>(call, std::move(reply));
  };
  coordinator_.Call(call->server, [id, handle = std::move(handle), answer = std::move(answer)](
                                      coordinator::Coordinator& coordinator) mutable {
    handle(coordinator, id, rpc::Callback<Reply>(std::move(answer)));
  });
}

// From the coordinator's process, if that lives.
template <class Reply>
void Link::Answer(const TypedCallPtr<Reply>& call, Result<Reply> reply) {
  if (!call->server->alive) return;
  if (ideal_) {
    if (call->reply) return;
    call->reply.emplace(std::move(reply));
    auto arrive = [this, call = call] {  // not const, so that it can be moved
      if (std::exchange(call->over, true)) return;
      client_.Run(call->client,
                  [this, call] { HearAnswer<Reply>(*call, *std::move(call->reply)); });
    };
    return world_.queue().PostAt(world_.Now(), std::move(arrive), client_.lane());
  }
  auto arrive = [this, call, reply = std::move(reply)]() mutable {
    if (std::exchange(call->over, true)) return;
    client_.Run(call->client, [this, call, reply = std::move(reply)]() mutable {
      HearAnswer<Reply>(*call, std::move(reply));
    });
  };
  Transmit(0, std::move(arrive),
           [this, call] { Fail(call, Between(chance_, 100ms, 20s), "the answer was lost"); });
}

template <class Reply>
void Link::HearAnswer(TypedCall<Reply>& call, Result<Reply> reply) {
  if (reply.ok()) Observe(*reply);
  if (world_.traced()) {
    world_.Trace(client_.name(), "< " + call.name + " " + reply.status().ToString());
  }
  call.done(std::move(reply));
}

void Link::Join(v1::JoinRequest request, rpc::Callback<v1::JoinReply> done) {
  Unary<v1::JoinReply>(
      "Join", false, std::move(done),
      [this, request = std::move(request)](auto& coordinator, uint64_t /*id*/, auto answer) {
        coordinator.Join(client_.name(), request, std::move(answer));
      });
}

void Link::PullTask(v1::PullTaskRequest request, rpc::Callback<v1::PullTaskReply> done) {
  PullApart(std::move(request), [done = std::move(done)](Result<rpc::PulledTask> pulled) {
    pulled.ok() ? done(rpc::Whole(*std::move(pulled))) : done(pulled.status());
  });
}

void Link::PullApart(v1::PullTaskRequest request, rpc::Callback<rpc::PulledTask> done) {
  if (evidence_ != nullptr) {
    for (const auto& result : request.results()) evidence_->bytes_up += result.contents().size();
  }
  if (ideal_) {  // it arrives once, and looked at while this site's thread has it at hand
    return Unary<rpc::PulledTask>("PullTask", true, std::move(done),
                                  [this, poll = coordinator::Receive(std::move(request))](
                                      auto& coordinator, uint64_t id, auto answer) mutable {
                                    coordinator.PullApart(client_.name(), id, std::move(poll),
                                                          std::move(answer));
                                  });
  }
  Unary<rpc::PulledTask>(
      "PullTask", true, std::move(done),
      [this, request = std::move(request)](auto& coordinator, uint64_t id, auto answer) {
        coordinator.PullApart(client_.name(), id,
                              coordinator::Receive(v1::PullTaskRequest(request)),
                              std::move(answer));
      });
}

void Link::Heartbeat(v1::HeartbeatRequest request, rpc::Callback<v1::HeartbeatReply> done) {
  Unary<v1::HeartbeatReply>(
      "Heartbeat", true, std::move(done),
      [this, request = std::move(request)](auto& coordinator, uint64_t id, auto answer) {
        coordinator.Heartbeat(client_.name(), id, request, std::move(answer));
      });
}

void Link::QueryUpload(v1::QueryUploadRequest request, rpc::Callback<v1::QueryUploadReply> done) {
  Unary<v1::QueryUploadReply>(
      "QueryUpload", false, std::move(done),
      [this, request = std::move(request)](auto& coordinator, uint64_t /*id*/, auto answer) {
        coordinator.QueryUpload(client_.name(), request, std::move(answer));
      });
}

void Link::ReportFailure(v1::ReportFailureRequest request,
                         rpc::Callback<v1::ReportFailureReply> done) {
  if (evidence_ != nullptr) evidence_->given_up.push_back({client_.name(), request.task_id()});
  Unary<v1::ReportFailureReply>(
      "ReportFailure", false, std::move(done),
      [this, request = std::move(request)](auto& coordinator, uint64_t /*id*/, auto answer) {
        coordinator.ReportFailure(client_.name(), request, std::move(answer));
      });
}

// ---- Models ------------------------------------------------------------------------------------

void Link::PullModel(v1::PullModelRequest request, std::shared_ptr<rpc::ChunkSink> sink,
                     rpc::Callback<rpc::Done> done) {
  const auto call = Begin<rpc::Done>("PullModel", std::move(done));
  Send(call, [this, call, request = std::move(request), sink = std::move(sink)] {
    coordinator_.Call(call->server, [this, call, request, sink](auto& coordinator) {
      coordinator.OpenModel(client_.name(), request, [this, call, sink](Result<Source> source) {
        if (!source.ok()) return Answer<rpc::Done>(call, source.status());
        NextModelChunk(call, *source, sink);
      });
    });
  });
}

void Link::NextModelChunk(const TypedCallPtr<rpc::Done>& call, const Source& source,
                          const std::shared_ptr<rpc::ChunkSink>& sink) {
  if (call->over) return;
  if (!call->server->alive) return Fail(call, Duration{0}, "the coordinator is gone");
  Result<std::optional<v1::Chunk>> next = source->Next();
  if (!next.ok()) return Answer<rpc::Done>(call, next.status());
  if (!next->has_value()) return Answer<rpc::Done>(call, rpc::Done{});
  auto chunk = std::make_shared<v1::Chunk>(**std::move(next));
  if (evidence_ != nullptr) evidence_->bytes_down += chunk->data().size();
  Transmit(
      chunk->data().size(),
      [this, call, source, sink, chunk] {
        if (call->over) return;
        client_.Run(call->client, [this, call, source, sink, chunk] {
          Status status = sink->Put(*chunk);
          if (status.ok()) return NextModelChunk(call, source, sink);
          call->over = true;
          call->done(std::move(status));
        });
      },
      [this, call] { Fail(call, Between(chance_, 100ms, 20s), "the download broke"); });
}

// ---- Results -----------------------------------------------------------------------------------

void Link::SubmitResult(v1::SubmitResultRequest::Start start,
                        std::shared_ptr<rpc::ChunkSource> source,
                        rpc::Callback<v1::SubmitResultReply> done) {
  const auto call = Begin<v1::SubmitResultReply>("SubmitResult", std::move(done));
  const bool small = start.offset() == 0 && start.header().size_bytes() <= rpc::kSmallResultBytes;
  if (client_.lane() != kCommonLane && small) return SubmitSmall(call, std::move(start), *source);
  Send(call, [this, call, start, source = std::move(source)] { BeginUpload(call, start, source); });
  if (ideal_) return;
  // Of a copy only the beginning arrives, and nobody waits for its answer.
  const auto copy = std::make_shared<TypedCall<v1::SubmitResultReply>>(*call);
  copy->over = true;
  MaybeRepeat(call, [this, copy, start] { BeginUpload(copy, start, nullptr); });
}

// In one message, as the network has it.
void Link::SubmitSmall(const SubmitCallPtr& call, v1::SubmitResultRequest::Start start,
                       rpc::ChunkSource& source) {
  Result<std::optional<v1::Chunk>> chunk = source.Next();
  if (!chunk.ok()) return Answer<v1::SubmitResultReply>(call, chunk.status());
  auto request = std::make_shared<v1::SubmitSmallResultRequest>();
  *request->mutable_start() = std::move(start);
  if (chunk->has_value()) *request->mutable_contents() = std::move(*(*chunk)->mutable_data());
  const auto arrive = [this, call, request] {
    coordinator_.Call(call->server, [this, call, request](auto& coordinator) {
      coordinator.SubmitSmallResult(client_.name(), std::move(*request),
                                    [this, call](Result<v1::SubmitResultReply> reply) {
                                      Answer<v1::SubmitResultReply>(call, std::move(reply));
                                    });
    });
  };
  Send(call, arrive, kCoordinatorLane);
}

void Link::BeginUpload(const SubmitCallPtr& call, const v1::SubmitResultRequest::Start& start,
                       const Source& source) {
  if (!call->server->alive) return Fail(call, Duration{0}, "the coordinator is gone");
  v1::SubmitResultReply receipt;
  receipt.set_task_id(start.header().task_id());
  receipt.set_content_hash(start.header().content_hash());
  coordinator_.Call(call->server, [this, call, start, source, receipt](auto& coordinator) {
    coordinator.BeginUpload(
        client_.name(), start, [this, call, source, receipt](Result<UploadPtr> upload) {
          if (!upload.ok()) return Answer<v1::SubmitResultReply>(call, upload.status());
          if (*upload == nullptr) return Answer<v1::SubmitResultReply>(call, receipt);
          if (source == nullptr) return UploadBroke(call, *upload);
          if (client_.lane() == kCommonLane) {
            return NextUploadChunk(call, source, *upload);
          }
          Transmit(
              0, [this, call, source, upload = *upload] { UploadAtOnce(call, source, upload); },
              nullptr, client_.lane());
        });
  });
}

void Link::NextUploadChunk(const SubmitCallPtr& call, const Source& source,
                           const UploadPtr& upload) {
  if (call->over || !call->client->alive) return UploadBroke(call, upload);
  client_.Run(call->client, [this, call, source, upload] {
    if (call->over) return UploadBroke(call, upload);
    Result<std::optional<v1::Chunk>> next = source->Next();
    if (!next.ok()) {
      call->over = true;
      call->done(std::move(next).status());
      return UploadBroke(call, upload);
    }
    const Event lost = [this, call, upload] {
      Fail(call, Between(chance_, 100ms, 20s), "the upload broke");
      UploadBroke(call, upload);
    };
    if (!next->has_value()) {
      return Transmit(
          0, [this, call, upload] { UploadSent(call, upload); }, lost);
    }
    auto chunk = std::make_shared<v1::Chunk>(**std::move(next));
    if (evidence_ != nullptr) evidence_->bytes_up += chunk->data().size();
    Transmit(
        chunk->data().size(),
        [this, call, source, upload, chunk] {
          coordinator_.Run(call->server, [this, call, source, upload, chunk] {
            const Status status = upload->Append(*chunk);
            if (!status.ok()) return Answer<v1::SubmitResultReply>(call, status);
            NextUploadChunk(call, source, upload);
          });
        },
        lost);
  });
}

// Over an ideal line, in the client's lane: the spool takes chunks on any thread.
void Link::UploadAtOnce(const SubmitCallPtr& call, const Source& source, const UploadPtr& upload) {
  if (call->over || !call->client->alive) return;
  for (;;) {
    Result<std::optional<v1::Chunk>> next = source->Next();
    if (!next.ok()) {
      call->over = true;
      return client_.Run(call->client, [&] { call->done(std::move(next).status()); });
    }
    if (!next->has_value()) break;
    Status status = upload->Append(**next);
    if (!status.ok()) return Answer<v1::SubmitResultReply>(call, std::move(status));
  }
  Transmit(
      0, [this, call, upload] { UploadSent(call, upload); }, nullptr);
}

void Link::UploadSent(const SubmitCallPtr& call, const UploadPtr& upload) {
  coordinator_.Call(call->server, [this, call, upload](auto& coordinator) {
    coordinator.FinishUpload(upload, [this, call](Result<v1::SubmitResultReply> reply) {
      Answer<v1::SubmitResultReply>(call, std::move(reply));
    });
  });
}

// The coordinator sees the end of a stream of which no more will come.
void Link::UploadBroke(const SubmitCallPtr& call, const UploadPtr& upload) {
  world_.After(Between(chance_, Duration{0}, 30s), [this, call, upload] {
    coordinator_.Call(call->server, [upload](auto& coordinator) {
      coordinator.FinishUpload(upload, [](const Result<v1::SubmitResultReply>&) {});
    });
  });
}

}  // namespace skerry::simulation
