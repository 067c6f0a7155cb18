#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/finalizer.h"
#include "coordinator/model_metadata.h"
#include "coordinator/run_plan.h"
#include "coordinator/small_spool.h"
#include "coordinator/verify.h"
#include "learning/program.h"
#include "storage/checkpoint_store.h"
#include "storage/records.h"

namespace skerry::coordinator {

// Computes the models of a run again, round by round, from the kept updates, in a scratch
// directory.
class RoundReplayer {
 public:
  RoundReplayer(const VerifyInput& input, const RunRows& rows, Files& files, Executor& compute,
                const RunPlan& plan, std::shared_ptr<const learning::Program> program);

  // The next committed round, with the tasks that it counted, by site name. Notes in `report` what
  // it found, or why it could not look.
  Status Replay(const storage::RoundRecord& round,
                const std::vector<const storage::TaskRecord*>& counted, VerifyReport& report);

  // Whether the files of the version that this round made, if they are kept, have its hashes.
  // Replay() does this too.
  void CheckKeptFiles(const storage::RoundRecord& round, VerifyReport& report);

 private:
  std::optional<learning::RoundSpec> SpecOf(const storage::RoundRecord& round) const;
  bool OpenResults(const std::vector<const storage::TaskRecord*>& counted,
                   std::vector<CountedResult>& results);
  Result<std::unique_ptr<File>> OpenResult(int64_t task_id);
  Status FindSmallResults();
  std::string WhyNoResults(const storage::RoundRecord& round) const;
  Status MakeBasesAvailable(const std::vector<CountedResult>& results, bool& available);
  Status MakeBaseAvailable(const ModelVersion& base, bool& available);
  void ForgetOldVersions();
  Status CopyPart(int64_t version, storage::CheckpointPart part, const crypto::Digest& hash,
                  bool& available);
  Status Recompute(const FinalizeInput& work, const storage::RoundRecord& round,
                   VerifyReport& report);
  // Whether the round made what the journal says.
  bool Compare(const FinalizeInput& work, const storage::RoundRecord& round,
               const FinalizeOutput& output, VerifyReport& report);

  const VerifyInput& input_;
  const std::string run_id_;
  const int64_t num_sites_;
  const int64_t last_round_;  // committed
  Files& files_;
  const RunPlan& plan_;
  std::optional<SmallSpool> small_results_;
  const std::shared_ptr<const learning::Program> program_;
  const ModelMetadata metadata_;
  storage::CheckpointStore kept_;
  storage::CheckpointStore scratch_;
  Finalizer finalizer_;
  std::vector<learning::RoundOutcome> history_;
  std::optional<ModelVersion> base_;
  std::map<int64_t, ModelVersion> versions_;  // those that updates of the next round may begin with
  std::set<int64_t> in_scratch_;              // the versions that are there
};

}  // namespace skerry::coordinator
