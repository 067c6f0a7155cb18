#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/mutex.h"
#include "client/data/site_data.h"
#include "client/data/table.h"
#include "client/site_policy.h"
#include "client/task_runner.h"
#include "learning/model.h"

namespace skerry::client {

// Reads the rows of one data source, the columns that are asked for.
using RowReader =
    std::function<Result<std::unique_ptr<Table>>(std::span<const std::string> columns)>;

// Statistics, training and evaluation on a site's own rows, with the models of learning/models.
// Rows are read once per run and kept in memory while the run's tasks come. Thread-safe.
class NativeTrainer final : public Trainer {
 public:
  // `sources`: the site's data sources by name.
  NativeTrainer(std::string site, std::map<std::string, RowReader> sources, SitePolicy policy);
  Result<WorkDone> Run(const WorkOrder& order) override;

 private:
  // What the tasks of one run have in common.
  struct Prepared {
    std::string spec_sha256;
    std::unique_ptr<learning::Model> model;
    std::unique_ptr<SiteData> data;
    // The splits for one transform: it changes once in a run, after the statistics.
    learning::InputTransform transform;
    std::map<SplitPart, learning::Dataset> datasets;
  };

  Result<std::shared_ptr<Prepared>> Prepare(const WorkOrder& order);
  Result<WorkDone> Statistics(const WorkOrder& order, const Prepared& prepared) const;
  Result<WorkDone> TrainAndEvaluate(const WorkOrder& order, Prepared& prepared) const;

  const std::string site_;
  const std::map<std::string, RowReader> sources_;
  const SitePolicy policy_;
  Mutex mutex_;  // one task at a time prepares or uses the data
  std::shared_ptr<Prepared> prepared_ SKERRY_GUARDED_BY(mutex_);  // tasks hold it while they run
};

}  // namespace skerry::client
