#include "simulation/simulated_runner.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes_file.h"
#include "base/mutex.h"

namespace skerry::simulation {
namespace {

// Progress moves so often in a task, but not more than once in a second.
constexpr int kTicks = 20;

Status Copy(const File& from, File& to) {
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size, from.Size());
  std::string bytes(size, '\0');
  SKERRY_RETURN_IF_ERROR(from.ReadAt(0, bytes).status());
  return to.WriteAt(0, bytes);
}

}  // namespace

// A task under way. The trainer writes to memory and the site's disk gets the result at the end,
// where it matters when.
struct SimulatedRunner::Job {
  std::shared_ptr<const client::WorkOrder> order;
  std::function<void(Result<client::WorkDone>)> done;
  std::shared_ptr<const Life> life;
  std::shared_ptr<BytesFile> bytes;
  std::shared_ptr<BytesFile> state = std::make_shared<BytesFile>();
  Duration length{0};
  Duration worked{0};

  Mutex mutex;
  ConditionVariable ready;
  std::unique_ptr<Result<client::WorkDone>> result SKERRY_GUARDED_BY(mutex);

  // `at_once`: straight to the site's disk, and hashed as an agent's runner does.
  void Train(client::Trainer& trainer, bool at_once) {
    if (at_once) {
      Result<client::WorkDone> trained = trainer.Run(*order);
      const bool seals = trained.ok() && trained->header.content_hash().empty();
      if (seals) static_cast<void>(client::Seal(*order, *trained).ok());
      return Note(std::move(trained));
    }
    bytes = std::make_shared<BytesFile>();
    client::WorkOrder own = *order;
    own.result = bytes;
    if (own.next_state != nullptr) own.next_state = state;
    own.progress = std::make_shared<client::WorkProgress>();
    Note(trainer.Run(own));
  }

  void Note(Result<client::WorkDone> trained) {
    MutexLock lock(mutex);
    result = std::make_unique<Result<client::WorkDone>>(std::move(trained));
    ready.NotifyAll();
  }

  // Both wait for the trainer. The result can be taken once.
  int64_t NumExamples() {
    MutexLock lock(mutex);
    while (result == nullptr) ready.Wait(mutex);
    return result->ok() ? (*result)->num_examples : 0;
  }
  Result<client::WorkDone> Take() {
    MutexLock lock(mutex);
    return std::move(*result);
  }
};

void SimulatedRunner::Start(std::shared_ptr<const client::WorkOrder> order,
                            std::function<void(Result<client::WorkDone>)> done) {
  auto job = std::make_shared<Job>();
  job->order = std::move(order);
  job->done = std::move(done);
  job->life = host_.life();
  if (host_.lane() != kCommonLane) {  // which has a thread
    job->Train(trainer_, true);
    return Begin(job);
  }
  if (pool_ == nullptr) {
    job->Train(trainer_, false);
  } else {
    pool_->Post([this, job] { job->Train(trainer_, false); });
  }
  world_.queue().PostLast([this, job] { Begin(job); });
}

void SimulatedRunner::Begin(const std::shared_ptr<Job>& job) {
  job->length = task_time_(*job->order->task, job->NumExamples());
  job->order->progress->total = kTicks;
  const Duration tick = std::max<Duration>(job->length / kTicks, 1s);
  Tick(job, host_.clock().Now() + std::min(tick, job->length));
}

// The next piece of work is done at `due`, a time of the machine's own clock.
void SimulatedRunner::Tick(const std::shared_ptr<Job>& job, Timestamp due) {
  auto event = [this, job = job, due] {  // not const, so that it can be moved
    if (!job->life->alive) return;       // and perhaps its host is gone
    host_.Run(job->life, [this, job, due] {
      if (job->order->stop.stop_requested()) return job->done(Cancelled("the task was dropped"));
      if (host_.clock().Now() < due) return Tick(job, due);  // the machine has slept
      if (const auto until = StuckUntil()) {
        return Tick(job, host_.clock().Now() + (*until - world_.Now()));
      }
      const Duration tick = std::max<Duration>(job->length / kTicks, 1s);
      job->worked += std::min(tick, job->length - job->worked);
      if (job->worked >= job->length) return Finish(job);
      job->order->progress->done = kTicks * job->worked / job->length;
      Tick(job, host_.clock().Now() + std::min(tick, job->length - job->worked));
    });
  };
  world_.queue().PostAt(host_.clock().ToWorld(due), std::move(event), host_.lane());
}

void SimulatedRunner::Finish(const std::shared_ptr<Job>& job) {
  Result<client::WorkDone> result = job->Take();
  if (!result.ok() || job->bytes == nullptr) {
    job->order->progress->done = kTicks;
    return job->done(std::move(result));
  }
  Status status = Copy(*job->bytes, *job->order->result);
  if (status.ok() && result->has_next_state) status = Copy(*job->state, *job->order->next_state);
  job->order->progress->done = kTicks;
  if (!status.ok()) return job->done(std::move(status));
  job->done(std::move(result));
}

std::optional<Timestamp> SimulatedRunner::StuckUntil() const {
  const Duration now = world_.Now().since_origin;
  for (const Window& window : stuck_) {
    if (now >= window.from && now < window.from + window.length) {
      return Timestamp{window.from + window.length};
    }
  }
  return std::nullopt;
}

}  // namespace skerry::simulation
