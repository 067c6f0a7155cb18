#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/files.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "learning/program.h"
#include "skerry/v1/task.pb.h"
#include "storage/checkpoint_store.h"
#include "storage/safetensors.h"

namespace skerry::coordinator {

// A version of the model as the journal names it.
struct ModelVersion {
  int64_t version = -1;
  crypto::Digest model_hash;
  uint64_t model_size_bytes = 0;
  crypto::Digest state_hash;
  uint64_t state_size_bytes = 0;  // 0: the strategy keeps no state
};

// One counted result.
struct CountedResult {
  std::string site;
  int64_t task_id = 0;
  std::shared_ptr<const v1::ResultHeader> header;
  std::shared_ptr<const File> file;       // null: the file is gone
  std::vector<uint32_t> chunk_checksums;  // as it was checked; empty: by an earlier process
  std::optional<ModelVersion> base;       // that it began with, if that is not the round's
};

// Versions up to this size, model and state together, stand in the journal: files of their own, and
// to sync them, would take longer than all the rest of a round.
constexpr uint64_t kSmallVersionBytes = uint64_t{64} << 10;
// While the run goes on so many of their files are in memory only, the newest, however many it
// keeps.
constexpr std::size_t kMostInMemory = 32;

// All that closing a round needs. It touches no run state.
struct FinalizeInput {
  std::string run_id;
  std::shared_ptr<const learning::Program> program;  // of the run, which may end meanwhile
  learning::RoundSpec spec;
  int64_t num_sites = 0;               // of the run
  std::optional<ModelVersion> base;    // absent for the version that a run begins with
  std::vector<CountedResult> results;  // in bytewise order of site names
  storage::Metadata metadata;          // of the model file
};

// A result that the strategy compares with the version that it began with, one older than the
// round's, which is gone or damaged.
struct LostBase {
  std::size_t result = 0;  // its index
  Status status;           // names the file
};

struct FinalizeOutput {
  // Results whose bytes are gone or damaged, by index. If there are any, there is nothing else
  // here, and nothing in the store.
  std::vector<std::size_t> damaged;
  // The first such one; likewise. Without it the round can go on.
  std::optional<LostBase> lost_base;
  std::optional<ModelVersion> model;         // if the round makes one; in the store, under its name
  std::vector<crypto::Digest> model_chunks;  // the digests of its chunks
  // Its files, if they are small: then the store has them in memory only, and whoever commits the
  // version has to keep these.
  std::string small_model;
  std::string small_state;
  std::vector<learning::Metric> metrics;
  // What the aggregation rule did to each result; empty when there is nothing to tell.
  std::vector<learning::Treatment> treatments;
};

class CheckedUpdates;

// Reduces the results block by block in site order, applies them to the base version, and publishes
// the new version. The same input gives the same bytes with any number of threads. The memory it
// needs does not grow with the model. Errors: DATA_LOSS (the base checkpoint is damaged; names the
// file), RESOURCE_EXHAUSTED (disk full; try again), FAILED_PRECONDITION (the program cannot go on;
// for the researcher), INTERNAL (a sync failed: end the process).
class Finalizer {
 public:
  Finalizer(storage::CheckpointStore& checkpoints, Executor& compute, int num_threads,
            uint64_t small_version_bytes = kSmallVersionBytes);
  Result<FinalizeOutput> Run(const FinalizeInput& input);

 private:
  // `checked`: null if all results have been looked at before.
  Result<FinalizeOutput> Make(const FinalizeInput& input, CheckedUpdates* checked);

  storage::CheckpointStore& checkpoints_;
  Executor& compute_;
  const int num_threads_;
  const uint64_t small_version_bytes_;
};

// The layout of model-V: the fixed tensors, the parameters, and the state vectors that sites get.
learning::Layout ModelFileLayout(const learning::Layout& fixed, const learning::Program& program);

}  // namespace skerry::coordinator
