#include "client/native_trainer.h"

#include <algorithm>
#include <new>
#include <span>
#include <stdexcept>
#include <utility>

#include "base/failpoint.h"
#include "base/text.h"
#include "client/evaluation.h"
#include "client/model_file.h"
#include "client/personal.h"
#include "client/personal_model_file.h"
#include "client/result_writer.h"
#include "client/site_algorithm.h"
#include "client/sum_trainer.h"
#include "client/update_writer.h"
#include "learning/external.h"
#include "learning/local_training.h"
#include "learning/personal.h"
#include "learning/program.h"

namespace skerry::client {
namespace {

using learning::LocalTrainingOptions;

int64_t NumRows(const RunData& run, SplitPart part) {
  return static_cast<int64_t>(run.data->num_rows(part));
}

// What the transform does not need does not leave the site.
void ForgetUnneeded(const v1::DataSpec& spec, learning::FeatureSums& sums) {
  const std::vector<learning::FeatureColumn> columns = learning::FeatureColumns(spec);
  for (std::size_t j = 0; j < columns.size(); ++j) {
    if (!learning::NeedsSums(spec, columns[j])) sums.sum[j] = sums.sum_squares[j] = 0;
  }
}

learning::StepProgress StepsOf(const WorkOrder& order) {
  return [&order](int64_t step, int64_t total) {
    SKERRY_FAILPOINT("client/training-step");
    order.progress->total.store(total, std::memory_order_relaxed);
    order.progress->done.store(step, std::memory_order_relaxed);
  };
}

// A run file comes from a stranger: what its coordinator should have refused is refused here too.
// A strategy of a coordinator's own, which this site does not know, has no part at the site.
Status CheckRun(const v1::RunSpec& spec) {
  const std::vector<std::string> known = learning::StrategyNames();
  const bool is_known =
      learning::IsFittedBySums(spec.model().kind()) ||
      std::find(known.begin(), known.end(), spec.training().strategy()) != known.end();
  return is_known ? learning::MakeProgram(spec).status() : OkStatus();
}

// The name of the tensors that stay at a site, among what it keeps.
constexpr const char* kLocalTensors = "local";

template <class T>
Status Divide(const v1::ModelSpec& spec, RunModel<T>& run) {
  SKERRY_ASSIGN_OR_RETURN(run.split, learning::TensorSplit::Create(run.model->parameters(), spec));
  return OkStatus();
}

// The whole model, of the tensors that came and those that the site keeps; a site that has none of
// these yet takes what the model begins with.
template <class T>
std::vector<T> Whole(const RunModel<T>& run, uint64_t seed, std::span<const T> shared,
                     const KeptVectors<T>& kept) {
  std::vector<T> all(static_cast<std::size_t>(run.model->parameters().num_elements()));
  const auto found = kept.vectors().find(kLocalTensors);
  std::vector<T> local(static_cast<std::size_t>(run.split.num_local()));
  if (found != kept.vectors().end()) {
    local = found->second;
  } else {
    std::vector<T> unused(shared.size());
    run.model->Initialize(seed, 0, all);
    run.split.Divide(std::span<const T>(all), std::span<T>(unused), std::span<T>(local));
  }
  run.split.Join(shared, std::span<const T>(local), std::span<T>(all));
  return all;
}

// Puts those that stay aside; `parameters` are the others then.
template <class T>
void KeepLocal(const RunModel<T>& run, std::vector<T>& parameters, KeptVectors<T>& kept) {
  std::vector<T> shared(static_cast<std::size_t>(run.split.shared().num_elements()));
  std::vector<T> local(static_cast<std::size_t>(run.split.num_local()));
  run.split.Divide(std::span<const T>(parameters), std::span<T>(shared), std::span<T>(local));
  parameters = std::move(shared);
  kept.Put({{kLocalTensors, std::move(local)}});
}

}  // namespace

NativeTrainer::NativeTrainer(std::string site, std::map<std::string, RowReader> sources,
                             SitePolicy policy, int max_runs, std::size_t kept_bytes)
    : site_(std::move(site)),
      sources_(std::move(sources)),
      policy_(std::move(policy)),
      runs_(max_runs, kept_bytes) {}

Result<WorkDone> NativeTrainer::Run(const WorkOrder& order) {
  SKERRY_RETURN_IF_ERROR(CheckTask(policy_, *order.spec, *order.task));
  // A coordinator that began anew counts its runs from 1 again.
  const std::string run =
      order.coordinator_id + "/" + order.task->run_id() + "/" + order.task->run_spec_sha256();
  SKERRY_ASSIGN_OR_RETURN(RunDataCache::Lease lease, runs_.Take(run, order.stop));
  Result<WorkDone> done = WorkWithinMemory(order, *lease);
  const Code code = done.status().code();
  if (code != Code::kOk && code != Code::kCancelled && code != Code::kResourceExhausted) {
    lease.Forget();
  }
  return done;
}

// Memory that this process may not have (ulimit -v, a limit of its service without overcommit) ends
// the task, not the agent: as a crash, it would come again at every start. Where the system
// promises more than it has, its OOM killer may still take the agent, at each start again.
Result<WorkDone> NativeTrainer::WorkWithinMemory(const WorkOrder& order, RunData& run) const {
  const char* const kTooLarge = "the task needs more memory than this machine has";
  try {
    return Work(order, run);
  } catch (const std::bad_alloc&) {
    return FailedPrecondition(kTooLarge);
  } catch (const std::length_error&) {
    return FailedPrecondition(kTooLarge);
  }
}

Result<WorkDone> NativeTrainer::Work(const WorkOrder& order, RunData& run) const {
  std::vector<std::string> remarks;
  const bool has_rows =
      !learning::IsExternal(*order.spec) || learning::HasPreparedRows(*order.spec);
  if (run.data == nullptr) SKERRY_RETURN_IF_ERROR(CheckRun(*order.spec));
  if (run.data == nullptr && has_rows) {
    SKERRY_RETURN_IF_ERROR(Read(order, run));
    // Before anything else is said about so few rows.
    SKERRY_RETURN_IF_ERROR(CheckExamples(policy_, NumRows(run, SplitPart::kTrain)));
    SKERRY_RETURN_IF_ERROR(CheckInputs(policy_, *order.spec, run.data->Sums()));
    // To sums, rows of one class are as good as others.
    const bool sums = learning::IsFittedBySums(order.spec->model().kind());
    if (!sums) SKERRY_RETURN_IF_ERROR(run.data->CheckClasses());
    remarks = Remarks(order, run);
  }
  SKERRY_ASSIGN_OR_RETURN(WorkDone done, WorkOfKind(order, run));
  done.remarks.insert(done.remarks.begin(), remarks.begin(), remarks.end());
  return done;
}

Result<WorkDone> NativeTrainer::WorkExternally(const WorkOrder& order, RunData& run) const {
  if (external_ == nullptr) {
    return PermissionDenied("this site has no trainers of its own")
        .WithHint("add [trainer.NAME] to agent.toml; in a simulation give --trainers FILE");
  }
  if (order.task->kind() == v1::INITIAL_MODEL && run.data != nullptr) {
    SKERRY_ASSIGN_OR_RETURN(const learning::ResultLayout layout,
                            learning::ResultLayout::FromProto(order.task->result_layout()));
    if (layout.Find(learning::kFeatureCounts)) {
      SKERRY_RETURN_IF_ERROR(Statistics(order, run).status());
    }
  }
  const auto source = external_sources_.find(order.spec->data().source());
  const TrainersSite site = {site_, source == external_sources_.end() ? nullptr : &source->second,
                             &policy_};
  return external_->Work(order, site, run);
}

Status NativeTrainer::MakeModel(const v1::RunSpec& spec, RunData& run) {
  const auto num_inputs = static_cast<int64_t>(learning::FeatureColumns(spec.data()).size());
  const int64_t num_classes = spec.data().label_classes_size();
  SKERRY_ASSIGN_OR_RETURN(const learning::DType dtype, learning::DTypeOf(spec.model()));
  if (dtype == learning::DType::kF64) {
    SKERRY_ASSIGN_OR_RETURN(run.f64.model,
                            learning::MakeModelF64(spec.model(), num_inputs, num_classes));
    return Divide(spec.model(), run.f64);
  }
  SKERRY_ASSIGN_OR_RETURN(run.f32.model,
                          learning::MakeModel(spec.model(), num_inputs, num_classes));
  return Divide(spec.model(), run.f32);
}

Result<WorkDone> NativeTrainer::WorkOfKind(const WorkOrder& order, RunData& run) const {
  if (order.spec->model().kind() == "trees") return AddUpForTrees(order, policy_, models_, run);
  if (order.task->kind() == v1::STATISTICS) return Statistics(order, run);
  if (order.spec->model().kind() == "k_means") return AddUpForKMeans(order, policy_, models_, run);
  if (learning::IsExternal(*order.spec)) return WorkExternally(order, run);
  if (run.f64.model != nullptr) return TrainAndEvaluate(order, *run.data, run.f64);
  return TrainAndEvaluate(order, *run.data, run.f32);
}

Status NativeTrainer::Read(const WorkOrder& order, RunData& run) const {
  const v1::DataSpec& spec = order.spec->data();
  const auto source = sources_.find(spec.source());
  if (source == sources_.end()) {
    std::vector<std::string> names;
    for (const auto& [name, ignored] : sources_) names.push_back(name);
    return FailedPrecondition("the run reads the data source \"" + spec.source() +
                              "\"; this site has: " + Join(names, ", "))
        .WithHint("add [data." + spec.source() + "] to agent.toml");
  }
  if (!learning::IsExternal(*order.spec)) SKERRY_RETURN_IF_ERROR(MakeModel(*order.spec, run));
  const std::vector<std::string> columns = SiteData::Columns(spec);
  SKERRY_ASSIGN_OR_RETURN(const auto table, source->second(columns));
  // Before any cell is looked at: what is wrong with a cell says something about its row.
  SKERRY_RETURN_IF_ERROR(CheckExamples(policy_, static_cast<int64_t>(table->num_rows())));
  SKERRY_ASSIGN_OR_RETURN(SiteData data, SiteData::Create(*table, spec, spec.source()));
  run.data = std::make_unique<SiteData>(std::move(data));
  return OkStatus();
}

// What the site's own people should know about this run.
std::vector<std::string> NativeTrainer::Remarks(const WorkOrder& order, const RunData& run) const {
  std::vector<std::string> remarks;
  const v1::Split& split = order.spec->data().split();
  const auto look = [&](const char* name, double fraction, SplitPart part) {
    const int64_t rows = NumRows(run, part);
    if (fraction <= 0 || rows == 0 || MayTell(policy_, rows)) return;
    remarks.push_back("this site does not evaluate on its " + std::to_string(rows) + " " + name +
                      " rows: policy.min_examples is " + std::to_string(policy_.min_examples));
  };
  look("validation", split.validation(), SplitPart::kValidation);
  look("test", split.test(), SplitPart::kTest);
  return remarks;
}

Result<WorkDone> NativeTrainer::Statistics(const WorkOrder& order, const RunData& run) const {
  SKERRY_ASSIGN_OR_RETURN(ResultWriter writer, ResultWriter::Create(order));
  const v1::DataSpec& spec = order.spec->data();
  learning::FeatureSums sums = run.data->Sums();
  if (!learning::IsFittedBySums(order.spec->model().kind())) ForgetUnneeded(spec, sums);
  const std::vector<int64_t> counts = learning::CountValues(sums);
  const std::vector<double> values = learning::SumValues(sums);
  SKERRY_RETURN_IF_ERROR(
      writer.Put<int64_t>(learning::kFeatureCounts, std::span<const int64_t>(counts)));
  SKERRY_RETURN_IF_ERROR(
      writer.Put<double>(learning::kFeatureSums, std::span<const double>(values)));
  return WorkDone{sums.num_examples, {}};
}

// The model of a task: this task's own, or one that other tasks begin with too.
template <class T>
class NativeTrainer::Beginning {
 public:
  static Result<Beginning> Load(const WorkOrder& order, const RunModel<T>& run, ModelCache* cache) {
    Beginning beginning;
    beginning.num_inputs_ = static_cast<std::size_t>(run.model->num_features());
    const learning::Layout& parameters = run.split.shared();
    if (cache == nullptr) {
      SKERRY_ASSIGN_OR_RETURN(beginning.own_,
                              LoadModelOf<T>(*order.model, parameters, beginning.num_inputs_));
      return beginning;
    }
    const std::string key = order.task->model().content_hash() + order.task->run_spec_sha256();
    SKERRY_ASSIGN_OR_RETURN(beginning.shared_,
                            cache->Load<T>(key, *order.model, parameters, beginning.num_inputs_));
    return beginning;
  }

