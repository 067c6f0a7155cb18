#include "client/work.h"

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "client/hashed_file.h"
#include "crypto/chunk_digest.h"
#include "rpc/chunks.h"
#include "rpc/parsed_layout.h"

namespace skerry::client {

using crypto::Digest;
using crypto::kChunkBytes;

storage::ClientTask Work::Record(storage::ClientTask::State state) const {
  storage::ClientTask record;
  record.task_id = task_id;
  record.state = state;
  record.task = shared->bytes;
  record.base_state = base_state;
  record.next_state = next_state;
  if (state == storage::ClientTask::State::kTaken) return record;
  record.header = header_bytes_;
  if (small_result != nullptr) record.contents = small_result->bytes();
  return record;
}

v1::ResultHeader& Work::Header() {
  if (header_.task_id() == 0) header_.ParseFromString(header_bytes_.str());
  return header_;
}

void Work::SetHeader(v1::ResultHeader header) {
  header_ = std::move(header);
  header_bytes_ = header_.SerializeAsString();
}

bool Work::ReadHeader(storage::SharedText bytes) {
  header_bytes_ = std::move(bytes);
  return header_.ParseFromString(header_bytes_.str());
}

void Work::NewProgress() {
  if (progress.use_count() > 1) {
    progress = std::make_shared<WorkProgress>();
  } else {
    progress->done = progress->total = 0;
  }
}

ModelSink::ModelSink(std::shared_ptr<FilledFile> file, const v1::ModelRef& model, uint64_t offset,
                     std::shared_ptr<WorkProgress> progress)
    : file_(std::move(file)),
      size_bytes_(model.size_bytes()),
      content_hash_(model.content_hash()),
      begin_(offset),
      stored_(offset),
      progress_(std::move(progress)) {}

Status ModelSink::Put(const v1::Chunk& chunk) {
  const Digest digest = crypto::ChunkDigest(chunk.data());
  SKERRY_RETURN_IF_ERROR(rpc::CheckChunk(chunk, digest, stored_, size_bytes_));
  SKERRY_RETURN_IF_ERROR(file_->file()->WriteAt(stored_, chunk.data()));
  SKERRY_RETURN_IF_ERROR(file_->Note(stored_ + chunk.data().size()));
  SKERRY_FAILPOINT("client/model-chunk-stored");
  digests_.push_back(digest);
  stored_ += chunk.data().size();
  progress_->done = static_cast<int64_t>(stored_);
  return stored_ == size_bytes_ ? CheckWhole() : OkStatus();
}

Status ModelSink::CheckWhole() {
  std::vector<Digest> all;
  std::string piece(begin_ > 0 ? kChunkBytes : 0, '\0');
  for (uint64_t offset = 0; offset < begin_; offset += kChunkBytes) {
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file_->file()->ReadAt(offset, piece));
    all.push_back(crypto::ChunkDigest({piece.data(), n}));
  }
  all.insert(all.end(), digests_.begin(), digests_.end());
  if (crypto::ContentHash(crypto::kFileHeader, size_bytes_, all).view() == content_hash_) {
    whole_ = true;
    return OkStatus();
  }
  SKERRY_RETURN_IF_ERROR(file_->Forget());
  return DataLoss("the model received does not have the content hash that its task names");
}

namespace {

v1::ResultHeader HeaderOf(int64_t task_id, const rpc::ParsedLayout& layout, const WorkDone& done) {
  v1::ResultHeader header;
  header.set_task_id(task_id);
  header.set_layout_hash(layout.hash.view().data(), layout.hash.view().size());
  header.set_size_bytes(static_cast<uint64_t>(layout.layout.size_bytes()));
  header.set_num_examples(done.num_examples);
  for (const auto& [name, value] : done.scalars) (*header.mutable_scalars())[name] = value;
  return header;
}

// `digests`: of the chunks of all `size_bytes`.
void SealHashed(int64_t task_id, const rpc::ParsedLayout& layout, uint64_t size_bytes,
                std::vector<Digest> digests, WorkDone& done) {
  v1::ResultHeader header = HeaderOf(task_id, layout, done);
  const Digest hash = crypto::ContentHash(rpc::CanonicalHeader(header), size_bytes, digests);
  header.set_content_hash(hash.view().data(), hash.view().size());
  done.header = std::move(header);
  done.known_chunks = std::make_shared<rpc::KnownChunks>(std::move(digests));
}

}  // namespace

