#include "simulation/host.h"

#include <utility>

#include "base/text.h"

namespace skerry::simulation {
namespace {

// After a death that no plan gave a length to: what a service manager waits.
constexpr Duration kRestart = 5s;

}  // namespace

Host::Host(World& world, std::string name, const MachineFaults& faults, Lane lane)
    : world_(world),
      name_(std::move(name)),
      faults_(faults),
      lane_(lane),
      clock_(world.clock()),
      chance_(world.Chance(name_, 1)) {
  troubles_.survives = [this] { return Survives(); };
  troubles_.sync_fails = [this] {
    if (faults_.failed_sync == 0 || world_.Calm()) return false;
    return chance_.Uniform() < faults_.failed_sync;
  };
}

// Events that still come find its process dead.
Host::~Host() {
  if (life_ != nullptr) life_->alive = false;
}

Status Host::Start() {
  PlanTheFuture();
  const Status status = TryBoot();
  return life_->alive ? status : OkStatus();
}

// ---- Life and death ----------------------------------------------------------------------------

void Host::Postpone(const std::shared_ptr<const Life>& life, std::function<void()> step) {
  asleep_steps_.push_back([this, life, step = std::move(step)] { Run(life, step); });
}

void Host::EndStep(const std::shared_ptr<const Life>& life) {
  if (depth_ == 1 && life->alive) AfterStep();
  --depth_;
  if (depth_ == 0 && !life->alive) Reap();
}

void Host::Kill(Duration down, bool power_loss, std::string_view why) {
  if (!up()) return;
  if (world_.traced()) {
    world_.Trace(name_, std::string(why) + (power_loss ? ", power lost" : "") + ", down for " +
                            FormatDuration(down));
  }
  life_->alive = false;
  down_ = down;
  power_lost_ = power_loss;
  if (depth_ == 0) Reap();
}

// At a step that changes the disk.
bool Host::Survives() {
  if (!life_->alive) return false;
  if (faults_.crash_per_write == 0 || world_.Calm()) return true;
  if (chance_.Uniform() >= faults_.crash_per_write) return true;
  Kill(UntilNext(chance_, faults_.crash_for), chance_.Uniform() < faults_.power_loss,
       "killed at a write");
  return false;
}

// The process is dead and nothing of it is on the stack any more.
void Host::Reap() {
  if (std::exchange(buried_, true)) return;
  ++deaths_;
  asleep_steps_.clear();
  Bury();
  if (power_lost_) {
    disk_.PowerLoss(chance_);
    LosePower(chance_);
  }
  if (faults_.flipped_bit > 0 && !world_.Calm() && chance_.Uniform() < faults_.flipped_bit)
    FlipBit();
  if (on_death) on_death(power_lost_);
  world_.After(down_, [this] { BeginProcess(); });
}

// Boots; a process that dies in the attempt is buried, and another begins later.
Status Host::TryBoot() {
  life_ = std::make_shared<Life>();
  buried_ = false;
  ++depth_;
  Status status = Boot();
  --depth_;
  if (!life_->alive) {
    Reap();
  } else if (status.ok()) {
    PlanNextCrash();
    Run(life_, [] {});
  }
  return status;
}

void Host::BeginProcess() {
  if (up()) return;
  boots_at_wake_ = asleep();
  if (boots_at_wake_) return;
  const Status status = TryBoot();
  if (!life_->alive) return;
  if (status.ok()) return world_.Trace(name_, "up again");
  if (status.code() != Code::kResourceExhausted && status.code() != Code::kInternal) {
    world_.Complain(name_, "cannot begin: " + status.ToString());
  }
  Kill(kRestart, false, "cannot begin: " + status.message());
}

Status Host::Revive() {
  troubles_.full = false;
  if (up()) return OkStatus();
  life_ = std::make_shared<Life>();
  buried_ = false;
  return Boot();
}

void Host::FlipBit() {
  const std::string folder = FolderOfResults();
  const Result<std::vector<std::string>> names = disk_.List(folder);
  if (!names.ok() || names->empty()) return;
  const std::string path = folder + "/" + (*names)[chance_.Below(names->size())];
  const Result<std::unique_ptr<File>> file = disk_.Open(path, OpenMode::kReadWrite);
  if (!file.ok()) return;
  const Result<uint64_t> size = (*file)->Size();
  if (!size.ok() || *size == 0) return;
  const uint64_t at = chance_.Below(*size);
  char byte = 0;
  if (!(*file)->ReadAt(at, {&byte, 1}).ok()) return;
  byte = static_cast<char>(byte ^ (1 << chance_.Below(8)));
  static_cast<void>((*file)->WriteAt(at, {&byte, 1}).ok());
  world_.Trace(name_, "a bit flips in " + path);
}

// ---- The plan ----------------------------------------------------------------------------------

void Host::PlanTheFuture() {
  for (const Crash& crash : faults_.crashes) {
    world_.queue().PostAt({crash.at},
                          [this, crash] { Kill(crash.down, crash.power_loss, "killed"); });
  }
  for (const ClockJump& jump : faults_.clock_jumps) {
    world_.queue().PostAt({jump.at}, [this, jump] {
      world_.Trace(name_, "the wall clock is set by " + FormatDuration(jump.by));
      clock_.SetBy(jump.by);
    });
  }
  During(faults_.disk_full, [this](bool full) {
    world_.Trace(name_, full ? "the disk is full" : "there is room on the disk again");
    troubles_.full = full;
    Run(life_, [] {});
  });
  During(faults_.asleep, [this](bool asleep) {
    world_.Trace(name_, asleep ? "falls asleep" : "wakes");
    if (asleep) return clock_.Sleep();
    clock_.Wake();
    std::vector<std::function<void()>> steps;
    steps.swap(asleep_steps_);
    for (const auto& step : steps) step();
    if (boots_at_wake_) return BeginProcess();
    Run(life_, [] {});
  });
}

void Host::PlanNextCrash() {
  if (faults_.crash_every <= Duration{0}) return;
  world_.After(UntilNext(chance_, faults_.crash_every), [this, life = life_] {
    if (life != life_ || world_.Calm()) return;
    Kill(UntilNext(chance_, faults_.crash_for), chance_.Uniform() < faults_.power_loss, "killed");
  });
}

void Host::During(const std::vector<Window>& windows, std::function<void(bool)> change) {
  for (const Window& window : windows) {
    world_.queue().PostAt({window.from}, [change] { change(true); });
    world_.queue().PostAt({window.from + window.length}, [change] { change(false); });
  }
}

}  // namespace skerry::simulation
