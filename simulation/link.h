#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rpc/coordinator_api.h"
#include "simulation/coordinator_host.h"
#include "simulation/evidence.h"

namespace skerry::simulation {

// One site's line to the coordinator, with all that lines do: messages are late, overtake each
// other, get lost or arrive twice; the line breaks, and each side notices in its own time. It
// outlives the processes at both ends; what they had under way goes on or breaks as it would
// between machines.
class Link final : public rpc::CoordinatorApi {
 public:
  // `evidence` may be null.
  Link(World& world, CoordinatorHost& coordinator, Host& client, const LinkFaults& faults,
       Evidence* evidence);

  // Begins what the plan has in store.
  void Start();
  void ClientDied(bool power_loss);
  void CoordinatorDied(bool power_loss);
  // Nothing gets through for so long.
  void GoDown(Duration length);
  bool up() const { return world_.Now() >= down_until_; }

  void Join(v1::JoinRequest request, rpc::Callback<v1::JoinReply> done) override;
  void PullTask(v1::PullTaskRequest request, rpc::Callback<v1::PullTaskReply> done) override;
  void PullApart(v1::PullTaskRequest request, rpc::Callback<rpc::PulledTask> done) override;
  void Heartbeat(v1::HeartbeatRequest request, rpc::Callback<v1::HeartbeatReply> done) override;
  void QueryUpload(v1::QueryUploadRequest request,
                   rpc::Callback<v1::QueryUploadReply> done) override;
  void ReportFailure(v1::ReportFailureRequest request,
                     rpc::Callback<v1::ReportFailureReply> done) override;
  void PullModel(v1::PullModelRequest request, std::shared_ptr<rpc::ChunkSink> sink,
                 rpc::Callback<rpc::Done> done) override;
  void SubmitResult(v1::SubmitResultRequest::Start start, std::shared_ptr<rpc::ChunkSource> source,
                    rpc::Callback<v1::SubmitResultReply> done) override;

 private:
  using Event = std::function<void()>;
  using LifePtr = std::shared_ptr<const Life>;
  using Source = std::shared_ptr<rpc::ChunkSource>;
  using UploadPtr = std::shared_ptr<coordinator::Upload>;

  // A call from its beginning until the client has an answer or a failure.
  struct Call {
    std::string name;
    LifePtr client;
    LifePtr server;
    bool over = false;
    std::vector<uint64_t> held;  // ids of the copies that the coordinator has not answered
    std::function<void(Status)> fail;
  };
  using CallPtr = std::shared_ptr<Call>;
  template <class Reply>
  struct TypedCall : Call {
    rpc::Callback<Reply> done;
    // On its way over an ideal line, which brings one answer: so that events carry a pointer.
    std::optional<Result<Reply>> reply;
  };
  // Likewise of the request, which an ideal line brings once.
  template <class Reply, class Handle>
  struct HandledCall final : TypedCall<Reply> {
    explicit HandledCall(Handle h) : handle(std::move(h)) {}
    Handle handle;
  };
  template <class Reply>
  using TypedCallPtr = std::shared_ptr<TypedCall<Reply>>;
  template <class Reply>
  TypedCallPtr<Reply> Begin(const char* name, rpc::Callback<Reply> done);
  template <class Reply>
  void BeginWith(const TypedCallPtr<Reply>& call, const char* name, rpc::Callback<Reply> done);
  // `handle` holds the request, and is called with the coordinator, the call's id and a callback.
  template <class Reply, class Handle>
  void Unary(const char* name, bool held, rpc::Callback<Reply> done, Handle handle);
  template <class Reply, class Handle>
  void Deliver(const TypedCallPtr<Reply>& call, bool held, Handle handle);
  template <class Reply>
  void Answer(const TypedCallPtr<Reply>& call, Result<Reply> reply);
  template <class Reply>
  void HearAnswer(TypedCall<Reply>& call, Result<Reply> reply);
  // False: the call fails.
  bool CanSend(const CallPtr& call);
  void Send(const CallPtr& call, Event arrive, Lane lane = kCommonLane);
  // Again, after a while, when the plan says so; nobody hears if it is lost.
  void MaybeRepeat(const CallPtr& call, const Event& arrive);
  void Fail(const CallPtr& call, Duration after, const std::string& why);
  void CallBroken(const CallPtr& call, uint64_t id, Duration after);

  void NextModelChunk(const TypedCallPtr<rpc::Done>& call, const Source& source,
                      const std::shared_ptr<rpc::ChunkSink>& sink);
  using SubmitCallPtr = TypedCallPtr<v1::SubmitResultReply>;
  void BeginUpload(const SubmitCallPtr& call, const v1::SubmitResultRequest::Start& start,
                   const Source& source);
  void NextUploadChunk(const SubmitCallPtr& call, const Source& source, const UploadPtr& upload);
  void SubmitSmall(const SubmitCallPtr& call, v1::SubmitResultRequest::Start start,
                   rpc::ChunkSource& source);
  void UploadAtOnce(const SubmitCallPtr& call, const Source& source, const UploadPtr& upload);
  void UploadSent(const SubmitCallPtr& call, const UploadPtr& upload);
  void UploadBroke(const SubmitCallPtr& call, const UploadPtr& upload);

  // A message of so many bytes: one of the two happens, later or (lost) at once. The arrival is an
  // event of `lane`.
  void Transmit(std::size_t bytes, Event arrive, Event lost, Lane lane = kCommonLane);
  void Arrive(Event arrive, Event lost);
  bool Happens(double chance);
  void LoseTouch(Duration length);
  void BreakAll();
  void PlanNextOutage();

  void Observe(const v1::JoinReply& reply) { Hear(reply.verdicts()); }
  void Observe(const rpc::PulledTask& pulled);
  void Observe(const v1::HeartbeatReply& reply) { Hear(reply.verdicts()); }
  void Observe(const v1::SubmitResultReply& reply);
  template <class Reply>
  void Observe(const Reply& /*reply*/) {}
  void Hear(const google::protobuf::RepeatedPtrField<v1::Verdict>& verdicts);

  World& world_;
  CoordinatorHost& coordinator_;
  Host& client_;
  const LinkFaults& faults_;
  Evidence* const evidence_;
  const bool ideal_;  // whatever is sent is there at once
  RandomStream chance_;
  Timestamp down_until_;
  std::vector<CallPtr> calls_;  // that are not over, and some that are
};

}  // namespace skerry::simulation
