#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes_file.h"
#include "rpc/answer.h"
#include "rpc/chunks.h"
#include "rpc/coordinator_api.h"

namespace skerry::client {

// The calls of one method. Each is held until a test answers it.
template <class Request, class Reply>
class HeldCalls {
 public:
  void Add(Request request, rpc::Callback<Reply> done) {
    calls_.push_back({std::move(request), std::move(done)});
  }

  // How many were ever made, and how many wait for an answer.
  std::size_t made() const { return calls_.size(); }
  std::size_t held() const {
    std::size_t count = 0;
    for (const Call& call : calls_) count += call.done == nullptr ? 0 : 1;
    return count;
  }
  const Request& request(std::size_t i) const { return calls_.at(i).request; }
  const Request& last() const { return calls_.at(calls_.size() - 1).request; }

  void Answer(std::size_t i, Result<Reply> reply) {
    ASSERT_LT(i, calls_.size()) << "there is no such call";
    ASSERT_NE(calls_[i].done, nullptr) << "a call is answered once";
    const rpc::Callback<Reply> done = std::exchange(calls_[i].done, nullptr);
    done(std::move(reply));
  }
  void AnswerLast(Result<Reply> reply) { Answer(calls_.size() - 1, std::move(reply)); }

  // As the wire, which keeps nothing of a call that has ended.
  void ForgetLast() { calls_.back() = {}; }
  // Their caller is dead: nobody hears the answers.
  void Forget() {
    for (Call& call : calls_) call.done = nullptr;
  }

 private:
  struct Call {
    Request request;
    rpc::Callback<Reply> done;
  };
  std::vector<Call> calls_;
};

struct UploadCall {
  v1::SubmitResultRequest::Start start;
  std::shared_ptr<rpc::ChunkSource> chunks;
};
struct DownloadCall {
  v1::PullModelRequest request;
  std::shared_ptr<rpc::ChunkSink> sink;
};

// A coordinator that does nothing by itself.
class FakeCoordinator final : public rpc::CoordinatorApi {
 public:
  void Join(v1::JoinRequest request, rpc::Callback<v1::JoinReply> done) override {
    joins.Add(std::move(request), std::move(done));
  }
  void PullTask(v1::PullTaskRequest request, rpc::Callback<v1::PullTaskReply> done) override {
    if (takes_results_apart && request.results_size() == 1) return TakeApart(request, done);
    pulls.Add(std::move(request), std::move(done));
  }
  void Heartbeat(v1::HeartbeatRequest request, rpc::Callback<v1::HeartbeatReply> done) override {
    beats.Add(std::move(request), std::move(done));
  }
  void QueryUpload(v1::QueryUploadRequest request,
                   rpc::Callback<v1::QueryUploadReply> done) override {
    queries.Add(std::move(request), std::move(done));
  }
  void ReportFailure(v1::ReportFailureRequest request,
                     rpc::Callback<v1::ReportFailureReply> done) override {
    failures.Add(std::move(request), std::move(done));
  }
  void PullModel(v1::PullModelRequest request, std::shared_ptr<rpc::ChunkSink> sink,
                 rpc::Callback<rpc::Done> done) override {
    downloads.Add({std::move(request), std::move(sink)}, std::move(done));
  }
  void SubmitResult(v1::SubmitResultRequest::Start start, std::shared_ptr<rpc::ChunkSource> source,
                    rpc::Callback<v1::SubmitResultReply> done) override {
    uploads.Add({std::move(start), std::move(source)}, std::move(done));
  }

  // A poll that brings a result is an upload, and over when the test answers that: so tests of
  // uploads hold for every way that a result may take.
  bool takes_results_apart = true;

  std::size_t num_control_calls() const { return joins.made() + pulls.made() + beats.made(); }
  void Forget() {
    joins.Forget();
    pulls.Forget();
    beats.Forget();
    queries.Forget();
    failures.Forget();
    downloads.Forget();
    uploads.Forget();
  }

  HeldCalls<v1::JoinRequest, v1::JoinReply> joins;
  HeldCalls<v1::PullTaskRequest, v1::PullTaskReply> pulls;
  HeldCalls<v1::HeartbeatRequest, v1::HeartbeatReply> beats;
  HeldCalls<v1::QueryUploadRequest, v1::QueryUploadReply> queries;
  HeldCalls<v1::ReportFailureRequest, v1::ReportFailureReply> failures;
  HeldCalls<DownloadCall, rpc::Done> downloads;
  HeldCalls<UploadCall, v1::SubmitResultReply> uploads;

 private:
  void TakeApart(const v1::PullTaskRequest& request, const rpc::Callback<v1::PullTaskReply>& done) {
    const v1::SubmitSmallResultRequest& result = request.results(0);
    auto bytes = std::make_shared<BytesFile>(result.contents());
    SubmitResult(
        result.start(), rpc::ReadChunks(std::move(bytes), 0, nullptr),
        [done, id = result.start().header().task_id()](const Result<v1::SubmitResultReply>& r) {
          // What says something about the session is the answer to the poll itself.
          if (!r.status().detail().empty()) return done(r.status());
          v1::PullTaskReply reply;
          reply.mutable_wait();
          *reply.add_answers() = rpc::AnswerTo(id, r);
          done(reply);
        });
  }
};

}  // namespace skerry::client