  const BasicLoadedModel<T>& model() const { return shared_ == nullptr ? own_ : *shared_; }
  // To be trained. Its own are not there any more then: a large model is in memory once.
  std::vector<T> TakeParameters() {
    return shared_ == nullptr ? std::move(own_.parameters) : shared_->parameters;
  }
  // Takes what was there before from trained parameters.
  Status Subtract(const WorkOrder& order, std::vector<T>& parameters) const {
    if (shared_ == nullptr) {
      return SubtractModel(*order.model, num_inputs_, std::span<T>(parameters));
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] -= shared_->parameters[i];
    return OkStatus();
  }

 private:
  BasicLoadedModel<T> own_;
  std::shared_ptr<const BasicLoadedModel<T>> shared_;
  std::size_t num_inputs_ = 0;
};

template <class T>
Result<WorkDone> NativeTrainer::TrainAndEvaluate(const WorkOrder& order, const SiteData& data,
                                                 RunModel<T>& run) const {
  if (order.model == nullptr) return InvalidArgument("the task has no model");
  const learning::BasicModel<T>& model = *run.model;
  SKERRY_ASSIGN_OR_RETURN(Beginning<T> beginning, Beginning<T>::Load(order, run, models_));
  const BasicLoadedModel<T>& loaded = beginning.model();
  if (run.datasets.empty() || !(run.transform == loaded.transform)) {
    for (const SplitPart part : {SplitPart::kTrain, SplitPart::kValidation, SplitPart::kTest}) {
      run.datasets[part] = data.PrepareOf<T>(part, loaded.transform);
    }
    run.transform = loaded.transform;
  }
  const learning::BasicDataset<T>& rows = run.datasets.at(SplitPart::kTrain);
  SKERRY_ASSIGN_OR_RETURN(ResultWriter writer, ResultWriter::Create(order));
  SKERRY_ASSIGN_OR_RETURN(const LocalTrainingOptions options, Options(order));
  const v1::TrainingSpec& training = order.spec->training();
  SiteAlgorithm<T> algorithm(training);
  WorkDone done;
  std::vector<std::string> names = PersonalVectors(training.personal());
  const bool trains = order.task->kind() == v1::TRAIN;
  if (trains) {
    for (std::string& name : algorithm.Kept()) names.push_back(std::move(name));
  }
  const bool has_local = run.split.has_local();
  if (has_local) names.emplace_back(kLocalTensors);
  const std::size_t size =
      has_local ? static_cast<std::size_t>(run.split.num_local()) : loaded.parameters.size();
  SKERRY_ASSIGN_OR_RETURN(KeptVectors<T> kept, KeptVectors<T>::Read(order, names, size, done));
  std::vector<T> whole;
  if (has_local) {
    whole = Whole(run, order.spec->seed(), std::span<const T>(loaded.parameters), kept);
  }
  const std::span<const T> received =
      has_local ? std::span<const T>(whole) : std::span<const T>(loaded.parameters);
  if (order.task->evaluate() || !trains) {
    SKERRY_RETURN_IF_ERROR(WriteEvaluation(model, received, run.datasets,
                                           order.spec->data().split(), policy_, ProgressOf(order),
                                           writer));
    SKERRY_RETURN_IF_ERROR(EvaluatePersonal(order, run, received, kept, writer, done));
    if (has_local && training.personal().kind().empty()) {
      SKERRY_RETURN_IF_ERROR(KeepPersonal(order, run, received, done));
    }
  }
  done.num_examples = rows.rows;
  if (!trains) return done;

  SKERRY_RETURN_IF_ERROR(algorithm.Begin(order, model, rows, received, kept));
  if (training.personal().kind() == "ditto") {
    SKERRY_ASSIGN_OR_RETURN(const LocalTrainingOptions personal, PersonalOptions(order));
    SKERRY_RETURN_IF_ERROR(TrainDitto(training.personal(), {model, rows, personal}, received, kept,
                                      order.stop, StepsOf(order)));
  }
  std::vector<T> parameters = has_local ? whole : beginning.TakeParameters();
  SKERRY_ASSIGN_OR_RETURN(
      const learning::LocalTrainingResult trained,
      learning::TrainLocally({model, rows, options, &algorithm.algorithm()},
                             std::span<T>(parameters), order.stop, StepsOf(order)));
  if (has_local) KeepLocal(run, parameters, kept);
  SKERRY_RETURN_IF_ERROR(beginning.Subtract(order, parameters));
  SKERRY_RETURN_IF_ERROR(
      algorithm.End(parameters, trained, options.learning_rate, kept, writer, done));
  SKERRY_RETURN_IF_ERROR(kept.Write(order, done));
  SKERRY_RETURN_IF_ERROR(WriteUpdate(order, site_, std::move(parameters), writer, done));
  done.scalars["train_loss"] = trained.train_loss;
  return done;
}

// Into the sections that the task asks for, if any.
template <class T>
Status NativeTrainer::EvaluatePersonal(const WorkOrder& order, const RunModel<T>& run,
                                       std::span<const T> received, const KeptVectors<T>& kept,
                                       ResultWriter& writer, WorkDone& done) const {
  const v1::PersonalSpec& personal = order.spec->training().personal();
  if (!learning::EvaluatesPersonal(personal, order.task->kind())) return OkStatus();
  SKERRY_ASSIGN_OR_RETURN(const LocalTrainingOptions options, PersonalOptions(order));
  SKERRY_ASSIGN_OR_RETURN(
      const std::vector<T> own,
      PersonalModel(personal, {*run.model, run.datasets.at(SplitPart::kTrain), options}, received,
                    kept, order.stop, StepsOf(order)));
  SKERRY_RETURN_IF_ERROR(WriteEvaluation(*run.model, std::span<const T>(own), run.datasets,
                                         order.spec->data().split(), policy_, ProgressOf(order),
                                         writer, learning::kPersonalPrefix));
  return KeepPersonal(order, run, std::span<const T>(own), done);
}

template <class T>
Status NativeTrainer::KeepPersonal(const WorkOrder& order, const RunModel<T>& run,
                                   std::span<const T> own, WorkDone& done) const {
  if (order.personal_model == nullptr) return OkStatus();
  done.has_personal_model = true;
  return WritePersonalModel(order, site_, run.model->parameters(),
                            static_cast<std::size_t>(run.model->num_features()), own);
}

Result<LocalTrainingOptions> NativeTrainer::Options(const WorkOrder& order) const {
  SKERRY_ASSIGN_OR_RETURN(LocalTrainingOptions options,
                          learning::ReadLocalTraining(order.spec->training()));
  if (order.task->kind() == v1::TRAIN) options.learning_rate = order.task->learning_rate();
  options.seed = order.spec->seed();
  options.round = order.task->round();
  options.site = site_;
  return options;
}

// A rate of its own follows the same schedule.
Result<LocalTrainingOptions> NativeTrainer::PersonalOptions(const WorkOrder& order) const {
  SKERRY_ASSIGN_OR_RETURN(LocalTrainingOptions options, Options(order));
  const v1::TrainingSpec& training = order.spec->training();
  if (training.personal().learning_rate() > 0) {
    options.learning_rate *= training.personal().learning_rate() / training.learning_rate();
  }
  return options;
}

}  // namespace skerry::client
