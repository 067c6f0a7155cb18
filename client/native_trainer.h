#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "client/data/table.h"
#include "client/external/external_trainers.h"
#include "client/model_file.h"
#include "client/run_data.h"
#include "client/site_algorithm.h"
#include "client/site_policy.h"
#include "client/task_runner.h"

namespace skerry::client {

// Reads the rows of one data source, the columns that are asked for.
using RowReader =
    std::function<Result<std::unique_ptr<Table>>(std::span<const std::string> columns)>;

// Statistics, training and evaluation on a site's own rows, with the models of learning/models or,
// where the run asks for one, a trainer of the site's own.
// A run's rows are read when its first task comes, and kept in memory for its other tasks: what
// happens to the source meanwhile does not show. They are read anew for another run, after a task
// of the run failed (somebody has mended something), and when `max_runs` other runs had tasks since
// and the rows of all idle runs take more than `kept_bytes`. Tasks of different runs work side by
// side, those of one run one after the other. Thread-safe.
class NativeTrainer final : public Trainer {
 public:
  // `sources`: the site's data sources by name.
  NativeTrainer(std::string site, std::map<std::string, RowReader> sources, SitePolicy policy,
                int max_runs = 1, std::size_t kept_bytes = 0);
  Result<WorkDone> Run(const WorkOrder& order) override;
  // Takes models from there from now on. Before the first task.
  void ShareModels(ModelCache& models) { models_ = &models; }
  // Gives tasks of runs with external models to these trainers, which may read `sources` by
  // themselves. Before the first task.
  void UseExternal(ExternalTrainers& trainers, std::map<std::string, DataSource> sources) {
    external_ = &trainers;
    external_sources_ = std::move(sources);
  }

 private:
  template <class T>
  class Beginning;
  Result<WorkDone> WorkWithinMemory(const WorkOrder& order, RunData& run) const;
  Result<WorkDone> Work(const WorkOrder& order, RunData& run) const;
  Result<WorkDone> WorkExternally(const WorkOrder& order, RunData& run) const;
  static Status MakeModel(const v1::RunSpec& spec, RunData& run);
  Result<WorkDone> WorkOfKind(const WorkOrder& order, RunData& run) const;
  Status Read(const WorkOrder& order, RunData& run) const;
  std::vector<std::string> Remarks(const WorkOrder& order, const RunData& run) const;
  Result<WorkDone> Statistics(const WorkOrder& order, const RunData& run) const;
  template <class T>
  Result<WorkDone> TrainAndEvaluate(const WorkOrder& order, const SiteData& data,
                                    RunModel<T>& run) const;
  template <class T>
  Status EvaluatePersonal(const WorkOrder& order, const RunModel<T>& run,
                          std::span<const T> received, const KeptVectors<T>& kept,
                          ResultWriter& writer, WorkDone& done) const;
  // As the site's own model of the run, if this is the task that makes it.
  template <class T>
  Status KeepPersonal(const WorkOrder& order, const RunModel<T>& run, std::span<const T> own,
                      WorkDone& done) const;
  Result<learning::LocalTrainingOptions> Options(const WorkOrder& order) const;
  Result<learning::LocalTrainingOptions> PersonalOptions(const WorkOrder& order) const;

  const std::string site_;
  const std::map<std::string, RowReader> sources_;
  const SitePolicy policy_;
  RunDataCache runs_;
  ModelCache* models_ = nullptr;
  ExternalTrainers* external_ = nullptr;
  std::map<std::string, DataSource> external_sources_;
};

}  // namespace skerry::client
