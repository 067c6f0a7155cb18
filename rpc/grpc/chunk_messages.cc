#include "rpc/grpc/chunk_messages.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <string>
#include <utility>

#include "crypto/content_hash.h"

namespace skerry::rpc {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::StringOutputStream;

constexpr uint32_t Delimited(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}
constexpr uint32_t kChunkInUpload = Delimited(v1::SubmitResultRequest::kChunkFieldNumber);
constexpr uint32_t kStartInUpload = Delimited(v1::SubmitResultRequest::kStartFieldNumber);

// All of a v1::Chunk but the data, with which it ends.
std::string HeadOf(const v1::Chunk& chunk) {
  std::string head;
  StringOutputStream stream(&head);
  CodedOutputStream out(&stream);
  out.WriteTag(
      WireFormatLite::MakeTag(v1::Chunk::kOffsetFieldNumber, WireFormatLite::WIRETYPE_VARINT));
  out.WriteVarint64(chunk.offset());
  out.WriteTag(Delimited(v1::Chunk::kDigestFieldNumber));
  out.WriteVarint32(static_cast<uint32_t>(chunk.digest().size()));
  out.WriteString(chunk.digest());
  out.WriteTag(Delimited(v1::Chunk::kDataFieldNumber));
  out.WriteVarint32(static_cast<uint32_t>(chunk.data().size()));
  out.Trim();
  return head;
}

// The message of this field up to its end.
template <class Message>
bool ParseField(CodedInputStream& in, Message& message) {
  uint32_t size = 0;
  if (!in.ReadVarint32(&size)) return false;
  const auto limit = in.PushLimit(static_cast<int>(size));
  message.Clear();
  const bool whole =
      message.MergeFromCodedStream(&in) && in.ConsumedEntireMessage() && in.BytesUntilLimit() == 0;
  in.PopLimit(limit);
  return whole;
}

// A peer may send up to 4 MiB, and of any field: that does not stay.
bool TakesMoreThanAChunk(const v1::Chunk& chunk) {
  return chunk.SpaceUsedLong() > 2 * crypto::kChunkBytes;
}

// What gRPC holds while it sends a chunk's data.
using Held = std::shared_ptr<const v1::Chunk>;
void LetGo(void* held) { delete static_cast<Held*>(held); }

grpc::ByteBuffer Wrap(const std::string& head, Held chunk) {
  auto* const held = new Held(std::move(chunk));
  const std::string& data = (*held)->data();
  const grpc::Slice slices[] = {
      grpc::Slice(head), grpc::Slice(const_cast<char*>(data.data()), data.size(), &LetGo, held)};
  return {slices, 2};
}

}  // namespace

std::shared_ptr<v1::Chunk> ChunkMessages::Take() {
  std::unique_ptr<v1::Chunk> chunk;
  {
    MutexLock lock(pool_->mutex);
    if (!pool_->idle.empty()) {
      chunk = std::move(pool_->idle.back());
      pool_->idle.pop_back();
    }
  }
  if (chunk == nullptr) chunk = std::make_unique<v1::Chunk>();
  return {chunk.release(), [pool = pool_](v1::Chunk* used) {
            std::unique_ptr<v1::Chunk> back(used);
            if (TakesMoreThanAChunk(*back)) return;
            MutexLock lock(pool->mutex);
            if (pool->idle.size() < pool->most_idle) pool->idle.push_back(std::move(back));
          }};
}

grpc::ByteBuffer ChunkMessages::Message(std::shared_ptr<const v1::Chunk> chunk) {
  const std::string head = HeadOf(*chunk);
  return Wrap(head, std::move(chunk));
}

grpc::ByteBuffer ChunkMessages::UploadMessage(std::shared_ptr<const v1::Chunk> chunk) {
  const std::string inner = HeadOf(*chunk);
  std::string head;
  {
    StringOutputStream stream(&head);
    CodedOutputStream out(&stream);
    out.WriteTag(kChunkInUpload);
    out.WriteVarint32(static_cast<uint32_t>(inner.size() + chunk->data().size()));
    out.WriteString(inner);
  }
  return Wrap(head, std::move(chunk));
}

Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message) {
  grpc::ByteBuffer copy = bytes;  // of the reference, which the reader wants to change
  grpc::ProtoBufferReader reader(&copy);
  if (reader.status().ok() && message.ParseFromZeroCopyStream(&reader)) return OkStatus();
  return InvalidArgument("the message cannot be read");
}

Result<bool> ParseUploadMessage(const grpc::ByteBuffer& bytes,
                                v1::SubmitResultRequest::Start& start, v1::Chunk& chunk) {
  grpc::ByteBuffer copy = bytes;
  grpc::ProtoBufferReader reader(&copy);
  if (reader.status().ok()) {
    CodedInputStream in(&reader);
    const uint32_t tag = in.ReadTag();
    const bool is_start = tag == kStartInUpload;
    const bool read =
        is_start ? ParseField(in, start) : tag == kChunkInUpload && ParseField(in, chunk);
    if (read && in.ReadTag() == 0) return is_start;
  }
  return InvalidArgument("a message of an upload is neither its header nor a chunk");
}

}  // namespace skerry::rpc