Status Seal(const WorkOrder& order, WorkDone& done) {
  if (order.layout != nullptr) return Seal(order.task_id, *order.layout, *order.result, done);
  SKERRY_ASSIGN_OR_RETURN(const auto parsed, rpc::ParseLayout(order.task->result_layout()));
  return Seal(order.task_id, *parsed, *order.result, done);
}

Status Seal(int64_t task_id, const rpc::ParsedLayout& layout, const File& result, WorkDone& done) {
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size, result.Size());
  if (size <= rpc::kSmallResultBytes) {  // it travels in one message, without digests of chunks
    v1::ResultHeader header = HeaderOf(task_id, layout, done);
    SKERRY_ASSIGN_OR_RETURN(const Digest hash, rpc::ResultHash(header, result));
    header.set_content_hash(hash.view().data(), hash.view().size());
    done.header = std::move(header);
    return OkStatus();
  }
  SKERRY_ASSIGN_OR_RETURN(std::vector<Digest> digests, crypto::ChunkDigestsOf(result));
  SealHashed(task_id, layout, size, std::move(digests), done);
  return OkStatus();
}

Result<WorkDone> RunAndSeal(Trainer& trainer, const WorkOrder& order) {
  std::shared_ptr<const rpc::ParsedLayout> layout = order.layout;
  if (layout == nullptr) {
    SKERRY_ASSIGN_OR_RETURN(layout, rpc::ParseLayout(order.task->result_layout()));
  }
  if (layout->layout.size_bytes() <= static_cast<int64_t>(rpc::kSmallResultBytes)) {
    SKERRY_ASSIGN_OR_RETURN(WorkDone done, trainer.Run(order));
    static_cast<void>(Seal(order.task_id, *layout, *order.result, done).ok());
    return done;
  }
  const auto hashed = std::make_shared<HashedFile>(order.result);
  WorkOrder to_be_hashed = order;
  to_be_hashed.result = hashed;
  SKERRY_ASSIGN_OR_RETURN(WorkDone done, trainer.Run(to_be_hashed));
  const Result<uint64_t> size = hashed->Size();
  Result<std::vector<Digest>> digests = hashed->ChunkDigests();
  const Status read_back = size.ok() ? digests.status() : size.status();
  if (!read_back.ok()) return Unavailable("the result cannot be read back: " + read_back.message());
  SealHashed(order.task_id, *layout, *size, *std::move(digests), done);
  return done;
}

learning::RowProgress ProgressOf(const WorkOrder& order) {
  return [&order](int64_t done, int64_t total) {
    if (order.progress != nullptr) {
      order.progress->total.store(total, std::memory_order_relaxed);
      order.progress->done.store(done, std::memory_order_relaxed);
    }
    return order.stop.stop_requested() ? Cancelled("the task was stopped") : OkStatus();
  };
}

namespace {

class CountedChunks final : public rpc::ChunkSource {
 public:
  CountedChunks(std::unique_ptr<rpc::ChunkSource> chunks, std::shared_ptr<WorkProgress> progress)
      : chunks_(std::move(chunks)), progress_(std::move(progress)) {}

  Result<std::optional<v1::Chunk>> Next() override {
    SKERRY_ASSIGN_OR_RETURN(std::optional<v1::Chunk> chunk, chunks_->Next());
    if (chunk) Note(*chunk);
    return chunk;
  }
  Result<std::shared_ptr<const v1::Chunk>> Share(const rpc::ChunkMemory& memory) override {
    SKERRY_ASSIGN_OR_RETURN(auto chunk, chunks_->Share(memory));
    if (chunk != nullptr) Note(*chunk);
    return chunk;
  }

 private:
  void Note(const v1::Chunk& chunk) {
    SKERRY_FAILPOINT("client/result-chunk-read");
    progress_->done = static_cast<int64_t>(chunk.offset() + chunk.data().size());
  }

  const std::unique_ptr<rpc::ChunkSource> chunks_;
  const std::shared_ptr<WorkProgress> progress_;
};

}  // namespace

std::shared_ptr<rpc::ChunkSource> ResultSource(std::shared_ptr<const File> file, uint64_t offset,
                                               std::shared_ptr<rpc::KnownChunks> known,
                                               std::shared_ptr<WorkProgress> progress) {
  return std::make_shared<CountedChunks>(rpc::ReadChunks(std::move(file), offset, std::move(known)),
                                         std::move(progress));
}

}  // namespace skerry::client
