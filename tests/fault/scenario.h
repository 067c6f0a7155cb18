#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "simulation/simulator.h"

namespace skerry::fault {

// What became of one seed.
struct Outcome {
  std::vector<std::string> violations;
  std::vector<std::string> trace;  // if it was asked for
  std::string what;  // "4 sites, 7 rounds, quorum 3, completed_degraded after 12m ..."
  int64_t deaths = 0;
};

// Draws small federations and random faults from seeds, runs them, and checks each against its
// history and against a run in which nothing went wrong. A seed gives the same outcome in every
// program.
class Scenarios {
 public:
  // `num_threads` train; 0: the calling one.
  explicit Scenarios(int num_threads = 0);
  ~Scenarios();
  Outcome Run(uint64_t seed, bool with_trace = false);

 private:
  struct Shape;
  static Shape ShapeOf(uint64_t seed);
  simulation::SimulationOptions OptionsFor(const Shape& shape);
  const std::string& UndisturbedModel(const Shape& shape);

  const int num_threads_;
  std::map<int, std::vector<simulation::SimulatedSite>> sites_;  // by their number
  std::map<std::string, std::string> undisturbed_;  // run file and number of sites -> model
};

}  // namespace skerry::fault
