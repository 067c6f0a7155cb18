#include "coordinator/grpc/admin_service.h"

#include <utility>

#include "coordinator/grpc/calls.h"

namespace skerry::coordinator {

Result<std::string> AdminService::AdminOf(const grpc::CallbackServerContext& context) const {
  SKERRY_RETURN_IF_ERROR(door_.Enter());
  return authenticator_.AdminOf(context);
}

template <class Reply>
grpc::ServerUnaryReactor* AdminService::Answer(grpc::CallbackServerContext* context, Reply* reply,
                                               std::function<void(rpc::Callback<Reply>)> handle) {
  const Result<std::string> admin = AdminOf(*context);
  if (!admin.ok()) return FailWith(context, admin.status());
  return AnswerOn<Reply>(loop_, context, reply, std::move(handle));
}

grpc::ServerUnaryReactor* AdminService::SubmitRun(grpc::CallbackServerContext* context,
                                                  const v1::SubmitRunRequest* request,
                                                  v1::SubmitRunReply* reply) {
  return Answer<v1::SubmitRunReply>(context, reply, [this, request](auto done) {
    coordinator_.SubmitRun(*request, std::move(done));
  });
}

grpc::ServerUnaryReactor* AdminService::ListRuns(grpc::CallbackServerContext* context,
                                                 const v1::ListRunsRequest* /*request*/,
                                                 v1::ListRunsReply* reply) {
  return Answer<v1::ListRunsReply>(context, reply,
                                   [this](auto done) { coordinator_.ListRuns(std::move(done)); });
}

grpc::ServerUnaryReactor* AdminService::ShowRun(grpc::CallbackServerContext* context,
                                                const v1::ShowRunRequest* request,
                                                v1::ShowRunReply* reply) {
  return Answer<v1::ShowRunReply>(context, reply, [this, request](auto done) {
    coordinator_.ShowRun(*request, std::move(done));
  });
}

// Held, but a watcher that goes away is simply answered in vain.
grpc::ServerUnaryReactor* AdminService::WatchRun(grpc::CallbackServerContext* context,
                                                 const v1::WatchRunRequest* request,
                                                 v1::WatchRunReply* reply) {
  return Answer<v1::WatchRunReply>(context, reply, [this, request](auto done) {
    coordinator_.WatchRun(*request, std::move(done));
  });
}

grpc::ServerUnaryReactor* AdminService::StopRun(grpc::CallbackServerContext* context,
                                                const v1::StopRunRequest* request,
                                                v1::StopRunReply* reply) {
  return Answer<v1::StopRunReply>(context, reply, [this, request](auto done) {
    coordinator_.StopRun(request->run_id(), std::move(done));
  });
}

grpc::ServerUnaryReactor* AdminService::ResumeRun(grpc::CallbackServerContext* context,
                                                  const v1::ResumeRunRequest* request,
                                                  v1::ResumeRunReply* reply) {
  return Answer<v1::ResumeRunReply>(context, reply, [this, request](auto done) {
    coordinator_.ResumeRun(request->run_id(), std::move(done));
  });
}

grpc::ServerUnaryReactor* AdminService::ExportHistory(grpc::CallbackServerContext* context,
                                                      const v1::ExportHistoryRequest* request,
                                                      v1::ExportHistoryReply* reply) {
  return Answer<v1::ExportHistoryReply>(context, reply, [this, request](auto done) {
    coordinator_.ExportHistory(request->run_id(), std::move(done));
  });
}

grpc::ServerUnaryReactor* AdminService::ListSites(grpc::CallbackServerContext* context,
                                                  const v1::ListSitesRequest* /*request*/,
                                                  v1::ListSitesReply* reply) {
  return Answer<v1::ListSitesReply>(context, reply,
                                    [this](auto done) { coordinator_.ListSites(std::move(done)); });
}

// The reference first, then the chunks, read on the disk threads.
class AdminService::ExportModelCall final : public grpc::ServerWriteReactor<v1::ExportModelReply> {
 public:
  ExportModelCall(AdminService& service, const Result<std::string>& admin,
                  const v1::ExportModelRequest* request)
      : service_(service) {
    if (!admin.ok()) {
      Finish(rpc::ToGrpc(admin.status()));
      return;
    }
    service_.loop_.Post([this, request] {
      service_.coordinator_.ExportModel(*request, [this](Result<Coordinator::ExportedModel> model) {
        if (!model.ok()) return Finish(rpc::ToGrpc(model.status()));
        chunks_ = std::move(model->chunks);
        *message_.mutable_model() = std::move(model->model);
        StartWrite(&message_);
      });
    });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    service_.disk_.Post([this] {
      Result<std::optional<v1::Chunk>> chunk = chunks_->Next();
      if (!chunk.ok()) return Finish(rpc::ToGrpc(chunk.status()));
      if (!chunk->has_value()) return Finish(grpc::Status::OK);
      message_.clear_model();
      *message_.mutable_chunk() = **std::move(chunk);
      StartWrite(&message_);
    });
  }
  void OnDone() override { delete this; }

 private:
  AdminService& service_;
  std::shared_ptr<rpc::ChunkSource> chunks_;  // as the coordinator hands it out
  v1::ExportModelReply message_;
};

grpc::ServerWriteReactor<v1::ExportModelReply>* AdminService::ExportModel(
    grpc::CallbackServerContext* context, const v1::ExportModelRequest* request) {
  return new ExportModelCall(*this, AdminOf(*context), request);
}

}  // namespace skerry::coordinator
