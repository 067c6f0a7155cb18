#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes_file.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory_files.h"
#include "coordinator/coordinator.h"
#include "rpc/chunks.h"
#include "simulation/event_queue.h"
#include "storage/memory_journal.h"

// A site may send any message at any time, in any order. Whatever it does, the coordinator answers
// every call at most once, commits what it staged, and goes on; a model that it makes is finite.
//
// input := (kind, length / 8, bytes[length])*: kinds are those of Play(). Most bytes are a protobuf
// message; what the site cannot guess (epoch, task, hashes) is filled in where the kind says so.
namespace skerry::coordinator {
namespace {

constexpr const char* kRunFile =
    "[run]\nname = \"t\"\nnum_rounds = 3\n[data]\nsource = \"s\"\nfeatures = [\"x\"]\n"
    "label = \"z\"\nstandardize = false\nsplit = { train = 0.5, test = 0.5 }\n"
    "[model]\nkind = \"logistic\"\n[training]\nlearning_rate = 0.1\n"
    "[participation]\nsites = [\"a\"]\n[keep]\nupdates = 1\n";

class World {
 public:
  World() {
    SKERRY_CHECK(files_.MakeDirectories("state").ok());
    Start();
    SKERRY_CHECK(
        coordinator_->SubmitPlan(ParseRunFile(kRunFile, "run.toml").value(), nullptr).ok());
    Settle();
    v1::JoinRequest join;
    join.set_protocol(rpc::kProtocolVersion);
    Join(join);
    Pull({});
    SKERRY_CHECK(task_.task_id() != 0);
  }

  void Play(uint8_t kind, const std::string& bytes) {
    switch (kind % 13) {
      case 0:
        return Join(Parsed<v1::JoinRequest>(bytes));
      case 1:
        return Pull(Parsed<v1::PullTaskRequest>(bytes));
      case 2: {
        auto request = Parsed<v1::HeartbeatRequest>(bytes);
        request.set_epoch(epoch_);
        coordinator_->Heartbeat("a", ++call_, request, Once<v1::HeartbeatReply>());
        return Settle();
      }
      case 3: {
        auto request = Parsed<v1::QueryUploadRequest>(bytes);
        if (request.epoch() == 0) request.set_epoch(epoch_);
        if (request.task_id() == 0) request.set_task_id(task_.task_id());
        coordinator_->QueryUpload("a", request, Once<v1::QueryUploadReply>());
        return Settle();
      }
      case 4: {
        auto request = Parsed<v1::ReportFailureRequest>(bytes);
        request.set_epoch(epoch_);
        if (request.task_id() == 0) request.set_task_id(task_.task_id());
        coordinator_->ReportFailure("a", request, Once<v1::ReportFailureReply>());
        return Settle();
      }
      case 5:
        return Begin(Parsed<v1::SubmitResultRequest::Start>(bytes));
      case 6:
        if (upload_ != nullptr) static_cast<void>(upload_->Append(Parsed<v1::Chunk>(bytes)).ok());
        return;
      case 7:
        return Finish();
      case 8:
        return SubmitWhole(bytes);
      case 9:
        coordinator_->CallBroken("a", call_ - bytes.size() % 2);
        return Settle();
      case 10:
        return Wait(Duration(1s) * static_cast<int64_t>(bytes.size()) * 40);
      case 11:
        return Restart();
      default: {
        auto request = Parsed<v1::PullModelRequest>(bytes);
        if (request.epoch() == 0) request.set_epoch(epoch_);
        if (!request.has_model()) *request.mutable_model() = task_.model();
        coordinator_->OpenModel("a", request, [](auto chunks) {
          if (chunks.ok()) static_cast<void>((*chunks)->Next().ok());
        });
        return Settle();
      }
    }
  }

  // Whatever happened, the run can still be shown, and what it made can be taken.
  void CheckEnd() {
    v1::ShowRunRequest request;
    request.set_run_id("t-1");
    bool shown = false;
    coordinator_->ShowRun(request, [&](const auto& reply) { shown = reply.ok(); });
    Settle();
    SKERRY_CHECK(shown);
    v1::ExportModelRequest newest;
    newest.set_run_id("t-1");
    newest.set_version(-1);
    std::string file;
    coordinator_->ExportModel(newest, [&](const Result<Coordinator::ExportedModel>& model) {
      if (model.ok()) file = model->chunks->Next().value()->data();
    });
    Settle();
    std::array<float, 2> parameters{};  // the end of the file: weight and bias
    SKERRY_CHECK(file.size() > sizeof(parameters));
    std::memcpy(parameters.data(), file.data() + file.size() - sizeof(parameters),
                sizeof(parameters));
    SKERRY_CHECK(std::isfinite(parameters[0]) && std::isfinite(parameters[1]));
  }

 private:
  template <class Message>
  static Message Parsed(const std::string& bytes) {
    Message message;
    if (!message.ParseFromString(bytes)) message.Clear();
    return message;
  }

