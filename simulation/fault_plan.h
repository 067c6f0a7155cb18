#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"

// What goes wrong in a simulated federation. Times count from the beginning of the simulation; what
// is left to chance is drawn from the plan's seed, so that the same plan gives the same accidents.
namespace skerry::simulation {

// "from 1h for 2h30m".
struct Window {
  Duration from{0};
  Duration length{0};
  friend bool operator==(const Window&, const Window&) = default;
};

// "at 3h for 5m": a process dies and begins again so much later.
struct Crash {
  Duration at{0};
  Duration down{0};
  bool power_loss = false;  // what was not synced is lost or torn
  friend bool operator==(const Crash&, const Crash&) = default;
};

// "at 2h by -1h": the wall clock is set.
struct ClockJump {
  Duration at{0};
  Duration by{0};
  friend bool operator==(const ClockJump&, const ClockJump&) = default;
};

// A computer and the process that runs on it.
struct MachineFaults {
  std::vector<Crash> crashes;
  Duration crash_every{0};     // on average; 0: never
  Duration crash_for{0};       // how long until the process begins again
  double crash_per_write = 0;  // chance that it dies at a write, rename, sync or commit
  double power_loss = 0;       // share of the accidental deaths that take the power with them
  double failed_sync = 0;      // chance that a sync reports an error
  double flipped_bit = 0;      // chance, at each death, that a bit flips in a result on its disk
  std::vector<Window> disk_full;
  std::vector<Window> asleep;  // suspended: its clock stands still, nothing reaches it
  std::vector<ClockJump> clock_jumps;
  friend bool operator==(const MachineFaults&, const MachineFaults&) = default;
};

// The line between a site and the coordinator.
struct LinkFaults {
  Duration latency{0};   // of each message
  Duration jitter{0};    // and up to so much more
  double drop = 0;       // chance that a call or an answer is lost; the client hears of it late
  double duplicate = 0;  // chance that a call arrives twice
  double reorder = 0;    // chance that a message is held back for up to `reorder_by`
  Duration reorder_by{0};
  double bytes_per_second = 0;  // of models and results; 0: without limit
  std::vector<Window> down;
  Duration down_every{0};  // on average; 0: never
  Duration down_for{0};    // on average
  friend bool operator==(const LinkFaults&, const LinkFaults&) = default;
};

struct SiteFaults {
  MachineFaults machine;
  LinkFaults link;
  double seconds_per_example = 0;  // a row, once through training
  Duration task_overhead{0};       // of any task: reading data, starting a trainer
  double slower = 1;               // times slower than that
  std::vector<Window> stuck;       // its trainer makes no progress
  friend bool operator==(const SiteFaults&, const SiteFaults&) = default;
};

// No plan at all is a plan without faults, in which every task takes a second.
struct FaultPlan {
  uint64_t seed = 1;
  Duration calm_after{0};  // chance does no more harm from then on; 0: for ever
  Duration limit = std::chrono::hours(24 * 14);  // a run that has not ended by then is given up
  MachineFaults coordinator;
  Duration compute_time{0};  // the coordinator needs up to so much to check or sum results
  SiteFaults every_site;
  std::map<std::string, SiteFaults> sites;  // instead of `every_site`

  const SiteFaults& Of(const std::string& site) const;
  bool Calm(Duration now) const { return calm_after > Duration{0} && now >= calm_after; }
  friend bool operator==(const FaultPlan&, const FaultPlan&) = default;
};

// INVALID_ARGUMENT: the plan speaks of a site that is not among `sites`; names the nearest and all.
Status CheckSites(const FaultPlan& plan, const std::vector<std::string>& sites);

}  // namespace skerry::simulation
