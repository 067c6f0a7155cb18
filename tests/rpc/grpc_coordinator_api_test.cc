// The client's side of the wire against a server in this process.
#include "rpc/grpc/grpc_coordinator_api.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/bytes_file.h"
#include "crypto/content_hash.h"
#include "rpc/chunks.h"
#include "rpc/grpc/status_codec.h"
#include "rpc/grpc/transport.h"
#include "rpc/reaction.h"
#include "testing/status_matchers.h"

namespace skerry::rpc {
namespace {

using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;

// Serves one model and takes one upload, as a test says.
class FakeService final : public v1::Coordinator::Service {
 public:
  grpc::Status Join(grpc::ServerContext* context, const v1::JoinRequest* request,
                    v1::JoinReply* reply) override {
    const auto name = context->client_metadata().find(kInsecureSiteKey);
    if (name != context->client_metadata().end()) {
      site = std::string(name->second.data(), name->second.size());
    }
    reply->set_epoch(request->epoch() + 1);
    return ToGrpc(answer);
  }

  grpc::Status PullTask(grpc::ServerContext* context, const v1::PullTaskRequest* /*request*/,
                        v1::PullTaskReply* /*reply*/) override {
    while (!context->IsCancelled()) std::this_thread::yield();
    return grpc::Status::CANCELLED;
  }

  grpc::Status PullModel(grpc::ServerContext* /*context*/, const v1::PullModelRequest* request,
                         grpc::ServerWriter<v1::Chunk>* writer) override {
    const auto chunks = ReadChunks(std::make_shared<BytesFile>(model), request->offset());
    for (;;) {
      const auto chunk = chunks->Next();
      if (!chunk.ok() || !chunk->has_value()) return ToGrpc(answer);
      if (!writer->Write(**chunk)) return grpc::Status::CANCELLED;
    }
  }

  grpc::Status SubmitResult(grpc::ServerContext* /*context*/,
                            grpc::ServerReader<v1::SubmitResultRequest>* reader,
                            v1::SubmitResultReply* reply) override {
    v1::SubmitResultRequest message;
    while (received.size() < stop_after_bytes && reader->Read(&message)) {
      if (message.has_start()) reply->set_task_id(message.start().header().task_id());
      received += message.chunk().data();
    }
    return ToGrpc(answer);
  }

  grpc::Status SubmitSmallResult(grpc::ServerContext* /*context*/,
                                 const v1::SubmitSmallResultRequest* request,
                                 v1::SubmitResultReply* reply) override {
    reply->set_task_id(request->start().header().task_id());
    small = request->contents();
    return ToGrpc(answer);
  }

  Status answer;
  std::string small;  // result
  std::string model;
  std::size_t stop_after_bytes = std::string::npos;
  std::string received;
  std::string site;
};

class Sink final : public ChunkSink {
 public:
  Status Put(const v1::Chunk& chunk) override {
    ++puts;
    if (!failure.ok() && bytes.size() >= fail_at) return failure;
    bytes += chunk.data();
    return OkStatus();
  }
  std::string bytes;
  int puts = 0;
  Status failure;
  std::size_t fail_at = 0;
};

class BrokenSource final : public ChunkSource {
 public:
  Result<std::optional<v1::Chunk>> Next() override { return Internal("the disk failed"); }
};

class GrpcCoordinatorApiTest : public ::testing::Test {
 protected:
  GrpcCoordinatorApiTest() {
    // Over a socket, as in the product: the in-process transport of gRPC 1.51 now and then aborts
    // in ref_counted.h when a channel goes.
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
    api_ =
        std::make_unique<GrpcCoordinatorApi>(channel(), channel(), calls_, loop_, bulk_, "north");
  }
  ~GrpcCoordinatorApiTest() override {
    api_.reset();
    server_->Shutdown();
  }

