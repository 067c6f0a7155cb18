// The gRPC limit: what the same bytes cost over the same kind of connection (TLS 1.3, bounded
// windows, callback server, protobuf chunks of 1 MiB) when nobody hashes, checks, sums or stores
// anything. The server's chunks are ready before the clock runs.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bench/limit_options.h"
#include "limit.grpc.pb.h"
#include "rpc/grpc/transport.h"

namespace skerry::bench {
namespace {

constexpr uint64_t kChunkBytes = 1 << 20;
constexpr std::size_t kDigestBytes = 32;
constexpr std::chrono::seconds kConnect{20};  // the server may not listen yet

v1::Chunk ChunkOf(uint64_t offset, uint64_t total) {
  v1::Chunk chunk;
  chunk.set_offset(offset);
  chunk.set_data(std::string(std::min(kChunkBytes, total - offset), 'x'));
  chunk.set_digest(std::string(kDigestBytes, 'h'));
  return chunk;
}

rpc::TlsFiles FilesOf(const LimitOptions& options) {
  return {options.Path("ca.pem"), options.Path(options.name + ".pem"),
          options.Path(options.name + ".key")};
}

// Lets everybody go when all have come, and notes when.
class Gate {
 public:
  Gate(int clients, int rounds)
      : clients_(static_cast<std::size_t>(clients)), rounds_(static_cast<std::size_t>(rounds)) {}

  void Arrive(std::function<void()> go) {
    std::vector<std::function<void()>> all;
    {
      std::scoped_lock lock(mutex_);
      waiting_.push_back(std::move(go));
      if (waiting_.size() < clients_) return;
      all.swap(waiting_);
      laps_.Lap();
    }
    for (const auto& one : all) one();
    done_.notify_all();
  }
  void WaitForAllRounds() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return laps_.count() > rounds_; });
    laps_.Print();
  }

 private:
  const std::size_t clients_;
  const std::size_t rounds_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<std::function<void()>> waiting_;
  Laps laps_;
};

// Sends the model, then takes as much.
class ServerExchange final : public grpc::ServerBidiReactor<v1::Chunk, v1::Chunk> {
 public:
  ServerExchange(const std::vector<v1::Chunk>& model, Gate& gate) : model_(model), gate_(gate) {
    StartWrite(&model_[0]);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    if (++sent_ < model_.size()) return StartWrite(&model_[sent_]);
    StartRead(&received_);
  }
  void OnReadDone(bool ok) override {
    if (ok) return StartRead(&received_);
    gate_.Arrive([this] { Finish(grpc::Status::OK); });
  }
  void OnDone() override { delete this; }

 private:
  const std::vector<v1::Chunk>& model_;
  Gate& gate_;
  std::size_t sent_ = 0;
  v1::Chunk received_;
};

class Service final : public Limit::CallbackService {
 public:
  Service(const LimitOptions& options, Gate& gate) : gate_(gate) {
    for (uint64_t at = 0; at < options.bytes; at += kChunkBytes) {
      model_.push_back(ChunkOf(at, options.bytes));
    }
  }
  grpc::ServerBidiReactor<v1::Chunk, v1::Chunk>* Exchange(grpc::CallbackServerContext*) override {
    return new ServerExchange(model_, gate_);
  }

 private:
  std::vector<v1::Chunk> model_;
  Gate& gate_;
};

// One round of one client: takes the model, then sends as much.
class ClientExchange final : public grpc::ClientBidiReactor<v1::Chunk, v1::Chunk> {
 public:
  ClientExchange(Limit::Stub& stub, std::vector<v1::Chunk>& update, uint64_t bytes)
      : update_(update), bytes_(bytes) {
    stub.async()->Exchange(&context_, this);
    AddHold();  // writes begin in reactions
    StartRead(&chunk_);
    StartCall();
  }
  void OnReadDone(bool ok) override {
    if (!ok) {
      if (!writing_) RemoveHold();  // else OnWriteDone does
      return;
    }
    received_ += chunk_.data().size();
    if (received_ == bytes_) {
      writing_ = true;
      StartWrite(&update_[0]);
    }
    StartRead(&chunk_);
  }
  void OnWriteDone(bool ok) override {
    if (ok && ++sent_ < update_.size()) return StartWrite(&update_[sent_]);
    if (ok) StartWritesDone();
    RemoveHold();
  }
  void OnDone(const grpc::Status& status) override {
    std::scoped_lock lock(mutex_);
    status_ = status;
    done_ = true;
    changed_.notify_all();
  }
  grpc::Status Await() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
    return status_;
  }

 private:
  std::vector<v1::Chunk>& update_;
  const uint64_t bytes_;
  grpc::ClientContext context_;
  v1::Chunk chunk_;
  uint64_t received_ = 0;
  bool writing_ = false;  // touched by reads only, which come one after the other
  std::size_t sent_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  grpc::Status status_;
};

int Serve(const LimitOptions& options) {
  Gate gate(options.clients, options.rounds);
  Service service(options, gate);
  grpc::ServerBuilder builder;
  rpc::SetServerLimits(builder, /*transfers=*/64);
  builder.AddListeningPort(options.Address(), rpc::ServerTls(FilesOf(options)));
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    std::fprintf(stderr, "error: cannot listen on %s\n", options.Address().c_str());
    return 1;
  }
  gate.WaitForAllRounds();
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
  return 0;
}

int RunClient(const LimitOptions& options) {
  const auto channel = rpc::OpenChannel(options.Address(), rpc::ChannelTls(FilesOf(options)),
                                        rpc::Traffic::kTransfers);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + kConnect)) {
    std::fprintf(stderr, "error: cannot connect to %s\n", options.Address().c_str());
    return 1;
  }
  const std::unique_ptr<Limit::Stub> stub = Limit::NewStub(channel);
  std::vector<v1::Chunk> update;
  for (uint64_t at = 0; at < options.bytes; at += kChunkBytes) {
    update.push_back(ChunkOf(at, options.bytes));
  }
  Laps laps;
  for (int round = 0; round <= options.rounds; ++round) {
    ClientExchange exchange(*stub, update, options.bytes);
    const grpc::Status status = exchange.Await();
    if (!status.ok()) {
      std::fprintf(stderr, "error: round %d: %s\n", round, status.error_message().c_str());
      return 1;
    }
    laps.Lap();
  }
  laps.Print();
  std::_Exit(0);  // gRPC 1.51 now and then aborts when the last channel goes
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  skerry::rpc::SetUpGrpc();
  const auto options = skerry::bench::LimitOptions::Parse(argc, argv);
  return options.server ? skerry::bench::Serve(options) : skerry::bench::RunClient(options);
}
