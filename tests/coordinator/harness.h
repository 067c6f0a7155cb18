#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes_file.h"
#include "base/clock.h"
#include "base/memory_files.h"
#include "coordinator/coordinator.h"
#include "rpc/chunks.h"
#include "simulation/event_queue.h"
#include "storage/memory_journal.h"

// A coordinator over memory and a clock that is moved by hand, and sites that say what a test
// wants.
namespace skerry::coordinator {

// A run of two features and one bias: an update is three numbers.
struct RunFile {
  int rounds = 2;
  std::string participation = "sites = [\"a\", \"b\"]";
  std::string extra;
  std::string training = {};  // further keys of [training]

  std::string Text() const {
    return "[run]\nname = \"t\"\nnum_rounds = " + std::to_string(rounds) +
           "\nseed = 1\n"
           "[data]\nsource = \"s\"\nfeatures = [\"x\", \"y\"]\nlabel = \"z\"\nstandardize = false\n"
           "split = { train = 1.0 }\n"
           "[model]\nkind = \"logistic\"\n"
           "[training]\nlearning_rate = 0.1\n" +
           training + "[participation]\n" + participation + "\n" + extra;
  }
};

template <class Reply>
using Pending = std::shared_ptr<std::optional<Result<Reply>>>;

// Files of which a test says how much room is left.
class DiskWithRoom final : public Files {
 public:
  explicit DiskWithRoom(Files& files) : files_(files) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    const bool full = !no_room_for.empty() && path.find(no_room_for) != std::string::npos;
    if (full && mode != OpenMode::kRead) return ResourceExhausted("no room for " + path);
    return files_.Open(path, mode);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return files_.Rename(from, to);
  }
  Status Remove(const std::string& path) override { return files_.Remove(path); }
  Status MakeDirectories(const std::string& path) override { return files_.MakeDirectories(path); }
  Status SyncDirectory(const std::string& path) override { return files_.SyncDirectory(path); }
  Result<std::vector<std::string>> List(const std::string& directory) override {
    return files_.List(directory);
  }
  Result<uint64_t> FreeBytes(const std::string& /*directory*/) override { return free_bytes; }

  uint64_t free_bytes = std::numeric_limits<uint64_t>::max();
  std::string no_room_for;  // part of the paths that cannot be made; empty: all can

 private:
  Files& files_;
};

// Counts what is committed at once.
class CountedJournal final : public storage::Journal {
 public:
  explicit CountedJournal(storage::Journal& journal) : journal_(journal) {}
  Status Commit(const storage::WriteBatch& batch) override {
    ++num_commits;
    return journal_.Commit(batch);
  }

  int num_commits = 0;

 private:
  storage::Journal& journal_;
};

// Remembers how many tasks were asked for at once.
class WatchedReader final : public storage::JournalReader {
 public:
  explicit WatchedReader(storage::JournalReader& reader) : reader_(reader) {}
  Result<std::string> CoordinatorId() override { return reader_.CoordinatorId(); }
  Result<std::vector<storage::RunRecord>> Runs() override { return reader_.Runs(); }
  Result<std::vector<storage::SiteRecord>> Sites() override { return reader_.Sites(); }
  Result<std::vector<storage::RoundRecord>> Rounds(const std::string& run_id, int64_t first,
                                                   int64_t last) override {
    return reader_.Rounds(run_id, first, last);
  }
  Result<std::vector<storage::TaskRecord>> Tasks(const std::string& run_id, int64_t first,
                                                 int64_t last) override {
    auto tasks = reader_.Tasks(run_id, first, last);
    if (tasks.ok()) most_tasks = std::max(most_tasks, tasks->size());
    return tasks;
  }
  Result<std::vector<storage::TaskRecord>> UnconfirmedOutcomes() override {
    return reader_.UnconfirmedOutcomes();
  }
  Result<int64_t> LargestTaskId() override { return reader_.LargestTaskId(); }
  Result<std::vector<storage::SmallVersion>> SmallVersions(const std::string& run_id) override {
    return reader_.SmallVersions(run_id);
  }
  Result<std::vector<storage::EventRecord>> Events(const std::string& run_id,
                                                   int64_t limit) override {
    return reader_.Events(run_id, limit);
  }

  std::size_t most_tasks = 0;

 private:
  storage::JournalReader& reader_;
};

class Harness {
 public:
  // `small_version_bytes`: of the coordinator. 0: versions are files at once, as large ones are.
  explicit Harness(uint64_t small_version_bytes = kSmallVersionBytes)
      : small_version_bytes_(small_version_bytes) {
    Start();
  }

  // ---- The world ----
  void Start() {
    CoordinatorOptions options;
    options.state_dir = "state";
    options.version = "test";
    options.spool_bytes = spool_bytes;
    options.small_version_bytes = small_version_bytes_;
    options.on_fatal = [](const Status& status) { ADD_FAILURE() << status.ToString(); };
    ASSERT_TRUE(files.MakeDirectories("state").ok());
    Result<std::unique_ptr<Coordinator>> opened = Coordinator::Open(
        {clock, disk, commits, reader, queue, inline_executor, inline_executor, inline_executor},
        std::move(options));
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    coordinator = *std::move(opened);
    Settle();
  }

