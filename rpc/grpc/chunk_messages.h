#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "skerry/v1/coordinator.pb.h"
#include "skerry/v1/model.pb.h"

namespace skerry::rpc {

// Chunks as messages that gRPC sends from where the data are, without a copy, and memory for them
// that is used again. Thread-safe.
class ChunkMessages {
 public:
  // As many chunks that are not on their way stay allocated.
  explicit ChunkMessages(std::size_t most_idle = 2) : pool_(std::make_shared<Pool>(most_idle)) {}

  // A chunk to be filled. Its memory comes back when nobody has it any more.
  std::shared_ptr<v1::Chunk> Take();
  // The bytes of v1::Chunk, and of v1::SubmitResultRequest with it.
  static grpc::ByteBuffer Message(std::shared_ptr<const v1::Chunk> chunk);
  static grpc::ByteBuffer UploadMessage(std::shared_ptr<const v1::Chunk> chunk);

 private:
  // Shared with chunks under way, which may outlive this.
  struct Pool {
    explicit Pool(std::size_t most) : most_idle(most) {}

    const std::size_t most_idle;
    Mutex mutex;
    std::vector<std::unique_ptr<v1::Chunk>> idle SKERRY_GUARDED_BY(mutex);
  };
  const std::shared_ptr<Pool> pool_;
};

// The message that the bytes are. INVALID_ARGUMENT: they are none.
Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message);
// A message of an upload. What it holds is put into `chunk`, whose memory is used again, or, with
// true as the result, into `start`. INVALID_ARGUMENT: it is neither.
Result<bool> ParseUploadMessage(const grpc::ByteBuffer& bytes,
                                v1::SubmitResultRequest::Start& start, v1::Chunk& chunk);

}  // namespace skerry::rpc
