#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "rpc/grpc/transport.h"
#include "skerry/v1/admin.grpc.pb.h"
#include "skerry/v1/coordinator.grpc.pb.h"

namespace skerry::testing {

// Somebody with a certificate who calls a real coordinator and says whatever a test wants. Each
// call waits for its answer, half a minute at most.
class WireClient {
 public:
  // Shows the certificate and key STEM.pem and STEM.key of a kit.
  WireClient(const std::string& kit, const std::string& stem, int port);
  // Over a channel of the test's own.
  explicit WireClient(const std::shared_ptr<grpc::Channel>& channel);

  // ---- As a site ----
  // Begins a session, which the calls below then name.
  Status Join();
  // The task that the next calls of PullTask get.
  Result<v1::Task> TakeTask();
  // Sends messages as they are.
  Result<v1::SubmitResultReply> Send(const std::vector<v1::SubmitResultRequest>& messages);
  // A header at `offset`, then chunks.
  Result<v1::SubmitResultReply> Upload(const v1::ResultHeader& header,
                                       const std::vector<v1::Chunk>& chunks, uint64_t offset = 0);
  Result<v1::QueryUploadReply> QueryUpload(const v1::ResultHeader& header);
  // Each method once, with an empty request: what each answers, by its name.
  std::vector<std::pair<std::string, Status>> CallEverySiteMethod();
  std::vector<std::pair<std::string, Status>> CallEveryAdminMethod();

  void set_epoch(uint64_t epoch) { epoch_ = epoch; }
  uint64_t epoch() const { return epoch_; }

 private:
  const std::unique_ptr<v1::Coordinator::Stub> site_;
  const std::unique_ptr<v1::Admin::Stub> admin_;
  uint64_t epoch_ = 0;
};

// A result of zeros for a task, and its header; a test spoils one of them, and names it anew.
struct Parcel {
  explicit Parcel(const v1::Task& task);
  // Makes the content hash that of header and bytes.
  void Seal();
  // The bytes, in good chunks.
  std::vector<v1::Chunk> Chunks() const;
  // Where a section begins.
  std::size_t OffsetOf(const std::string& section) const;
  template <class T>
  void Put(const std::string& section, T value) {
    value_bytes_.assign(reinterpret_cast<const char*>(&value), sizeof(value));
    bytes.replace(OffsetOf(section), sizeof(value), value_bytes_);
    Seal();
  }

  v1::Task task;
  v1::ResultHeader header;
  std::string bytes;

 private:
  std::string value_bytes_;
};

}  // namespace skerry::testing
