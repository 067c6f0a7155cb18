#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "coordinator/finalizer.h"
#include "coordinator/task_row.h"
#include "storage/records.h"

namespace skerry::coordinator {

class Run;

// What a run needs of its coordinator. Nothing staged or offered here is seen by anyone before it
// has been committed.
class RunHost {
 public:
  virtual ~RunHost() = default;
  virtual Timestamp Now() const = 0;
  virtual WallTime WallNow() const = 0;
  virtual void Stage(storage::Record record) = 0;
  virtual void StageTask(const std::shared_ptr<TaskRow>& task) = 0;
  // The same for what may wait a little for others to be committed with: what a receipt promises,
  // and what a restart finds out by itself.
  virtual void StageReceipt(const std::shared_ptr<TaskRow>& task) = 0;
  virtual void StageSoon(const std::shared_ptr<TaskRow>& task) = 0;
  virtual int64_t NewTaskId() = 0;
  virtual bool IsConnected(const std::string& site) const = 0;

  // A task is there for the site to pull, until it is withdrawn; it may be offered again.
  virtual void OfferTask(Run& run, int32_t place, int64_t task_id) = 0;
  virtual void WithdrawTask(const std::string& site, int64_t task_id) = 0;
  // The site shall send the result that it keeps once more.
  virtual void AskResend(const std::string& site, int64_t task_id) = 0;
  // A failed task, of which nobody will ask again.
  virtual void ForgetTask(int64_t task_id) = 0;
  // The site shall hear what became of its result; `task` has an outcome.
  virtual void TellOutcome(const std::shared_ptr<TaskRow>& task) = 0;

  // Runs the finalizer elsewhere; the outcome comes back as run.OnFinalized(ticket, ...). The
  // results' files are filled in.
  virtual void StartFinalize(Run& run, int64_t ticket, FinalizeInput input) = 0;
  // Whether a version's files are whole. DATA_LOSS or NOT_FOUND name the file.
  virtual Status VerifyVersion(const std::string& run_id, const ModelVersion& version) = 0;
  // After the commit: these results' and versions' files are needed no more, or (KeepResults) only
  // for a later look.
  virtual void RemoveResults(std::vector<int64_t> task_ids) = 0;
  virtual void KeepResults(std::vector<int64_t> task_ids) = 0;
  virtual void RemoveVersions(const std::string& run_id, std::vector<int64_t> versions) = 0;

  // The run reached a final state.
  virtual void RunEnded(Run& run) = 0;
};

}  // namespace skerry::coordinator
