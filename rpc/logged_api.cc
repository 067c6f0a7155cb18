#include "rpc/logged_api.h"

#include <utility>
#include <vector>

#include "base/text.h"
#include "rpc/answer.h"

namespace skerry::rpc {
namespace {

CallEvent Event(const std::string& site, const char* call, int64_t task_id = 0,
                const std::string& content_hash = "") {
  CallEvent event;
  event.site = site;
  event.call = call;
  event.task_id = task_id;
  event.content_hash = HexEncode(content_hash);
  return event;
}

}  // namespace

Callback<v1::PullTaskReply> LoggedPull(CallLog& log, const std::string& site,
                                       const v1::PullTaskRequest& request,
                                       Callback<v1::PullTaskReply> done) {
  if (request.results().empty()) return Logged(log, Event(site, "PullTask"), std::move(done));
  std::vector<Callback<v1::SubmitResultReply>> ends;
  std::vector<int64_t> tasks;
  for (const v1::SubmitSmallResultRequest& result : request.results()) {
    const v1::ResultHeader& header = result.start().header();
    tasks.push_back(header.task_id());
    ends.push_back(Logged<v1::SubmitResultReply>(
        log, Event(site, "SubmitResult", header.task_id(), header.content_hash()),
        [](const Result<v1::SubmitResultReply>&) {}));
  }
  auto told = [ends = std::move(ends), tasks = std::move(tasks),
               done = std::move(done)](Result<v1::PullTaskReply> reply) {
    for (std::size_t i = 0; i < ends.size(); ++i) ends[i](ReceiptIn(reply, tasks[i]));
    done(std::move(reply));
  };
  return Logged<v1::PullTaskReply>(log, Event(site, "PullTask"), std::move(told));
}

LoggedApi::LoggedApi(CoordinatorApi& api, CallLog& log, std::string site)
    : api_(api), log_(log), site_(std::move(site)) {}

void LoggedApi::Join(v1::JoinRequest request, Callback<v1::JoinReply> done) {
  api_.Join(std::move(request), Logged(log_, Event(site_, "Join"), std::move(done)));
}

void LoggedApi::PullTask(v1::PullTaskRequest request, Callback<v1::PullTaskReply> done) {
  auto logged = LoggedPull(log_, site_, request, std::move(done));
  api_.PullTask(std::move(request), std::move(logged));
}

void LoggedApi::Heartbeat(v1::HeartbeatRequest request, Callback<v1::HeartbeatReply> done) {
  api_.Heartbeat(std::move(request), Logged(log_, Event(site_, "Heartbeat"), std::move(done)));
}

void LoggedApi::QueryUpload(v1::QueryUploadRequest request, Callback<v1::QueryUploadReply> done) {
  CallEvent event = Event(site_, "QueryUpload", request.task_id(), request.content_hash());
  api_.QueryUpload(std::move(request), Logged(log_, std::move(event), std::move(done)));
}

void LoggedApi::ReportFailure(v1::ReportFailureRequest request,
                              Callback<v1::ReportFailureReply> done) {
  CallEvent event = Event(site_, "ReportFailure", request.task_id());
  api_.ReportFailure(std::move(request), Logged(log_, std::move(event), std::move(done)));
}

void LoggedApi::PullModel(v1::PullModelRequest request, std::shared_ptr<ChunkSink> sink,
                          Callback<Done> done) {
  CallEvent event = Event(site_, "PullModel", 0, request.model().content_hash());
  api_.PullModel(std::move(request), std::move(sink),
                 Logged(log_, std::move(event), std::move(done)));
}

void LoggedApi::SubmitResult(v1::SubmitResultRequest::Start start,
                             std::shared_ptr<ChunkSource> source,
                             Callback<v1::SubmitResultReply> done) {
  CallEvent event =
      Event(site_, "SubmitResult", start.header().task_id(), start.header().content_hash());
  api_.SubmitResult(std::move(start), std::move(source),
                    Logged(log_, std::move(event), std::move(done)));
}

}  // namespace skerry::rpc
