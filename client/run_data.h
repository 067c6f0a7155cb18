#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/mutex.h"
#include "base/status.h"
#include "client/data/site_data.h"
#include "learning/dataset.h"
#include "learning/features.h"
#include "learning/model.h"
#include "learning/tensor_split.h"

namespace skerry::client {

class RowsFile;

// A run's model, and its rows as the model wants them.
template <class T>
struct RunModel {
  std::unique_ptr<learning::BasicModel<T>> model;  // null: the run's is of other numbers
  learning::TensorSplit split;                     // of its tensors
  // The splits for one transform: it changes once in a run, after the statistics.
  learning::InputTransform transform;
  std::map<SplitPart, learning::BasicDataset<T>> datasets;

  std::size_t num_bytes() const;  // that the rows take in memory
};

// What the tasks of one run have in common at a site.
struct RunData {
  std::unique_ptr<SiteData> data;  // null: the rows have not been read
  RunModel<float> f32;
  RunModel<double> f64;
  std::shared_ptr<const RowsFile> rows_file;  // for a trainer of the site's own

  std::size_t num_bytes() const;  // that the rows take in memory
};

// Keeps the data of the runs that had a task last, so that rows are read once per run. One task at
// a time has the data of a run; tasks of different runs do not wait for each other. Thread-safe.
class RunDataCache {
 public:
  // At most `max_runs` are kept, and those that tasks have now; and more than that as long as those
  // that no task has take `kept_bytes` at most.
  explicit RunDataCache(int max_runs, std::size_t kept_bytes = 0)
      : max_runs_(static_cast<std::size_t>(max_runs)), kept_bytes_(kept_bytes) {}

  // A run's data, in the hands of one task until this object goes.
  class Lease {
   public:
    Lease(Lease&& other) noexcept = default;
    ~Lease();
    RunData& operator*() const { return *data_; }
    RunData* operator->() const { return data_.get(); }
    // The next task of the run shall begin afresh.
    void Forget() { data_->data.reset(); }

   private:
    friend class RunDataCache;
    Lease(RunDataCache& cache, std::string run, std::unique_ptr<RunData> data);

    RunDataCache* cache_;
    std::string run_;
    std::unique_ptr<RunData> data_;
  };

  // Waits while another task has the run's data. CANCELLED when `stop` is requested before. `run`
  // names the run among all that the site ever has tasks of.
  Result<Lease> Take(const std::string& run, std::stop_token stop);

 private:
  struct Entry {
    std::unique_ptr<RunData> data;  // null: a task has it
    uint64_t last_use = 0;
  };

  std::size_t IdleBytes() const SKERRY_REQUIRES(mutex_);
  void MakeRoom() SKERRY_REQUIRES(mutex_);
  void GiveBack(const std::string& run, std::unique_ptr<RunData> data);

  const std::size_t max_runs_;
  const std::size_t kept_bytes_;
  Mutex mutex_;
  ConditionVariable given_back_;
  std::map<std::string, Entry> entries_ SKERRY_GUARDED_BY(mutex_);
  uint64_t uses_ SKERRY_GUARDED_BY(mutex_) = 0;
};

}  // namespace skerry::client
