#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/status.h"
#include "crypto/digest.h"
#include "rpc/pulled_task.h"
#include "skerry/v1/coordinator.pb.h"

namespace skerry::rpc {

// Of the wire. Raised when an older peer could misread a message; both sides then say which they
// speak.
constexpr uint32_t kProtocolVersion = 3;

// Details of a PERMISSION_DENIED or FAILED_PRECONDITION that a client acts on.
constexpr const char* kSuperseded = "SUPERSEDED";       // a newer process of this site is at work
constexpr const char* kEpochUnknown = "EPOCH_UNKNOWN";  // Join again

// A session's epoch: its number in the history of its site, and below that the process that has it
// (JoinRequest.process), so that the coordinator's journal tells whether a call comes from that
// process.
constexpr uint64_t MakeEpoch(uint64_t number, uint32_t process) { return number << 32 | process; }
constexpr uint64_t SessionNumber(uint64_t epoch) { return epoch >> 32; }
constexpr uint32_t SessionProcess(uint64_t epoch) { return static_cast<uint32_t>(epoch); }

// A result up to this size travels in one message: SubmitSmallResult.
constexpr uint64_t kSmallResultBytes = uint64_t{64} << 10;

template <class Reply>
using Callback = std::function<void(Result<Reply>)>;

// Gives a chunk to be filled, whose memory has been used before.
using ChunkMemory = std::function<std::shared_ptr<v1::Chunk>()>;

// Gives the pieces of an upload in order; nullopt after the last. Called by one thread at a time.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  virtual Result<std::optional<v1::Chunk>> Next() = 0;
  // The same in memory that others who read the file may share. Null: there is no further one.
  virtual Result<std::shared_ptr<const v1::Chunk>> Share(const ChunkMemory& /*memory*/) {
    SKERRY_ASSIGN_OR_RETURN(std::optional<v1::Chunk> next, Next());
    std::shared_ptr<const v1::Chunk> chunk;
    if (next) chunk = std::make_shared<const v1::Chunk>(*std::move(next));
    return chunk;
  }
};

// Takes the pieces of a download in order. An error ends the call with that error.
class ChunkSink {
 public:
  virtual ~ChunkSink() = default;
  virtual Status Put(const v1::Chunk& chunk) = 0;
};

struct Done {};

// The coordinator as a client agent sees it: over gRPC, or in the same process. Every call returns
// at once; its callback comes later, exactly once, on the executor that the implementation was
// given (and, after the implementation's destructor, not at all). Every call may be repeated. Which
// status means what is in docs/wire.md; rpc/reaction.h turns it into what to do.
class CoordinatorApi {
 public:
  virtual ~CoordinatorApi() = default;
  virtual void Join(v1::JoinRequest request, Callback<v1::JoinReply> done) = 0;
  virtual void PullTask(v1::PullTaskRequest request, Callback<v1::PullTaskReply> done) = 0;
  // The same with the task apart: for those that get it from the coordinator as one object.
  virtual void PullApart(v1::PullTaskRequest request, Callback<PulledTask> done) {
    PullTask(std::move(request), [done = std::move(done)](Result<v1::PullTaskReply> reply) {
      reply.ok() ? done(Apart(*std::move(reply))) : done(std::move(reply).status());
    });
  }
  virtual void Heartbeat(v1::HeartbeatRequest request, Callback<v1::HeartbeatReply> done) = 0;
  virtual void QueryUpload(v1::QueryUploadRequest request, Callback<v1::QueryUploadReply> done) = 0;
  virtual void ReportFailure(v1::ReportFailureRequest request,
                             Callback<v1::ReportFailureReply> done) = 0;
  // `sink` and `source` are used on a thread of the implementation until the callback comes.
  virtual void PullModel(v1::PullModelRequest request, std::shared_ptr<ChunkSink> sink,
                         Callback<Done> done) = 0;
  virtual void SubmitResult(v1::SubmitResultRequest::Start start,
                            std::shared_ptr<ChunkSource> source,
                            Callback<v1::SubmitResultReply> done) = 0;
};

}  // namespace skerry::rpc
