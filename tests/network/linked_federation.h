#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "deployment.h"
#include "testing/chaos_proxy.h"

namespace skerry::testing {

// A deployed federation in which every site reaches the coordinator over a link of its own.
class LinkedFederation {
 public:
  explicit LinkedFederation(std::vector<std::string> sites, uint64_t seed = 0);

  // The coordinator, the links, and the clients; all have joined when it returns.
  void Start();
  // The same without the clients.
  void StartCoordinatorAndLinks();

  Deployment& deployment() { return deployment_; }
  ChaosProxy& link(const std::string& site) { return *links_.at(site); }
  const std::vector<std::string>& sites() const { return sites_; }

  std::string Submit(const std::string& run_file) { return deployment_.Submit(run_file); }
  // What `skerry run show --format json` prints, and parts of it.
  nlohmann::json Show(const std::string& run) const;
  std::string StateOf(const std::string& run) const;
  std::string ReasonOf(const std::string& run) const;
  // Looks at the run, ten times a second, until what it shows `holds`.
  bool Until(const std::string& run, const std::function<bool(const nlohmann::json&)>& holds,
             std::chrono::seconds limit = std::chrono::seconds(30)) const;
  bool UntilState(const std::string& run, const std::string& state,
                  std::chrono::seconds limit = std::chrono::seconds(30)) const;
  bool UntilSiteIs(const std::string& run, const std::string& site, const std::string& state,
                   std::chrono::seconds limit = std::chrono::seconds(30)) const;
  // Waits until round `round` has committed.
  bool UntilRound(const std::string& run, int round) const;

  // What everybody has printed, and what the random faults were: for the message of a failed test.
  std::string Story();

  // The run's newest model, and that of `skerry simulate` of the same file.
  std::string ModelSha256(const std::string& run) const { return deployment_.ModelSha256(run); }
  std::string SimulatedSha256(const std::vector<std::string>& further = {}) const;
  // The model of `skerry simulate` with the run's own participation.
  std::string ReplayedSha256(const std::string& run) const;

 private:
  const std::vector<std::string> sites_;
  const uint64_t seed_;
  Deployment deployment_;
  std::map<std::string, std::unique_ptr<ChaosProxy>> links_;
};

// A run file over the deployment's data: `rounds` rounds, the shortest pause between them, the run
// file's keys of [time] and [participation].
std::string RunFileWith(int rounds, const std::string& min_round, const std::string& extra);
// The same for a multilayer perceptron with these hidden layers: "[2000, 1000]" is a model of 8 MB.
std::string BigModel(std::string run_file, const std::string& hidden);

// The same with all rows for training: no evaluation, and no round for that of the last version.
std::string TrainOnly(std::string run_file);

class Stopwatch {
 public:
  double Seconds() const { return ToSeconds(clock_.Now() - began_); }

 private:
  const SystemClock clock_{};
  const Timestamp began_ = clock_.Now();
};

}  // namespace skerry::testing
