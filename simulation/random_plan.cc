#include "simulation/random_plan.h"

#include <utility>

#include "base/exact_math.h"
#include "simulation/world.h"

namespace skerry::simulation {
namespace {

class Drawing {
 public:
  explicit Drawing(uint64_t seed) : random_(seed, Purpose::kFault, 0, "plan", 0) {}

  FaultPlan Plan(uint64_t seed, const std::vector<std::string>& sites) {
    FaultPlan plan;
    plan.seed = seed;
    plan.calm_after = Time(1min, 30min);
    calm_ = plan.calm_after;
    plan.limit = plan.calm_after + 24h;
    if (Often(0.6)) plan.compute_time = Time(1ms, 5s);
    plan.coordinator = Machine();
    // Which kinds of fault there are at all is the same for every site.
    const SiteFaults everywhere = Site();
    for (const std::string& site : sites) {
      plan.sites[site] = Often(0.7) ? Like(everywhere) : Site();
    }
    while (Often(0.4)) Partition(plan);
    if (Often(0.3)) Outage(plan);
    return plan;
  }

 private:
  bool Often(double chance) { return random_.Uniform() < chance; }
  Duration Time(Duration low, Duration high) { return Between(random_, low, high); }
  // Small values as likely as large ones.
  double Scale(double low, double high) { return low * exact::Pow(high / low, random_.Uniform()); }
  Duration TimeScale(Duration low, Duration high) {
    return FromSeconds(Scale(ToSeconds(low), ToSeconds(high)));
  }

  // Some windows one after the other, before it is calm.
  std::vector<Window> Windows(Duration longest) {
    std::vector<Window> windows;
    Duration at{0};
    while (windows.size() < 3) {
      const Duration from = at + Time(Duration{0}, calm_);
      if (from >= calm_) break;
      const Duration length = TimeScale(1s, longest);
      windows.push_back({from, length});
      at = from + length + 1s;
    }
    return windows;
  }

  // Some sites lose the coordinator at once, and find it again at once.
  void Partition(FaultPlan& plan) {
    const Window cut = {Time(Duration{0}, calm_), TimeScale(1s, 10min)};
    for (auto& [name, site] : plan.sites) {
      if (Often(0.5)) site.link.down.push_back(cut);
    }
  }

  // Everything dies in the same moment.
  void Outage(FaultPlan& plan) {
    const Crash crash = {Time(Duration{0}, calm_), TimeScale(1s, 5min), Often(0.5)};
    plan.coordinator.crashes.push_back(crash);
    for (auto& [name, site] : plan.sites) site.machine.crashes.push_back(crash);
  }

  MachineFaults Machine() {
    MachineFaults machine;
    machine.crash_for = TimeScale(1s, 2min);
    if (Often(0.5)) machine.crash_every = TimeScale(20s, 20min);
    if (Often(0.4)) machine.crash_per_write = Scale(0.0003, 0.03);
    if (Often(0.5)) machine.power_loss = random_.Uniform();
    if (Often(0.15)) machine.failed_sync = Scale(0.001, 0.05);
    if (Often(0.4)) machine.flipped_bit = random_.Uniform();
    if (Often(0.25)) machine.disk_full = Windows(3min);
    if (Often(0.15)) machine.asleep = Windows(5min);
    while (Often(0.3)) {
      machine.clock_jumps.push_back({Time(Duration{0}, calm_), Often(0.5) ? Duration(1h) : -1h});
    }
    return machine;
  }

  LinkFaults Line() {
    LinkFaults link;
    if (Often(0.7)) link.latency = TimeScale(1ms, 500ms);
    if (Often(0.7)) link.jitter = TimeScale(1ms, 2s);
    if (Often(0.5)) link.drop = Scale(0.001, 0.1);
    if (Often(0.5)) link.duplicate = Scale(0.001, 0.2);
    if (Often(0.5)) link.reorder = Scale(0.01, 0.3);
    link.reorder_by = TimeScale(100ms, 1min);
    if (Often(0.3)) link.bytes_per_second = Scale(50, 1e6);
    if (Often(0.4)) link.down = Windows(10min);
    if (Often(0.3)) link.down_every = TimeScale(30s, 10min);
    link.down_for = TimeScale(1s, 3min);
    return link;
  }

  SiteFaults Site() {
    SiteFaults site;
    site.machine = Machine();
    site.link = Line();
    site.task_overhead = TimeScale(100ms, 30s);
    if (Often(0.3)) site.seconds_per_example = Scale(0.001, 2);
    if (Often(0.3)) site.slower = Scale(1, 9);
    return site;
  }

  // The same kinds of fault at other times.
  SiteFaults Like(const SiteFaults& other) {
    SiteFaults site = other;
    const auto anew = [this](std::vector<Window>& windows) {
      if (!windows.empty()) windows = Windows(5min);
    };
    anew(site.machine.disk_full);
    anew(site.machine.asleep);
    anew(site.link.down);
    site.task_overhead = TimeScale(100ms, 30s);
    return site;
  }

  RandomStream random_;
  Duration calm_{0};
};

}  // namespace

FaultPlan RandomPlan(uint64_t seed, const std::vector<std::string>& sites) {
  return Drawing(seed).Plan(seed, sites);
}

}  // namespace skerry::simulation
