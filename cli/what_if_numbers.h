#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulation/simulator.h"

// What the reports of a simulation with faults are made of.
namespace skerry::cli {

// The federation's held-out metric of a model version, and when that version was there.
struct Measured {
  Duration at{0};
  int64_t version = 0;
  double value = 0;
};
std::vector<Measured> MetricOverTime(const simulation::SimulationResult& result,
                                     const std::string& metric);
// Names of the federation's metrics on held-out rows, the first of [evaluation] first: "test.auc".
std::vector<std::string> HeldOutMetrics(const simulation::SimulationResult& result);

// What a site mostly did while the run lacked its result alone: "training", "sending, its link
// down".
std::string MostlyWhile(const simulation::SiteLane& lane);
// A round with all its attempts.
struct RoundRow {
  const simulation::RoundMark* committed = nullptr;  // null: it never did
  int64_t round = 0;
  std::string kind;
  Duration from{0};
  Duration took{0};  // all attempts together
  int64_t attempts = 0;
  std::string given_up;  // why the last one was that was
};
std::vector<RoundRow> RoundRows(const simulation::Timeline& timeline);

// Whole seconds once there are many: "13h2m", "4m20s", "830ms".
std::string ShortTime(Duration duration);

}  // namespace skerry::cli
