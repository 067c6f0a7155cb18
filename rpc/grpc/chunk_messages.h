#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "skerry/v1/coordinator.pb.h"
#include "skerry/v1/model.pb.h"

namespace skerry::rpc {

// Chunks as messages that gRPC sends from where the data are, without a copy. A chunk's memory is
// used again when gRPC has sent it. Thread-safe.
class ChunkMessages {
 public:
  // A chunk to be filled.
  std::unique_ptr<v1::Chunk> Take();
  // The bytes of v1::Chunk, and of v1::SubmitResultRequest with it.
  grpc::ByteBuffer Message(std::unique_ptr<v1::Chunk> chunk);
  grpc::ByteBuffer UploadMessage(std::unique_ptr<v1::Chunk> chunk);

 private:
  // Shared with messages under way, which may outlive this.
  struct Pool {
    Mutex mutex;
    std::vector<std::unique_ptr<v1::Chunk>> idle SKERRY_GUARDED_BY(mutex);
  };
  struct Loan;

  grpc::ByteBuffer Wrap(std::string head, std::unique_ptr<v1::Chunk> chunk);

  const std::shared_ptr<Pool> pool_ = std::make_shared<Pool>();
};

// The message that the bytes are. INVALID_ARGUMENT: they are none.
Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message);
// A message of an upload. What it holds is put into `chunk`, whose memory is used again, or, with
// true as the result, into `start`. INVALID_ARGUMENT: it is neither.
Result<bool> ParseUploadMessage(const grpc::ByteBuffer& bytes,
                                v1::SubmitResultRequest::Start& start, v1::Chunk& chunk);

}  // namespace skerry::rpc
