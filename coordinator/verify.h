#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/files.h"
#include "base/status.h"
#include "coordinator/verify_rows.h"
#include "rpc/call_log.h"

// Whether a run was what its journal says it was: nobody counted twice or forgotten, and every
// model the one that its updates make.
namespace skerry::coordinator {

struct VerifyInput {
  std::string state_dir;    // of the coordinator; read only
  std::string scratch_dir;  // models are computed again in here; emptied by the caller
  int num_threads = 1;
  // What sites and the coordinator logged of their calls, if they did: read before the rows, so
  // that the rows know of all that the logs know.
  std::vector<rpc::CallHistory> calls;
  // Tasks of which the journal said that their sites know the outcome: read before the logs, which
  // then must have it too.
  std::set<int64_t> confirmed;
  std::function<void(int64_t round)> progress;  // may be null
};

struct VerifyReport {
  std::string run_id;
  int64_t rounds = 0;             // committed
  int64_t rounds_chained = 0;     // whose hash follows from the round before and who counted
  int64_t models = 0;             // made by committed rounds
  int64_t models_recomputed = 0;  // from kept updates, to the same hash
  int64_t models_hashed = 0;      // of the kept files: those that have the journal's hash
  int64_t results_counted = 0;
  int64_t results_discarded = 0;
  int64_t results_told = 0;       // of the discarded: their sites have confirmed that they know
  int64_t results_open = 0;       // in rounds that have not ended
  bool calls_compared = false;    // with the logs of calls; without, the next five are 0
  int64_t acknowledged = 0;       // results that a call log says were received
  int64_t acknowledged_open = 0;  // of those: in rounds that have not ended
  int64_t lost = 0;               // of those: neither counted, nor discarded, nor open
  int64_t discarded_acknowledged = 0;  // discarded ones with a receipt in their site's own log
  int64_t discarded_heard = 0;         // of those: the verdict is in that log
  int64_t duplicated = 0;  // results counted more than once, by site and round or by hash
  std::map<std::string, std::vector<int64_t>> skipped;  // why not computed again -> which rounds
  std::vector<std::string> not_verified;                // what could not be looked at, and why
  std::vector<std::string> faults;                      // what is wrong; empty: nothing was found
};

// Compares, computes again. Errors of the scratch directory's disk; a fault of the run is no error
// but in the report.
Result<VerifyReport> VerifyRun(const VerifyInput& input, const RunRows& rows, Files& files,
                               Executor& compute);

}  // namespace skerry::coordinator