  template <class Reply>
  rpc::Callback<Reply> Once() {
    return [answered = std::make_shared<bool>(false)](const Result<Reply>&) {
      SKERRY_CHECK(!std::exchange(*answered, true));
    };
  }

  void Start() {
    CoordinatorOptions options;
    options.state_dir = "state";
    options.on_fatal = [](const Status&) { SKERRY_CHECK(false); };
    coordinator_ =
        Coordinator::Open({clock_, files_, journal_, journal_, queue_, inline_, inline_, inline_},
                          std::move(options))
            .value();
    Settle();
  }

  void Restart() {
    coordinator_.reset();
    upload_ = nullptr;
    queue_.RunDue();
    Start();
  }

  void Settle() {
    do {
      SKERRY_CHECK(coordinator_->Flush().ok());
    } while (queue_.RunDue());
  }

  void Wait(Duration time) {
    const Timestamp end = clock_.Now() + time;
    for (auto due = coordinator_->NextDue(); due && *due <= end; due = coordinator_->NextDue()) {
      clock_.AdvanceTo(std::max(*due, clock_.Now() + Duration(1)));
      Settle();
    }
    clock_.AdvanceTo(end);
    Settle();
  }

  void Join(v1::JoinRequest request) {
    if (request.protocol() == 0) request.set_protocol(rpc::kProtocolVersion);
    coordinator_->Join("a", request, [this](const Result<v1::JoinReply>& reply) {
      if (reply.ok() && reply->epoch() != 0) epoch_ = reply->epoch();
    });
    Settle();
  }

  void Pull(v1::PullTaskRequest request) {
    if (request.epoch() == 0) request.set_epoch(epoch_);
    coordinator_->PullTask("a", ++call_, request, [this](const Result<v1::PullTaskReply>& reply) {
      if (reply.ok() && reply->has_task()) task_ = reply->task();
    });
    Settle();
  }

  void Begin(v1::SubmitResultRequest::Start start) {
    if (start.epoch() == 0) start.set_epoch(epoch_);
    v1::ResultHeader& header = *start.mutable_header();
    const auto layout = learning::ResultLayout::FromProto(task_.result_layout());
    SKERRY_CHECK(layout.ok());
    if (header.task_id() == 0) header.set_task_id(task_.task_id());
    if (header.layout_hash().empty()) {
      header.set_layout_hash(std::string(rpc::LayoutHash(*layout).view()));
    }
    if (header.size_bytes() == 0)
      header.set_size_bytes(static_cast<uint64_t>(layout->size_bytes()));
    coordinator_->BeginUpload("a", start, [this](const Result<std::shared_ptr<Upload>>& upload) {
      upload_ = upload.ok() ? *upload : nullptr;
    });
    Settle();
  }

  void Finish() {
    if (upload_ == nullptr) return;
    coordinator_->FinishUpload(std::exchange(upload_, nullptr), Once<v1::SubmitResultReply>());
    Settle();
  }

  // A result of these bytes, as long as it must be, with every hash right.
  void SubmitWhole(std::string bytes) {
    const auto layout = learning::ResultLayout::FromProto(task_.result_layout());
    SKERRY_CHECK(layout.ok());
    const int64_t num_examples = 1 + static_cast<int64_t>(bytes.size());
    bytes.resize(static_cast<std::size_t>(layout->size_bytes()));
    v1::SubmitResultRequest::Start start;
    v1::ResultHeader& header = *start.mutable_header();
    header.set_task_id(task_.task_id());
    header.set_layout_hash(std::string(rpc::LayoutHash(*layout).view()));
    header.set_size_bytes(bytes.size());
    header.set_num_examples(num_examples);
    header.set_content_hash(std::string(rpc::ResultHash(header, BytesFile(bytes)).value().view()));
    Begin(start);
    if (upload_ == nullptr) return;
    SKERRY_CHECK(upload_->Append(rpc::MakeChunk(0, bytes)).ok());
    Finish();
  }

  ManualClock clock_{WallTime{1'700'000'000'000}};
  simulation::EventQueue queue_{clock_};
  MemoryFiles files_;
  storage::MemoryJournal journal_{"coordinator-id"};
  InlineExecutor inline_;
  std::unique_ptr<Coordinator> coordinator_;
  std::shared_ptr<Upload> upload_;
  uint64_t epoch_ = 0;
  uint64_t call_ = 0;
  v1::Task task_;
};

void Try(std::string_view input) {
  World world;
  while (input.size() >= 2) {
    const auto kind = static_cast<uint8_t>(input[0]);
    const std::size_t length = std::size_t{8} * static_cast<uint8_t>(input[1]);
    input.remove_prefix(2);
    const std::string_view bytes = input.substr(0, length);
    input.remove_prefix(bytes.size());
    world.Play(kind, std::string(bytes));
  }
  world.CheckEnd();
}

}  // namespace
}  // namespace skerry::coordinator

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size) {
  skerry::coordinator::Try({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
