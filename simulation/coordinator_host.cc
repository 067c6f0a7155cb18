#include "simulation/coordinator_host.h"

#include <algorithm>
#include <utility>

namespace skerry::simulation {
namespace {

// How often the daemon looks whether there is room again.
constexpr Duration kRoomRetry = 1s;
constexpr Duration kRestart = 5s;

}  // namespace

// The coordinator's own thread.
class CoordinatorHost::Loop final : public Executor {
 public:
  Loop(CoordinatorHost& host, std::shared_ptr<const Life> life)
      : host_(host), life_(std::move(life)) {}
  void Post(std::function<void()> task) override {
    host_.world().queue().Post([this, life = life_, task = std::move(task)] {
      if (life->alive) host_.Call(life, [task](coordinator::Coordinator&) { task(); });
    });
  }

 private:
  CoordinatorHost& host_;
  const std::shared_ptr<const Life> life_;
};

// Its other threads, which take the time that the plan says.
class CoordinatorHost::Compute final : public Executor {
 public:
  Compute(CoordinatorHost& host, std::shared_ptr<const Life> life)
      : host_(host), life_(std::move(life)) {}
  void Post(std::function<void()> task) override {
    const Duration most = host_.world().plan().compute_time;
    if (most <= Duration{0} && host_.compute_lane_ == kCommonLane) return task();
    if (most <= Duration{0}) {
      return host_.world().queue().PostAt(host_.world().Now(), std::move(task),
                                          host_.compute_lane_);
    }
    host_.world().After(Between(host_.chance(), Duration{0}, most),
                        [this, life = life_, task = std::move(task)] {
                          if (life->alive) host_.Run(life, task);
                        });
  }

 private:
  CoordinatorHost& host_;
  const std::shared_ptr<const Life> life_;
};

CoordinatorHost::CoordinatorHost(World& world, coordinator::CoordinatorOptions options,
                                 Lane compute_lane)
    : Host(world, "coordinator", world.plan().coordinator),
      options_(std::move(options)),
      compute_lane_(compute_lane) {}

CoordinatorHost::~CoordinatorHost() = default;

Status CoordinatorHost::Boot() {
  files_ = std::make_unique<HostFiles>(disk(), troubles(), life());
  host_journal_ = std::make_unique<HostJournal>(
      journal_, troubles(), life(), [this](const storage::EventRecord& event) { Heard(event); });
  loop_ = std::make_unique<Loop>(*this, life());
  compute_ = std::make_unique<Compute>(*this, life());
  waits_for_room_ = false;
  SKERRY_RETURN_IF_ERROR(files_->MakeDirectories(options_.state_dir));
  coordinator::CoordinatorOptions options = options_;
  options.on_fatal = [this](const Status& status) {
    Kill(kRestart, false, "ends itself: " + status.message());
  };
  SKERRY_ASSIGN_OR_RETURN(coordinator_, coordinator::Coordinator::Open(
                                            {own_clock(), *files_, *host_journal_, journal_, *loop_,
                                             inline_executor_, *compute_, inline_executor_},
                                            std::move(options)));
  return OkStatus();
}

void CoordinatorHost::Heard(const storage::EventRecord& event) {
  if (!world().traced()) return;
  std::string line = "round " + std::to_string(event.round) + " " + event.code;
  if (!event.site.empty()) line += " " + event.site;
  world().Trace(name(), line + (event.message.empty() ? "" : ": " + event.message));
}

void CoordinatorHost::Bury() {
  coordinator_.reset();
  backlog_.clear();
}

void CoordinatorHost::Flush() {
  if (!up() || asleep() || coordinator_ == nullptr) return;
  if (waits_for_room_ && world().Now() < next_try_) return;
  Status status;
  Run(life(), [&] { status = coordinator_->Flush(); });
  if (!up()) return;
  if (status.ok()) return RunBacklog();
  if (status.code() != Code::kResourceExhausted) {
    return Kill(kRestart, false, "ends itself: " + status.message());
  }
  if (!std::exchange(waits_for_room_, true)) world().Trace(name(), "waits for room on the disk");
  next_try_ = world().Now() + kRoomRetry;
}

void CoordinatorHost::RunBacklog() {
  if (!std::exchange(waits_for_room_, false)) return;
  std::vector<Task> tasks;
  tasks.swap(backlog_);
  for (Task& task : tasks) Call(life(), std::move(task));
  // What they staged is committed with the next step, which is now.
  world().queue().Post([] {});
}

std::optional<Timestamp> CoordinatorHost::NextDue() const {
  if (!up() || asleep() || coordinator_ == nullptr) return std::nullopt;
  if (waits_for_room_) return next_try_;
  const std::optional<Timestamp> due = coordinator_->NextDue();
  if (!due) return std::nullopt;
  return clock().ToWorld(*due);
}

}  // namespace skerry::simulation
