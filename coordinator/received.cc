#include "coordinator/received.h"

#include <utility>

#include "base/crc32c.h"
#include "rpc/chunks.h"
#include "rpc/coordinator_api.h"

namespace skerry::coordinator {
namespace {

// Before anything is done that takes longer with more bytes.
Status CheckSize(const ReceivedResult& result) {
  const uint64_t size = result.start.header().size_bytes();
  const uint64_t here = result.contents->bytes().size();
  if (here == size && size <= rpc::kSmallResultBytes) return OkStatus();
  return OutOfRange("a result of " + std::to_string(size) + " bytes came with " +
                    std::to_string(here));
}

Status CheckHash(const ReceivedResult& result) {
  const v1::ResultHeader& header = result.start.header();
  SKERRY_ASSIGN_OR_RETURN(const crypto::Digest hash, rpc::ResultHash(header, *result.contents));
  if (hash.view() == header.content_hash()) return OkStatus();
  return DataLoss("the bytes received do not make the content hash that the header names");
}

}  // namespace

ReceivedResult Receive(v1::SubmitSmallResultRequest&& request) {
  ReceivedResult result;
  result.start = std::move(*request.mutable_start());
  result.contents = std::make_shared<BytesFile>(std::move(*request.mutable_contents()));
  result.size = CheckSize(result);
  if (!result.size.ok()) {
    result.hash = result.size;  // nothing is known to be good
    return result;
  }
  result.hash = CheckHash(result);
  result.checksum = Crc32c(result.contents->bytes());
  result.header_bytes = result.start.header().SerializeAsString();
  return result;
}

ReceivedPoll Receive(v1::PullTaskRequest&& request) {
  ReceivedPoll poll{std::move(request), {}};
  if (poll.request.results_size() > kMostResults) return poll;
  poll.results.reserve(static_cast<std::size_t>(poll.request.results_size()));
  for (v1::SubmitSmallResultRequest& result : *poll.request.mutable_results()) {
    poll.results.push_back(Receive(std::move(result)));
  }
  poll.request.clear_results();
  return poll;
}

}  // namespace skerry::coordinator