  // Kill -9: what was not committed is gone.
  void Restart() {
    coordinator.reset();
    queue.RunDue();  // tasks of the dead process, of which nobody hears
    Start();
  }

  void Settle() {
    do {
      const Status status = coordinator->Flush();
      ASSERT_TRUE(status.ok()) << status.ToString();
    } while (queue.RunDue());
  }

  void Wait(Duration time) {
    const Timestamp end = clock.Now() + time;
    for (;;) {
      const auto due = coordinator->NextDue();
      if (!due || *due > end) break;
      clock.AdvanceTo(std::max(*due, clock.Now() + Duration(1)));
      Settle();
    }
    clock.AdvanceTo(end);
    Settle();
  }

  // ---- Operators ----
  std::string Submit(const RunFile& file) {
    v1::SubmitRunRequest request;
    request.set_run_file(file.Text());
    auto reply = Call<v1::SubmitRunReply>(
        [&](auto done) { coordinator->SubmitRun(request, std::move(done)); });
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
    return reply.ok() ? reply->run().run_id() : "";
  }

  v1::ShowRunReply Show(const std::string& run_id) {
    v1::ShowRunRequest request;
    request.set_run_id(run_id);
    auto reply =
        Call<v1::ShowRunReply>([&](auto done) { coordinator->ShowRun(request, std::move(done)); });
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
    return reply.ok() ? *reply : v1::ShowRunReply();
  }

  // ---- Calls ----
  // Makes a call and settles; the answer must have come.
  template <class Reply, class Make>
  Result<Reply> Call(Make make) {
    Pending<Reply> pending = Begin<Reply>(make);
    if (!pending->has_value()) return Internal("no answer came");
    return std::move(**pending);
  }

  // Makes a call that may be held.
  template <class Reply, class Make>
  Pending<Reply> Begin(Make make) {
    auto pending = std::make_shared<std::optional<Result<Reply>>>();
    make(rpc::Callback<Reply>([pending](Result<Reply> reply) {
      EXPECT_FALSE(pending->has_value()) << "a call is answered once";
      pending->emplace(std::move(reply));
    }));
    Settle();
    return pending;
  }

  ManualClock clock{WallTime{1'700'000'000'000}};
  simulation::EventQueue queue{clock};
  MemoryFiles files;
  DiskWithRoom disk{files};
  storage::MemoryJournal journal{"coordinator-id"};
  CountedJournal commits{journal};
  WatchedReader reader{journal};
  InlineExecutor inline_executor;
  uint64_t spool_bytes = CoordinatorOptions().spool_bytes;  // from the next Start() on
  std::unique_ptr<Coordinator> coordinator;
  uint64_t last_call = 0;

 private:
  const uint64_t small_version_bytes_;
};

// A site that does what a test says.
class FakeSite {
 public:
  FakeSite(Harness& harness, std::string name) : harness_(harness), name_(std::move(name)) {}

  Result<v1::JoinReply> Join(std::vector<v1::HeldTask> held = {}, uint64_t epoch = 0) {
    v1::JoinRequest request;
    request.set_epoch(epoch);
    request.set_version("test");
    request.set_protocol(rpc::kProtocolVersion);
    request.set_coordinator_id("coordinator-id");
    for (const v1::HeldTask& task : held) *request.add_held() = task;
    for (const int64_t id : confirm_) request.add_confirmed_verdicts(id);
    auto reply = harness_.Call<v1::JoinReply>(
        [&](auto done) { harness_.coordinator->Join(name_, request, std::move(done)); });
    if (reply.ok()) epoch_ = reply->epoch();
    return reply;
  }

  Pending<v1::PullTaskReply> Pull(std::vector<int64_t> held = {}) { return Poll({}, held); }

  // Brings a result.
  Pending<v1::PullTaskReply> PullWith(const v1::Task& task, std::vector<float> values) {
    v1::PullTaskRequest request;
    *request.add_results() = SmallResult(task, std::move(values));
    return Poll(request, {task.task_id()});
  }

  Pending<v1::PullTaskReply> Poll(v1::PullTaskRequest request, std::vector<int64_t> held) {
    request.set_epoch(epoch_);
    for (const int64_t id : held) request.add_held_tasks(id);
    for (const int64_t id : confirm_) request.add_confirmed_verdicts(id);
    for (const std::string& run : kept_runs_) request.add_kept_runs(run);
    call_ = ++harness_.last_call;
    return harness_.Begin<v1::PullTaskReply>(
        [&](auto done) { harness_.coordinator->PullTask(name_, call_, request, std::move(done)); });
  }

  // The task that a pull gets at once.
  v1::Task Take(std::vector<int64_t> held = {}) {
    const auto pending = Pull(std::move(held));
    if (!pending->has_value() || !(*pending)->ok() || !(**pending)->has_task()) {
      ADD_FAILURE() << name_ << " got no task";
      return {};
    }
    return (**pending)->task();
  }

