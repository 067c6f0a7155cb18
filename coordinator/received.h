#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes_file.h"
#include "base/status.h"
#include "skerry/v1/coordinator.pb.h"

namespace skerry::coordinator {

// A small result as it came, with all that can be said of it without knowing its task. To find that
// out takes longer than what the coordinator then does with it, and any thread can do it.
struct ReceivedResult {
  v1::SubmitResultRequest::Start start;
  std::shared_ptr<BytesFile> contents;
  Status size;               // OUT_OF_RANGE: there are not as many bytes as the header says
  Status hash;               // DATA_LOSS: they do not make the content hash that it names
  uint32_t checksum = 0;     // Crc32c of the contents
  std::string header_bytes;  // the header, serialized
};
ReceivedResult Receive(v1::SubmitSmallResultRequest&& request);

// A client holds no more than that: it works at 64 tasks at most, and what else it has in hand are
// small results of which the last poll came to nothing.
constexpr int kMostResults = 256;

// A poll likewise.
struct ReceivedPoll {
  v1::PullTaskRequest request;  // without its results, unless there are more than a client has
  std::vector<ReceivedResult> results;
};
ReceivedPoll Receive(v1::PullTaskRequest&& request);

}  // namespace skerry::coordinator
