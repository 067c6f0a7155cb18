#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/coordinator.h"
#include "in_process_api.h"
#include "rpc/coordinator_api.h"
#include "simulation/event_queue.h"

namespace skerry::disk {

// A client's line to whichever coordinator process is there. When that one dies, the calls under
// way end with UNAVAILABLE, as do calls while there is none.
class Line final : public rpc::CoordinatorApi {
 public:
  Line(simulation::EventQueue& queue, std::string site, std::function<void()> after)
      : queue_(queue), site_(std::move(site)), after_(std::move(after)) {}

  void Connect(coordinator::Coordinator* coordinator) {
    if (api_ != nullptr) old_apis_.push_back(std::move(api_));
    if (coordinator != nullptr) {
      api_ = std::make_unique<simulation::InProcessApi>(queue_, *coordinator, site_, after_);
    }
    for (auto& [call, fail] : pending_) queue_.Post(std::move(fail));
    pending_.clear();
  }

  void Join(v1::JoinRequest request, rpc::Callback<v1::JoinReply> done) override {
    if (auto track = Track(std::move(done))) api_->Join(std::move(request), track);
  }
  void PullTask(v1::PullTaskRequest request, rpc::Callback<v1::PullTaskReply> done) override {
    if (auto track = Track(std::move(done))) api_->PullTask(std::move(request), track);
  }
  void Heartbeat(v1::HeartbeatRequest request, rpc::Callback<v1::HeartbeatReply> done) override {
    if (auto track = Track(std::move(done))) api_->Heartbeat(std::move(request), track);
  }
  void QueryUpload(v1::QueryUploadRequest request,
                   rpc::Callback<v1::QueryUploadReply> done) override {
    if (auto track = Track(std::move(done))) api_->QueryUpload(std::move(request), track);
  }
  void ReportFailure(v1::ReportFailureRequest request,
                     rpc::Callback<v1::ReportFailureReply> done) override {
    if (auto track = Track(std::move(done))) api_->ReportFailure(std::move(request), track);
  }
  void PullModel(v1::PullModelRequest request, std::shared_ptr<rpc::ChunkSink> sink,
                 rpc::Callback<rpc::Done> done) override {
    if (auto track = Track(std::move(done))) {
      api_->PullModel(std::move(request), std::move(sink), track);
    }
  }
  void SubmitResult(v1::SubmitResultRequest::Start start, std::shared_ptr<rpc::ChunkSource> source,
                    rpc::Callback<v1::SubmitResultReply> done) override {
    if (auto track = Track(std::move(done))) {
      api_->SubmitResult(std::move(start), std::move(source), track);
    }
  }

 private:
  // `done`, called once: with the answer, or when the coordinator dies. Null: there is none, and
  // `done` has its answer on the way.
  template <class Reply>
  rpc::Callback<Reply> Track(rpc::Callback<Reply> done) {
    const auto fail = [this, done] {
      done(Unavailable("nobody answers"));
      after_();
    };
    if (api_ == nullptr) {
      queue_.Post(fail);
      return nullptr;
    }
    const uint64_t call = ++last_call_;
    pending_[call] = fail;
    return [this, call, done = std::move(done)](Result<Reply> reply) {
      if (pending_.erase(call) > 0) done(std::move(reply));
    };
  }

  simulation::EventQueue& queue_;
  const std::string site_;
  const std::function<void()> after_;
  std::unique_ptr<simulation::InProcessApi> api_;
  std::vector<std::unique_ptr<simulation::InProcessApi>> old_apis_;  // events for them may come
  std::map<uint64_t, std::function<void()>> pending_;
  uint64_t last_call_ = 0;
};

}  // namespace skerry::disk
