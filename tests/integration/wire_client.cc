#include "wire_client.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/bytes_file.h"
#include "crypto/content_hash.h"
#include "rpc/chunks.h"
#include "rpc/grpc/status_codec.h"

namespace skerry::testing {
namespace {

struct Call {
  Call() { context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30)); }
  grpc::ClientContext context;
};

std::shared_ptr<grpc::Channel> Connect(const std::string& kit, const std::string& stem, int port) {
  rpc::SetUpGrpc();
  return rpc::OpenChannel(
      "localhost:" + std::to_string(port),
      rpc::ChannelTls({kit + "/ca.pem", kit + "/" + stem + ".pem", kit + "/" + stem + ".key"}));
}

// A unary method of either service, with an empty request.
template <class Stub, class Request, class Reply>
Status Try(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*)) {
  Call call;
  Reply reply;
  return rpc::FromGrpc((stub.*method)(&call.context, Request(), &reply));
}

}  // namespace

WireClient::WireClient(const std::string& kit, const std::string& stem, int port)
    : WireClient(Connect(kit, stem, port)) {}

WireClient::WireClient(const std::shared_ptr<grpc::Channel>& channel)
    : site_(v1::Coordinator::NewStub(channel)), admin_(v1::Admin::NewStub(channel)) {}

Status WireClient::Join() {
  Call call;
  v1::JoinRequest request;
  request.set_protocol(rpc::kProtocolVersion);
  request.set_version("by hand");
  request.set_max_concurrent_tasks(1);
  v1::JoinReply reply;
  Status status = rpc::FromGrpc(site_->Join(&call.context, request, &reply));
  epoch_ = reply.epoch();
  return status;
}

Result<v1::Task> WireClient::TakeTask() {
  for (;;) {
    Call call;
    v1::PullTaskRequest request;
    request.set_epoch(epoch_);
    v1::PullTaskReply reply;
    SKERRY_RETURN_IF_ERROR(rpc::FromGrpc(site_->PullTask(&call.context, request, &reply)));
    if (reply.has_task()) return reply.task();
  }
}

Result<v1::SubmitResultReply> WireClient::Send(
    const std::vector<v1::SubmitResultRequest>& messages) {
  Call call;
  v1::SubmitResultReply reply;
  const auto stream = site_->SubmitResult(&call.context, &reply);
  for (const v1::SubmitResultRequest& message : messages) {
    if (!stream->Write(message)) break;  // the coordinator has answered: Finish() says what
  }
  stream->WritesDone();
  SKERRY_RETURN_IF_ERROR(rpc::FromGrpc(stream->Finish()));
  return reply;
}

Result<v1::SubmitResultReply> WireClient::Upload(const v1::ResultHeader& header,
                                                 const std::vector<v1::Chunk>& chunks,
                                                 uint64_t offset) {
  std::vector<v1::SubmitResultRequest> messages(1);
  messages[0].mutable_start()->set_epoch(epoch_);
  *messages[0].mutable_start()->mutable_header() = header;
  messages[0].mutable_start()->set_offset(offset);
  for (const v1::Chunk& chunk : chunks) *messages.emplace_back().mutable_chunk() = chunk;
  return Send(messages);
}

Result<v1::QueryUploadReply> WireClient::QueryUpload(const v1::ResultHeader& header) {
  Call call;
  v1::QueryUploadRequest request;
  request.set_epoch(epoch_);
  request.set_task_id(header.task_id());
  request.set_content_hash(header.content_hash());
  v1::QueryUploadReply reply;
  SKERRY_RETURN_IF_ERROR(rpc::FromGrpc(site_->QueryUpload(&call.context, request, &reply)));
  return reply;
}

std::vector<std::pair<std::string, Status>> WireClient::CallEverySiteMethod() {
  using Stub = v1::Coordinator::Stub;
  std::vector<std::pair<std::string, Status>> answers = {
      {"Join", Try(*site_, &Stub::Join)},
      {"PullTask", Try(*site_, &Stub::PullTask)},
      {"Heartbeat", Try(*site_, &Stub::Heartbeat)},
      {"QueryUpload", Try(*site_, &Stub::QueryUpload)},
      {"ReportFailure", Try(*site_, &Stub::ReportFailure)},
      {"SubmitResult", Send({}).status()}};
  Call call;
  v1::Chunk chunk;
  const auto stream = site_->PullModel(&call.context, v1::PullModelRequest());
  EXPECT_FALSE(stream->Read(&chunk));
  answers.emplace_back("PullModel", rpc::FromGrpc(stream->Finish()));
  return answers;
}

std::vector<std::pair<std::string, Status>> WireClient::CallEveryAdminMethod() {
  using Stub = v1::Admin::Stub;
  std::vector<std::pair<std::string, Status>> answers = {
      {"SubmitRun", Try(*admin_, &Stub::SubmitRun)},
      {"ListRuns", Try(*admin_, &Stub::ListRuns)},
      {"ShowRun", Try(*admin_, &Stub::ShowRun)},
      {"WatchRun", Try(*admin_, &Stub::WatchRun)},
      {"StopRun", Try(*admin_, &Stub::StopRun)},
      {"ResumeRun", Try(*admin_, &Stub::ResumeRun)},
      {"ExportHistory", Try(*admin_, &Stub::ExportHistory)},
      {"ListSites", Try(*admin_, &Stub::ListSites)}};
  Call call;
  v1::ExportModelReply reply;
  const auto stream = admin_->ExportModel(&call.context, v1::ExportModelRequest());
  EXPECT_FALSE(stream->Read(&reply));
  answers.emplace_back("ExportModel", rpc::FromGrpc(stream->Finish()));
  return answers;
}

// ---- Parcel ----

Parcel::Parcel(const v1::Task& of) : task(of) {
  const Result<learning::ResultLayout> layout =
      learning::ResultLayout::FromProto(task.result_layout());
  EXPECT_TRUE(layout.ok());
  bytes.resize(static_cast<std::size_t>(layout->size_bytes()));
  header.set_task_id(task.task_id());
  header.set_layout_hash(std::string(rpc::LayoutHash(*layout).view()));
  header.set_size_bytes(bytes.size());
  header.set_num_examples(10);
  Seal();
}

void Parcel::Seal() {
  const auto hash = crypto::ContentHashOf(rpc::CanonicalHeader(header), std::string_view(bytes));
  header.set_content_hash(std::string(hash.view()));
}

std::vector<v1::Chunk> Parcel::Chunks() const {
  std::vector<v1::Chunk> chunks;
  for (uint64_t at = 0; at < bytes.size(); at += crypto::kChunkBytes) {
    chunks.push_back(rpc::MakeChunk(at, bytes.substr(at, crypto::kChunkBytes)));
  }
  return chunks;
}

std::size_t Parcel::OffsetOf(const std::string& section) const {
  const auto layout = learning::ResultLayout::FromProto(task.result_layout());
  const auto index = layout->Find(section);
  EXPECT_TRUE(index.has_value()) << section;
  return static_cast<std::size_t>(layout->offset_bytes(index.value_or(0)));
}

}  // namespace skerry::testing
