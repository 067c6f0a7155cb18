#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes_file.h"
#include "base/files.h"
#include "base/filled_file.h"
#include "base/status.h"
#include "base/time.h"
#include "client/shared_task.h"
#include "client/task_runner.h"
#include "crypto/content_hash.h"
#include "rpc/coordinator_api.h"
#include "rpc/reaction.h"
#include "skerry/v1/task.pb.h"
#include "storage/client_store.h"

namespace skerry::client {

// A transfer that has to be taken up again more often is given up and reported.
constexpr int kMaxResumes = 3;

// One task in a session's hands.
struct Work {
  enum class Stage {
    kFetching,  // the model
    kTraining,
    kSubmitting,  // the result is there
    kSubmitted,   // the receipt is here; kept until the verdict
    kFailing,     // the coordinator must hear that it cannot be done
  };

  explicit Work(rpc::Backoff b) : backoff(std::move(b)) {}

  int64_t task_id = 0;
  std::shared_ptr<const SharedTask> shared;
  const v1::Task& task() const { return *shared->task; }
  Stage stage = Stage::kFetching;
  // Tells a callback for this object from one for an earlier one with its task id.
  uint64_t life = 0;
  bool busy = false;       // a call, or the trainer, is at it
  bool ask_first = false;  // kSubmitting: what has arrived is not known
  Timestamp not_before;
  Timestamp training_since;
  rpc::Backoff backoff;
  int resumes = 0;      // how often what was transferred had to be taken up again
  std::string trouble;  // what stands in the way just now, for people
  std::shared_ptr<File> model;
  bool has_model_file = false;     // it has been fetched, or some of it
  bool has_personal_file = false;  // the site's own model is being written
  std::stop_source stop;
  std::shared_ptr<WorkProgress> progress = std::make_shared<WorkProgress>();
  // From kSubmitting on. It may be taken away: it is read again when it is needed again.
  v1::ResultHeader& Header();
  void SetHeader(v1::ResultHeader header);
  bool ReadHeader(storage::SharedText bytes);  // false: they are none
  // The result, if it is too small for a file of its own: the store has it, or will soon.
  std::shared_ptr<BytesFile> small_result;
  std::shared_ptr<rpc::KnownChunks>
      known_chunks;        // of the result; null: an earlier process hashed it
  int64_t base_state = 0;  // as in storage::ClientTask
  bool next_state = false;
  Status failure;  // kFailing

  // Nobody who was at it before writes to this one.
  void NewProgress();
  // As the store keeps it.
  storage::ClientTask Record(storage::ClientTask::State state) const;

 private:
  v1::ResultHeader header_;
  storage::SharedText header_bytes_;
};

// Writes a model version chunk by chunk into a file, going on where an earlier process left off.
class ModelSink final : public rpc::ChunkSink {
 public:
  // `file` holds `offset` good bytes, a whole number of chunks.
  ModelSink(std::shared_ptr<FilledFile> file, const v1::ModelRef& model, uint64_t offset,
            std::shared_ptr<WorkProgress> progress);
  // DATA_LOSS when the last chunk is here and all do not make the content hash: then nothing of the
  // file is filled any more.
  Status Put(const v1::Chunk& chunk) override;
  // The last byte is in, and the content hash is right. Once the transfer has ended.
  bool whole() const { return whole_; }

 private:
  Status CheckWhole();

  const std::shared_ptr<FilledFile> file_;  // the session hands it to the trainer
  const uint64_t size_bytes_;
  const std::string content_hash_;
  const uint64_t begin_;
  uint64_t stored_;
  bool whole_ = false;
  std::vector<crypto::Digest> digests_;  // of the chunks from begin_ on
  const std::shared_ptr<WorkProgress> progress_;
};

// Reads a result chunk by chunk, and shows how far it has come. `known`: see rpc::ReadChunks.
std::shared_ptr<rpc::ChunkSource> ResultSource(std::shared_ptr<const File> file, uint64_t offset,
                                               std::shared_ptr<rpc::KnownChunks> known,
                                               std::shared_ptr<WorkProgress> progress);

}  // namespace skerry::client
