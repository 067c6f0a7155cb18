#include "client/native_trainer.h"

#include <span>
#include <utility>

#include "base/failpoint.h"
#include "base/text.h"
#include "client/model_file.h"
#include "learning/local_training.h"
#include "learning/metrics.h"
#include "learning/program.h"

namespace skerry::client {
namespace {

using learning::Batch;
using learning::Dataset;

// Puts values into the sections of a result file.
class ResultWriter {
 public:
  static Result<ResultWriter> Create(const WorkOrder& order) {
    SKERRY_ASSIGN_OR_RETURN(learning::ResultLayout layout,
                            learning::ResultLayout::FromProto(order.task.result_layout()));
    return ResultWriter(*order.result, std::move(layout));
  }

  // INVALID_ARGUMENT: the task asks for a section of another size than there is, or of another
  // name.
  template <class T>
  Status Put(const std::string& section, std::span<const T> values) {
    const auto index = layout_.Find(section);
    if (!index || layout_.sections()[*index].layout.size_bytes() !=
                      static_cast<int64_t>(values.size_bytes())) {
      return InvalidArgument("the task's result layout does not fit its run: section \"" + section +
                             "\"");
    }
    return file_->WriteAt(static_cast<uint64_t>(layout_.offset_bytes(*index)),
                          {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }

 private:
  ResultWriter(File& file, learning::ResultLayout layout)
      : file_(&file), layout_(std::move(layout)) {}

  File* file_;
  learning::ResultLayout layout_;
};

learning::EvaluationSums EvaluateOn(const learning::Model& model, std::span<const float> parameters,
                                    const Dataset& data) {
  constexpr int64_t kRows = 4096;
  std::vector<float> outputs(static_cast<std::size_t>(data.rows * model.num_outputs()));
  const auto workspace = model.NewWorkspace(std::min(kRows, std::max<int64_t>(data.rows, 1)));
  for (int64_t first = 0; first < data.rows; first += kRows) {
    const int64_t rows = std::min(kRows, data.rows - first);
    const auto at = [](int64_t i) { return static_cast<std::size_t>(i); };
    const Batch batch = {rows,
                         std::span(data.features)
                             .subspan(at(first * data.num_features), at(rows * data.num_features)),
                         std::span(data.labels).subspan(at(first), at(rows))};
    model.Forward(
        parameters, batch,
        std::span(outputs).subspan(at(first * model.num_outputs()), at(rows * model.num_outputs())),
        *workspace);
  }
  return learning::Evaluate(model.output_kind(), model.num_outputs(), outputs, data.labels);
}

std::string_view SplitName(SplitPart part) {
  return part == SplitPart::kValidation ? "validation" : "test";
}

Status Evaluate(const learning::Model& model, std::span<const float> parameters,
                const std::map<SplitPart, Dataset>& datasets, const v1::Split& split,
                ResultWriter& writer) {
  for (const SplitPart part : {SplitPart::kValidation, SplitPart::kTest}) {
    if ((part == SplitPart::kValidation ? split.validation() : split.test()) <= 0) continue;
    const learning::EvaluationValues values =
        learning::ToValues(model.output_kind(), EvaluateOn(model, parameters, datasets.at(part)));
    const std::string prefix = "evaluation." + std::string(SplitName(part));
    SKERRY_RETURN_IF_ERROR(
        writer.Put<int64_t>(prefix + ".counts", std::span<const int64_t>(values.counts)));
    SKERRY_RETURN_IF_ERROR(
        writer.Put<double>(prefix + ".sums", std::span<const double>(values.sums)));
  }
  return OkStatus();
}

}  // namespace

NativeTrainer::NativeTrainer(std::string site, std::map<std::string, RowReader> sources,
                             SitePolicy policy, int max_runs)
    : site_(std::move(site)),
      sources_(std::move(sources)),
      policy_(std::move(policy)),
      runs_(max_runs) {}

Result<WorkDone> NativeTrainer::Run(const WorkOrder& order) {
  SKERRY_RETURN_IF_ERROR(CheckRun(policy_, *order.spec));
  // A coordinator that began anew counts its runs from 1 again.
  const std::string run = order.coordinator_id + "/" + order.task.run_id() + "/" +
                          HexEncode(order.task.run_spec_sha256());
  SKERRY_ASSIGN_OR_RETURN(RunDataCache::Lease lease, runs_.Take(run, order.stop));
  Result<WorkDone> done = Work(order, *lease);
  const Code code = done.status().code();
  if (code != Code::kOk && code != Code::kCancelled && code != Code::kResourceExhausted) {
    lease.Forget();
  }
  return done;
}

Result<WorkDone> NativeTrainer::Work(const WorkOrder& order, RunData& run) const {
  if (run.data == nullptr) SKERRY_RETURN_IF_ERROR(Read(order, run));
  SKERRY_RETURN_IF_ERROR(
      CheckExamples(policy_, static_cast<int64_t>(run.data->num_rows(SplitPart::kTrain))));
  if (order.task.kind() == v1::STATISTICS) return Statistics(order, run);
  return TrainAndEvaluate(order, run);
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
  SKERRY_ASSIGN_OR_RETURN(
      run.model, learning::MakeModel(order.spec->model(),
                                     static_cast<int64_t>(learning::FeatureColumns(spec).size()),
                                     spec.label_classes_size()));
  const std::vector<std::string> columns = SiteData::Columns(spec);
  SKERRY_ASSIGN_OR_RETURN(const auto table, source->second(columns));
  SKERRY_ASSIGN_OR_RETURN(SiteData data, SiteData::Create(*table, spec, spec.source()));
  run.data = std::make_unique<SiteData>(std::move(data));
  return OkStatus();
}

Result<WorkDone> NativeTrainer::Statistics(const WorkOrder& order, const RunData& run) const {
  SKERRY_ASSIGN_OR_RETURN(ResultWriter writer, ResultWriter::Create(order));
  const learning::FeatureSums sums = run.data->Sums();
  const std::vector<int64_t> counts = learning::CountValues(sums);
  const std::vector<double> values = learning::SumValues(sums);
  SKERRY_RETURN_IF_ERROR(writer.Put<int64_t>("features.counts", std::span<const int64_t>(counts)));
  SKERRY_RETURN_IF_ERROR(writer.Put<double>("features.sums", std::span<const double>(values)));
  return WorkDone{sums.num_examples, {}};
}

Result<WorkDone> NativeTrainer::TrainAndEvaluate(const WorkOrder& order, RunData& run) const {
  if (order.model == nullptr) return InvalidArgument("the task has no model");
  const learning::Model& model = *run.model;
  SKERRY_ASSIGN_OR_RETURN(
      LoadedModel loaded,
      LoadModel(*order.model, model.parameters(), static_cast<std::size_t>(model.num_features())));
  if (run.datasets.empty() || !(run.transform == loaded.transform)) {
    for (const SplitPart part : {SplitPart::kTrain, SplitPart::kValidation, SplitPart::kTest}) {
      run.datasets[part] = run.data->Prepare(part, loaded.transform);
    }
    run.transform = loaded.transform;
  }
  SKERRY_ASSIGN_OR_RETURN(ResultWriter writer, ResultWriter::Create(order));
  const v1::Split& split = order.spec->data().split();
  if (order.task.evaluate() || order.task.kind() == v1::EVALUATE) {
    SKERRY_RETURN_IF_ERROR(Evaluate(model, loaded.parameters, run.datasets, split, writer));
  }
  const Dataset& rows = run.datasets.at(SplitPart::kTrain);
  if (order.task.kind() == v1::EVALUATE) return WorkDone{rows.rows, {}};

  const v1::TrainingSpec& training = order.spec->training();
  learning::LocalTrainingOptions options;
  options.local_epochs = training.local_epochs();
  options.batch_size = training.batch_size();
  options.learning_rate = order.task.learning_rate();
  options.momentum = training.momentum();
  options.weight_decay = training.weight_decay();
  options.seed = order.spec->seed();
  options.round = order.task.round();
  options.site = site_;
  std::vector<float> parameters = loaded.parameters;
  SKERRY_ASSIGN_OR_RETURN(
      const learning::LocalTrainingResult trained,
      learning::TrainLocally(model, rows, options, parameters, order.stop,
                             [&](int64_t done, int64_t total) {
                               SKERRY_FAILPOINT("client/training-step");
                               order.progress->total.store(total, std::memory_order_relaxed);
                               order.progress->done.store(done, std::memory_order_relaxed);
                             }));
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] -= loaded.parameters[i];
  SKERRY_RETURN_IF_ERROR(
      writer.Put<float>(learning::kUpdateSection, std::span<const float>(parameters)));
  WorkDone done;
  done.num_examples = trained.num_examples;
  done.scalars["train_loss"] = trained.train_loss;
  return done;
}

}  // namespace skerry::client