  std::shared_ptr<grpc::Channel> channel() const {
    return OpenChannel(address_, grpc::InsecureChannelCredentials());
  }
  // Makes a call and waits for its answer, which comes on the loop.
  template <class Reply>
  Result<Reply> Call(const std::function<void(Callback<Reply>)>& make) {
    std::optional<Result<Reply>> answer;
    Mutex mutex;
    ConditionVariable came;
    make([&](Result<Reply> reply) {
      MutexLock lock(mutex);
      EXPECT_FALSE(answer.has_value()) << "a call is answered once";
      answer.emplace(std::move(reply));
      came.NotifyAll();
    });
    MutexLock lock(mutex);
    while (!answer) came.Wait(mutex);
    return *std::move(answer);
  }
  Result<Done> Pull(const std::shared_ptr<Sink>& sink, uint64_t offset = 0) {
    v1::PullModelRequest request;
    request.set_offset(offset);
    return Call<Done>([&](auto done) { api_->PullModel(request, sink, std::move(done)); });
  }
  Result<v1::SubmitResultReply> Submit(std::shared_ptr<ChunkSource> source,
                                       uint64_t size_bytes = 64 * crypto::kChunkBytes) {
    v1::SubmitResultRequest::Start start;
    start.mutable_header()->set_task_id(7);
    start.mutable_header()->set_size_bytes(size_bytes);
    return Call<v1::SubmitResultReply>(
        [&](auto done) { api_->SubmitResult(start, source, std::move(done)); });
  }

  FakeService service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  ThreadPool loop_{1};
  ThreadPool bulk_{2};
  CallThread calls_;
  std::unique_ptr<GrpcCoordinatorApi> api_;
  const std::shared_ptr<Sink> sink_ = std::make_shared<Sink>();
};

std::string Bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i % 251);
  return bytes;
}

TEST_F(GrpcCoordinatorApiTest, AnAnswerComesBackAndThePlaintextCallerIsNamed) {
  v1::JoinRequest request;
  request.set_epoch(4);
  ASSERT_OK_AND_ASSIGN(const auto reply, Call<v1::JoinReply>([&](auto done) {
                         api_->Join(request, std::move(done));
                       }));
  EXPECT_EQ(reply.epoch(), 5U);
  EXPECT_EQ(service_.site, "north");
}

TEST_F(GrpcCoordinatorApiTest, AnErrorComesBackWithItsDetailAndHint) {
  service_.answer = PermissionDenied("taken over").WithDetail(kSuperseded).WithHint("look there");
  const auto reply = Call<v1::JoinReply>([&](auto done) { api_->Join({}, std::move(done)); });
  EXPECT_THAT(reply, Fails(Code::kPermissionDenied, HasSubstr("taken over (look there)")));
  EXPECT_EQ(reply.status().detail(), kSuperseded);
}

TEST_F(GrpcCoordinatorApiTest, AConnectionThatIsRefusedIsKnownAsSuch) {
  const auto channel = [] {  // port 1: nobody listens there
    return OpenChannel("127.0.0.1:1", grpc::InsecureChannelCredentials());
  };
  api_ = std::make_unique<GrpcCoordinatorApi>(channel(), channel(), calls_, loop_, bulk_, "north");
  const auto reply = Call<v1::JoinReply>([&](auto done) { api_->Join({}, std::move(done)); });
  EXPECT_THAT(reply, HasCode(Code::kUnavailable));
  EXPECT_EQ(reply.status().detail(), kRefused);
}

TEST_F(GrpcCoordinatorApiTest, AModelArrivesInOrderFromItsOffset) {
  service_.model = Bytes(5 * crypto::kChunkBytes + 9);
  ASSERT_OK(Pull(sink_, crypto::kChunkBytes));
  EXPECT_EQ(sink_->bytes, service_.model.substr(crypto::kChunkBytes));
  EXPECT_EQ(sink_->puts, 5);
}

TEST_F(GrpcCoordinatorApiTest, ASinkThatFailsEndsTheCallWithItsFirstErrorAndIsNotAskedAgain) {
  service_.model = Bytes(8 * crypto::kChunkBytes);
  sink_->fail_at = 2 * crypto::kChunkBytes;
  sink_->failure = ResourceExhausted("no space left");
  EXPECT_THAT(Pull(sink_), Fails(Code::kResourceExhausted, HasSubstr("no space left")));
  EXPECT_EQ(sink_->puts, 3);
}

