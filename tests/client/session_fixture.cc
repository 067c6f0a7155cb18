#include "session_fixture.h"

#include <algorithm>
#include <utility>

#include "crypto/content_hash.h"
#include "crypto/sha256.h"
#include "rpc/chunks.h"

namespace skerry::client {
namespace {

class FileOnFailingDisk final : public File {
 public:
  FileOnFailingDisk(std::unique_ptr<File> file, const bool& full)
      : file_(std::move(file)), full_(full) {}

  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    return file_->ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    if (full_) return ResourceExhausted("writing: No space left on device");
    return file_->WriteAt(offset, bytes);
  }
  Status Sync() override { return file_->Sync(); }
  Result<uint64_t> Size() const override { return file_->Size(); }
  Status Truncate(uint64_t size) override { return file_->Truncate(size); }

 private:
  const std::unique_ptr<File> file_;
  const bool& full_;
};

}  // namespace

Result<std::unique_ptr<File>> FailingDisk::Open(const std::string& path, OpenMode mode) {
  if (full && mode == OpenMode::kCreate) {
    return ResourceExhausted("opening " + path + ": No space left on device");
  }
  SKERRY_ASSIGN_OR_RETURN(std::unique_ptr<File> file, memory.Open(path, mode));
  return std::unique_ptr<File>(std::make_unique<FileOnFailingDisk>(std::move(file), full));
}

SessionTest::SessionTest() {
  options_.site = "north";
  options_.state_dir = "state";
  options_.version = "test";
  options_.retry_cap = 60s;
  options_.data_sources = {"icu"};
  options_.jitter_seed = 11;
  Start();
}

void SessionTest::Start() {
  session_ = std::make_unique<Session>(SessionParts{clock_, files_, api_, store_, runner_, diary_},
                                       options_);
  ASSERT_OK(session_->Open());
  Step();
}

void SessionTest::KillAndRestart() {
  api_.Forget();
  runner_.Forget();
  session_.reset();
  Start();
}

void SessionTest::Step() {
  for (int i = 0; i < 20; ++i) {
    next_ = session_->Step();
    if (!next_ || *next_ > clock_.Now()) return;
  }
  ADD_FAILURE() << "the session wants to be called again and again at the same instant";
}

void SessionTest::Wait(Duration time) {
  const Timestamp end = clock_.Now() + time;
  while (next_ && *next_ <= end) {
    clock_.AdvanceTo(*next_);
    Step();
  }
  clock_.AdvanceTo(end);
  Step();
}

// ---- What the coordinator says ----

v1::JoinReply SessionTest::Joined(uint64_t epoch) {
  v1::JoinReply reply;
  reply.set_epoch(epoch);
  reply.set_coordinator_id("c-1");
  reply.set_version("test");
  reply.set_heartbeat_ms(1000);
  return reply;
}

v1::JoinReply SessionTest::Joined(uint64_t epoch, int64_t task_id,
                                  v1::JoinReply::Instruction what) {
  v1::JoinReply reply = Joined(epoch);
  v1::JoinReply::Settlement& settlement = *reply.add_settlements();
  settlement.set_task_id(task_id);
  settlement.set_instruction(what);
  return reply;
}

void SessionTest::Give(const v1::Task& task) {
  v1::PullTaskReply reply;
  *reply.mutable_task() = task;
  Answer(api_.pulls, reply);
}

void SessionTest::GiveVerdict(int64_t task_id, v1::Verdict::Outcome outcome,
                              const std::string& reason) {
  v1::PullTaskReply reply;
  v1::Verdict& verdict = *reply.add_verdicts();
  verdict.set_task_id(task_id);
  verdict.set_outcome(outcome);
  verdict.set_reason(reason);
  reply.mutable_wait();
  Answer(api_.pulls, reply);
}

void SessionTest::GiveReceipt() {
  const v1::ResultHeader& header = api_.uploads.last().start.header();
  v1::SubmitResultReply receipt;
  receipt.set_task_id(header.task_id());
  receipt.set_content_hash(header.content_hash());
  Answer(api_.uploads, receipt);
}

void SessionTest::SayStored(uint64_t offset) {
  v1::QueryUploadReply reply;
  reply.set_offset(offset);
  Answer(api_.queries, reply);
}

// ---- Tasks ----

v1::Task SessionTest::NewTask(int64_t task_id, int64_t num_elements) {
  v1::Task task;
  task.set_task_id(task_id);
  task.set_run_id("r-1");
  task.set_round(1);
  task.set_kind(v1::TRAIN);
  task.set_run_spec_sha256(std::string(crypto::Sha256(task.run_spec()).view()));
  v1::Section& section = *task.mutable_result_layout()->add_sections();
  section.set_name("update");
  section.set_rule(v1::AGGREGATE);
  v1::TensorSpec& tensor = *section.add_tensors();
  tensor.set_name("weight");
  tensor.set_dtype(v1::F32);
  tensor.add_shape(num_elements);
  return task;
}

v1::ModelRef SessionTest::NewModel(const std::string& bytes) {
  v1::ModelRef model;
  model.set_run_id("r-1");
  model.set_version(0);
  model.set_size_bytes(bytes.size());
  model.set_content_hash(
      std::string(crypto::ContentHashOf(crypto::kFileHeader, std::string_view(bytes)).view()));
  return model;
}

std::string SessionTest::ResultOf(const v1::Task& task) {
  const auto elements =
      static_cast<std::size_t>(task.result_layout().sections(0).tensors(0).shape(0));
  std::string bytes(elements * sizeof(float), '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i % 61 + i / 4096);
  return bytes;
}

void SessionTest::FinishTraining() {
  runner_.Finish(ResultOf(*runner_.last().task), {.num_examples = 199, .scalars = {{"loss", 0.5}}});
  Step();
}

void SessionTest::BringToUpload(const v1::Task& task) {
  Join();
  Give(task);
  WaitAMoment();
  FinishTraining();
  ASSERT_EQ(api_.uploads.held(), 1U);
}

void SessionTest::BringToReceipt(const v1::Task& task) {
  BringToUpload(task);
  GiveReceipt();
}

std::string SessionTest::BytesOf(const UploadCall& upload) {
  const v1::SubmitResultRequest::Start& start = upload.start;
  std::string bytes;
  for (;;) {
    const Result<std::optional<v1::Chunk>> chunk = upload.chunks->Next();
    EXPECT_OK(chunk);
    if (!chunk.ok() || !chunk->has_value()) return bytes;
    EXPECT_OK(rpc::CheckChunk(**chunk, start.offset() + bytes.size(), start.header().size_bytes()));
    bytes += (*chunk)->data();
  }
}

Status SessionTest::Deliver(const std::string& file) {
  const DownloadCall& download = api_.downloads.last();
  for (uint64_t at = download.request.offset(); at < file.size(); at += crypto::kChunkBytes) {
    SKERRY_RETURN_IF_ERROR(
        download.sink->Put(rpc::MakeChunk(at, file.substr(at, crypto::kChunkBytes))));
  }
  return OkStatus();
}

}  // namespace skerry::client