  Pending<v1::HeartbeatReply> Beat(int64_t task_id, int64_t done = 0, int64_t total = 0) {
    v1::HeartbeatRequest request;
    request.set_epoch(epoch_);
    v1::Progress& progress = *request.add_progress();
    progress.set_task_id(task_id);
    progress.set_stage(v1::Progress::TRAINING);
    progress.set_done(done);
    progress.set_total(total);
    call_ = ++harness_.last_call;
    return harness_.Begin<v1::HeartbeatReply>([&](auto reply) {
      harness_.coordinator->Heartbeat(name_, call_, request, std::move(reply));
    });
  }

  void Break() {
    harness_.coordinator->CallBroken(name_, call_);
    harness_.Settle();
  }

  static std::string Bytes(std::vector<float> values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  }

  static v1::ResultHeader Header(const v1::Task& task, const std::string& bytes,
                                 int64_t num_examples = 10) {
    v1::ResultHeader header;
    header.set_task_id(task.task_id());
    const auto layout = learning::ResultLayout::FromProto(task.result_layout());
    EXPECT_TRUE(layout.ok());
    header.set_layout_hash(std::string(rpc::LayoutHash(*layout).view()));
    header.set_size_bytes(bytes.size());
    header.set_num_examples(num_examples);
    const BytesFile file(bytes);
    header.set_content_hash(std::string(rpc::ResultHash(header, file)->view()));
    return header;
  }

  Result<v1::SubmitResultReply> Submit(const v1::Task& task,
                                       std::vector<float> values = {1, 2, 3}) {
    const std::string bytes = Bytes(std::move(values));
    return SubmitRaw(Header(task, bytes), bytes);
  }

  v1::SubmitSmallResultRequest SmallResult(const v1::Task& task, std::vector<float> values) const {
    const std::string bytes = Bytes(std::move(values));
    v1::SubmitSmallResultRequest request;
    request.mutable_start()->set_epoch(epoch_);
    *request.mutable_start()->mutable_header() = Header(task, bytes);
    request.set_contents(bytes);
    return request;
  }

  // In one call with its bytes.
  Result<v1::SubmitResultReply> SubmitSmall(const v1::Task& task, std::vector<float> values) {
    const v1::SubmitSmallResultRequest request = SmallResult(task, std::move(values));
    return harness_.Call<v1::SubmitResultReply>([&](auto done) {
      harness_.coordinator->SubmitSmallResult(name_, request, std::move(done));
    });
  }

  // Header and bytes as they are, in chunks.
  Result<v1::SubmitResultReply> SubmitRaw(const v1::ResultHeader& header, const std::string& bytes,
                                          uint64_t offset = 0) {
    auto upload = BeginUpload(header, offset);
    if (!upload.ok()) return std::move(upload).status();
    if (*upload == nullptr) return v1::SubmitResultReply();
    for (uint64_t at = offset; at < bytes.size(); at += crypto::kChunkBytes) {
      const Status status =
          (*upload)->Append(rpc::MakeChunk(at, bytes.substr(at, crypto::kChunkBytes)));
      if (!status.ok()) return status;
    }
    return Finish(*upload);
  }

  Result<std::shared_ptr<Upload>> BeginUpload(const v1::ResultHeader& header, uint64_t offset = 0) {
    v1::SubmitResultRequest::Start start;
    start.set_epoch(epoch_);
    *start.mutable_header() = header;
    start.set_offset(offset);
    return harness_.Call<std::shared_ptr<Upload>>(
        [&](auto done) { harness_.coordinator->BeginUpload(name_, start, std::move(done)); });
  }

  Result<v1::SubmitResultReply> Finish(const std::shared_ptr<Upload>& upload) {
    return harness_.Call<v1::SubmitResultReply>(
        [&](auto done) { harness_.coordinator->FinishUpload(upload, std::move(done)); });
  }

  Status Fail(const v1::Task& task, const Status& reason) {
    v1::ReportFailureRequest request;
    request.set_epoch(epoch_);
    request.set_task_id(task.task_id());
    request.set_code(static_cast<uint32_t>(reason.code()));
    request.set_message(reason.message());
    return harness_
        .Call<v1::ReportFailureReply>([&](auto done) {
          harness_.coordinator->ReportFailure(name_, request, std::move(done));
        })
        .status();
  }

  const std::string& name() const { return name_; }
  uint64_t epoch() const { return epoch_; }
  void set_epoch(uint64_t epoch) { epoch_ = epoch; }
  uint64_t call() const { return call_; }
  std::vector<int64_t> confirm_;        // sent with the next control call
  std::vector<std::string> kept_runs_;  // named with each poll

 private:
  Harness& harness_;
  const std::string name_;
  uint64_t epoch_ = 0;
  uint64_t call_ = 0;
};

inline v1::HeldTask Held(int64_t task_id, v1::HeldTask::State state) {
  v1::HeldTask held;
  held.set_task_id(task_id);
  held.set_state(state);
  return held;
}

}  // namespace skerry::coordinator
