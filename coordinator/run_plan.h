#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "coordinator/track_record.h"
#include "learning/program.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// [participation]: who takes part, and how many must.
struct Participation {
  bool all_sites = true;           // sites = "all": every site that is registered at submission
  std::vector<std::string> sites;  // else these, in bytewise order
  int64_t min_sites = 0;           // ready before a round begins; 0: the whole roster
  int64_t sites_per_round = 0;     // drawn among the ready; 0: all of them
  Selection selection = Selection::kRandom;
  double probability = 1;  // selection by coins: of one site
  int64_t candidates = 0;  // power of choice; 0: twice sites_per_round
  int64_t quorum = 0;      // results that a round needs; 0: min_sites
  std::vector<std::string> required_sites;
  int64_t buffer = 0;  // [training.async]: results that make a version; 0: the run goes by rounds
};

// [time]: the three settings. All other waits derive from them.
struct TimeSettings {
  Duration heartbeat = 20s;      // a working site shows its progress at least so often
  Duration no_progress = 15min;  // a task that has not advanced for so long is lost
  Duration round_deadline = 2h;  // a round waits no longer for sites that are lost or slow
  Duration JoinWait() const { return 3 * heartbeat; }
};

// [keep]: what stays on the coordinator's disk.
struct Keep {
  int64_t checkpoints = 3;     // newest versions
  int64_t best = 1;            // and the best by [evaluation] best_metric
  int64_t updates = 0;         // updates of so many newest rounds
  int64_t history_days = 0;    // so many days after the end; 0: for ever
  int64_t history_rounds = 0;  // of a run that goes on: the newest so many rounds; 0: all
};

// [simulation]: the sites of `skerry simulate`.
// Paths are relative to the run file; empty: not given.
struct SimulationSettings {
  std::string sites;  // a glob of CSV files, one site each; or
  // IDX files, as [data.NAME] of agent.toml has them: a site for each number that occurs in
  // `parts`.
  struct Idx {
    std::string images;
    std::string labels;
    std::string parts;
    double divisor = 1;
  };
  Idx idx;

  bool empty() const { return sites.empty() && idx.images.empty(); }
};

// A run file, read and found possible. Made only by ParseRunFile.
struct RunPlan {
  std::string text;  // of the run file
  v1::RunSpec spec;  // what sites get to see
  Participation participation;
  TimeSettings time;
  Keep keep;
  SimulationSettings simulation;
  Duration min_round{0};  // a round takes at least so long: pacing for demonstrations
};

// INVALID_ARGUMENT with all that is wrong, one "file:line: key: what" a line: not TOML, an unknown
// key (the nearest is named), a wrong type, values that clash (both keys are named).
Result<RunPlan> ParseRunFile(std::string_view text, const std::string& file_name);

// What the plan asks of rounds once the roster is known. Of an asynchronous run, min_sites are
// there before its first version is begun, and the rest holds for its other rounds (statistics, the
// last evaluation). INVALID_ARGUMENT names the keys that clash with each other or with the number
// of sites.
struct Contract {
  int64_t min_sites = 0;
  int64_t sites_per_round = 0;
  int64_t quorum = 0;
  int64_t buffer = 0;          // asynchronous: results that make a version; 0: rounds
  std::vector<bool> required;  // by place in the roster
  // Whether a round without some site is as it should be: sites are drawn.
  bool draws = false;
};
Result<Contract> MakeContract(const Participation& participation,
                              const std::vector<std::string>& roster);

// Whether the aggregation rule works with any number of updates that a round of this contract may
// count. INVALID_ARGUMENT says with which it does not.
Status CheckRule(const learning::Program& program, const Contract& contract);

}  // namespace skerry::coordinator