TEST_F(GrpcCoordinatorApiTest, AModelThatBreaksOffIsAnErrorAndWhatCameIsKept) {
  service_.model = Bytes(100);
  service_.answer = Unavailable("shutting down");
  EXPECT_THAT(Pull(sink_), HasCode(Code::kUnavailable));
  EXPECT_EQ(sink_->bytes, service_.model);
}

TEST_F(GrpcCoordinatorApiTest, AResultGoesOutInOrderAndItsReceiptComesBack) {
  const std::string bytes = Bytes(3 * crypto::kChunkBytes + 1);
  ASSERT_OK_AND_ASSIGN(const auto receipt,
                       Submit(ReadChunks(std::make_shared<BytesFile>(bytes), 0)));
  EXPECT_EQ(receipt.task_id(), 7);
  EXPECT_EQ(service_.received, bytes);
}

TEST_F(GrpcCoordinatorApiTest, ASmallResultGoesOutInOneMessage) {
  const std::string bytes = Bytes(kSmallResultBytes);
  ASSERT_OK_AND_ASSIGN(const auto receipt, Submit(ReadChunks(std::make_shared<BytesFile>(bytes), 0),
                                                  kSmallResultBytes));
  EXPECT_EQ(receipt.task_id(), 7);
  EXPECT_EQ(service_.small, bytes);
  EXPECT_EQ(service_.received, "");
}

TEST_F(GrpcCoordinatorApiTest, ASmallSourceThatFailsEndsTheCallWithItsError) {
  EXPECT_THAT(Submit(std::make_shared<BrokenSource>(), 100),
              Fails(Code::kInternal, HasSubstr("the disk failed")));
}

TEST_F(GrpcCoordinatorApiTest, ARefusalInTheMiddleOfAnUploadEndsItWithThatStatus) {
  service_.stop_after_bytes = crypto::kChunkBytes;
  service_.answer = DataLoss("the chunk at byte 0 does not have the digest that it names");
  EXPECT_THAT(Submit(ReadChunks(std::make_shared<BytesFile>(Bytes(64 * crypto::kChunkBytes)), 0)),
              Fails(Code::kDataLoss, HasSubstr("byte 0")));
}

TEST_F(GrpcCoordinatorApiTest, ASourceThatFailsEndsTheUploadWithItsError) {
  EXPECT_THAT(Submit(std::make_shared<BrokenSource>()),
              Fails(Code::kInternal, HasSubstr("the disk failed")));
}

// gRPC's own threads, which some of these calls end on, also serve other connections.
TEST_F(GrpcCoordinatorApiTest, WhatFollowsFromATransferRunsOnABulkThread) {
  InlineExecutor at_once;
  ThreadPool one{1};
  std::promise<std::thread::id> known;
  one.Post([&known] { known.set_value(std::this_thread::get_id()); });
  const std::thread::id bulk = known.get_future().get();
  GrpcCoordinatorApi api(channel(), channel(), calls_, at_once, one, "north");
  service_.model = Bytes(crypto::kChunkBytes);
  std::promise<std::thread::id> pulled;
  api.PullModel({}, std::make_shared<Sink>(), [&pulled](const Result<Done>& done) {
    EXPECT_OK(done.status());
    pulled.set_value(std::this_thread::get_id());
  });
  EXPECT_EQ(pulled.get_future().get(), bulk);
  std::promise<std::thread::id> ended;
  v1::SubmitResultRequest::Start start;
  start.mutable_header()->set_task_id(7);
  start.mutable_header()->set_size_bytes(3 * crypto::kChunkBytes);
  api.SubmitResult(start,
                   ReadChunks(std::make_shared<BytesFile>(Bytes(3 * crypto::kChunkBytes)), 0),
                   [&ended](const Result<v1::SubmitResultReply>& receipt) {
                     EXPECT_OK(receipt.status());
                     ended.set_value(std::this_thread::get_id());
                   });
  EXPECT_EQ(ended.get_future().get(), bulk);
}

TEST_F(GrpcCoordinatorApiTest, AfterTheEndNobodyIsAnswered) {
  api_->PullTask({}, [](const Result<v1::PullTaskReply>&) { ADD_FAILURE() << "answered"; });
  api_.reset();  // does not wait for the held call to end by itself
}

}  // namespace
}  // namespace skerry::rpc
