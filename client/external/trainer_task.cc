#include "client/external/trainer_task.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "client/external/rows_file.h"
#include "client/model_file.h"
#include "client/update_writer.h"
#include "learning/external.h"
#include "learning/features.h"
#include "learning/finite.h"
#include "learning/program.h"
#include "storage/safetensors.h"

namespace skerry::client {
namespace {

using learning::InputTransform;
using learning::TensorSpec;

Status ReadInto(const File& file, uint64_t offset, std::span<char> bytes) {
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(offset, bytes));
  return n == bytes.size() ? OkStatus() : DataLoss("a model file is cut short");
}

// The transform of a version, which must have the run's layout.
Result<InputTransform> ReadTransform(const File& file, std::size_t num_inputs,
                                     const learning::Layout& tensors) {
  SKERRY_ASSIGN_OR_RETURN(const storage::SafetensorsInfo info, storage::ReadSafetensors(file));
  std::vector<TensorSpec> expected;
  if (num_inputs > 0) expected = learning::TransformTensors(num_inputs);
  expected.insert(expected.end(), tensors.tensors().begin(), tensors.tensors().end());
  if (info.layout.tensors() != expected) {
    return FailedPrecondition("the model has another layout than its run");
  }
  InputTransform transform = InputTransform::Identity(num_inputs);
  uint64_t offset = info.data_begin;
  for (auto* values : {&transform.fill, &transform.mean, &transform.scale}) {
    const std::span<char> bytes(reinterpret_cast<char*>(values->data()),
                                values->size() * sizeof(double));
    SKERRY_RETURN_IF_ERROR(ReadInto(file, offset, bytes));
    offset += bytes.size();
  }
  return transform;
}

Status CopyFile(const File& from, File& to) {
  std::string piece(std::size_t{1} << 20, '\0');
  for (uint64_t offset = 0;;) {
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, from.ReadAt(offset, piece));
    SKERRY_RETURN_IF_ERROR(to.WriteAt(offset, std::string_view(piece.data(), n)));
    if (n < piece.size()) return OkStatus();
    offset += n;
  }
}

int64_t RowsOf(const RunData& run, const std::string& split) {
  const SplitPart part = split == "validation" ? SplitPart::kValidation : SplitPart::kTest;
  return static_cast<int64_t>(run.data->num_rows(part));
}

}  // namespace

TrainerTaskWork::TrainerTaskWork(const WorkOrder& order, const TrainersSite& site,
                                 const std::string& models_folder, Files& files, TrainerTalk& talk,
                                 RunData& run)
    : order_(order),
      site_(site),
      models_folder_(models_folder),
      files_(files),
      talk_(talk),
      run_(run),
      num_inputs_(learning::FeatureColumns(order.spec->data()).size()) {}

Result<WorkDone> TrainerTaskWork::Do() {
  SKERRY_ASSIGN_OR_RETURN(tensors_, learning::ExternalLayout(*order_.spec));
  SKERRY_ASSIGN_OR_RETURN(ResultWriter writer, ResultWriter::Create(order_));
  if (!has_rows() && site_.source == nullptr) {
    return FailedPrecondition("the trainer would read the data itself, but has no source to read")
        .WithHint("let each simulated site have a file, or declare data.features in the run file");
  }
  SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(talk_.folder()));
  output_ = talk_.folder() + "/output.safetensors";
  if (order_.task->kind() == v1::INITIAL_MODEL) return Begin(writer);
  if (order_.model == nullptr) return InvalidArgument("the task has no model");
  SKERRY_ASSIGN_OR_RETURN(model_, ModelPath());
  SKERRY_RETURN_IF_ERROR(PrepareRows());
  int64_t evaluated = 0;
  const bool evaluates_only = order_.task->kind() == v1::EVALUATE;
  if (order_.task->evaluate() || evaluates_only) {
    SKERRY_ASSIGN_OR_RETURN(evaluated, Evaluate(writer));
  }
  if (evaluates_only) {
    WorkDone done;
    const auto rows =
        has_rows() ? static_cast<int64_t>(run_.data->num_rows(SplitPart::kTrain)) : evaluated;
    done.num_examples = std::max<int64_t>(rows, 1);
    return done;
  }
  return Train(writer);
}

Status TrainerTaskWork::Trainers(const std::string& what) const {
  return Internal("this site's trainer \"" + talk_.name() + "\" " + what);
}

TrainerTask TrainerTaskWork::NewTask(const std::string& what) const {
  TrainerTask task;
  task.what = what;
  task.run = order_.task->run_id();
  task.site = site_.name;
  task.spec = order_.spec.get();
  task.task = order_.task.get();
  task.tensors = &tensors_;
  task.model = model_;
  if (what != "evaluate") task.output = output_;
  if (run_.rows_file != nullptr) task.rows = run_.rows_file->path();
  task.source = site_.source;
  return task;
}

// Where the version is for the trainer to read.
Result<std::string> TrainerTaskWork::ModelPath() {
  if (!models_folder_.empty()) {
    const std::string name = HexEncode(order_.task->model().content_hash()) + ".safetensors";
    const std::string in_place = models_folder_ + "/" + name;
    if (files_.Open(in_place, OpenMode::kRead).ok()) return in_place;
  }
  std::string path = talk_.folder() + "/model.safetensors";
  SKERRY_ASSIGN_OR_RETURN(const auto file, files_.Open(path, OpenMode::kCreate));
  SKERRY_RETURN_IF_ERROR(CopyFile(*order_.model, *file));
  return path;
}

Status TrainerTaskWork::PrepareRows() {
  SKERRY_ASSIGN_OR_RETURN(const InputTransform transform,
                          ReadTransform(*order_.model, num_inputs_, tensors_));
  if (!has_rows()) return OkStatus();
  if (run_.rows_file != nullptr && run_.rows_file->transform() == transform) return OkStatus();
  run_.rows_file.reset();
  SKERRY_ASSIGN_OR_RETURN(
      run_.rows_file, RowsFile::Write(files_, talk_.NewPath("rows") + ".safetensors", *run_.data,
                                      order_.spec->data(), transform));
  return OkStatus();
}

// ---- Evaluation --------------------------------------------------------------------------------

// Splits that are large enough for the site's policy.
std::vector<std::string> TrainerTaskWork::SplitsToTell() const {
  const v1::Split& split = order_.spec->data().split();
  std::vector<std::string> splits;
  if (split.validation() > 0) splits.emplace_back("validation");
  if (split.test() > 0) splits.emplace_back("test");
  if (!has_rows()) return splits;
  std::erase_if(splits, [this](const std::string& name) {
    return RowsOf(run_, name) == 0 || !MayTell(*site_.policy, RowsOf(run_, name));
  });
  return splits;
}

Result<int64_t> TrainerTaskWork::Evaluate(ResultWriter& writer) {
  TrainerTask task = NewTask("evaluate");
  task.splits = SplitsToTell();
  TrainerDone done;
  if (!task.splits.empty()) {
    SKERRY_ASSIGN_OR_RETURN(done, talk_.Ask(task, *order_.progress));
  }
  return WriteScores(task.splits, done, writer);
}

Status TrainerTaskWork::CheckScore(const std::string& split, const TrainerScore& score) const {
  const std::vector<std::string> names = learning::ExternalSums(order_.spec->evaluation());
  for (const std::string& name : names) {
    if (!score.sums.contains(name)) {
      return Trainers("gave no \"" + name + "\" for the split " + split);
    }
  }
  if (score.sums.size() != names.size()) {
    return Trainers("gave a sum that the run does not ask for")
        .WithHint("[evaluation] metrics in the run file has: " + Join(names, ", "));
  }
  if (has_rows() && score.num_examples > RowsOf(run_, split)) {
    return Trainers("evaluated more rows than there are in the split " + split);
  }
  const bool empty = score.num_examples == 0;
  for (const auto& [name, sum] : score.sums) {
    if (empty && sum != 0) return Trainers("gave sums over no rows that are not 0");
  }
  return OkStatus();
}

Result<int64_t> TrainerTaskWork::WriteScores(const std::vector<std::string>& asked,
                                             const TrainerDone& done, ResultWriter& writer) {
  const std::vector<std::string> names = learning::ExternalSums(order_.spec->evaluation());
  int64_t told = 0;
  for (const std::string split : {"validation", "test"}) {
    if (!writer.layout().Find(learning::EvaluationCounts(split))) continue;
    int64_t count = 0;
    std::vector<double> sums(names.size());
    if (std::find(asked.begin(), asked.end(), split) != asked.end()) {
      const auto score = done.scores.find(split);
      if (score == done.scores.end()) return Trainers("did not evaluate the split " + split);
      SKERRY_RETURN_IF_ERROR(CheckScore(split, score->second));
      if (MayTell(*site_.policy, score->second.num_examples)) {
        count = score->second.num_examples;
        for (std::size_t i = 0; i < names.size(); ++i) sums[i] = score->second.sums.at(names[i]);
      }
    }
    told += count;
    SKERRY_RETURN_IF_ERROR(writer.Put<int64_t>(learning::EvaluationCounts(split),
                                               std::span<const int64_t>(&count, 1)));
    SKERRY_RETURN_IF_ERROR(
        writer.Put<double>(learning::EvaluationSumsOf(split), std::span<const double>(sums)));
  }
  return told;
}

// ---- Training ----------------------------------------------------------------------------------

// Of rows that Skerry prepared it knows the number itself.
Result<int64_t> TrainerTaskWork::NumExamples(const TrainerDone& done) const {
  if (has_rows()) return static_cast<int64_t>(run_.data->num_rows(SplitPart::kTrain));
  if (!done.num_examples || *done.num_examples < 1) {
    return Trainers("did not say on how many examples it trained (num_examples)");
  }
  SKERRY_RETURN_IF_ERROR(CheckExamples(*site_.policy, *done.num_examples));
  return *done.num_examples;
}

Result<std::vector<float>> TrainerTaskWork::ReadOutput() const {
  std::error_code ignored;  // the same comes of opening it
  const auto there = std::filesystem::status(output_, ignored);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    return Trainers("wrote an output that is no regular file");
  }
  const auto file = files_.Open(output_, OpenMode::kRead);
  if (!file.ok()) return Trainers("wrote no output file").WithHint(file.status().message());
  const Result<storage::SafetensorsInfo> info = storage::ReadSafetensors(**file);
  if (!info.ok()) {
    return Trainers("wrote an output that is no safetensors file")
        .WithHint(info.status().message());
  }
  std::vector<float> values(static_cast<std::size_t>(tensors_.num_elements()));
  for (std::size_t i = 0; i < tensors_.tensors().size(); ++i) {
    const TensorSpec& tensor = tensors_.tensors()[i];
    const auto at = info->layout.Find(tensor.name);
    if (!at || !(info->layout.tensors()[*at] == tensor)) {
      return Trainers("wrote no tensor \"" + tensor.name +
                      "\" of the type and shape in the run file");
    }
    const auto begin = values.data() + tensors_.offset_bytes(i) / int64_t{sizeof(float)};
    const std::span<float> part(begin, static_cast<std::size_t>(tensor.NumElements()));
    const auto offset = info->data_begin + static_cast<uint64_t>(info->layout.offset_bytes(*at));
    SKERRY_RETURN_IF_ERROR(
        ReadInto(**file, offset, {reinterpret_cast<char*>(part.data()), part.size_bytes()}));
    const bool finite = std::all_of(part.begin(), part.end(),
                                    [](float value) { return learning::IsFinite(value); });
    if (!finite) return Trainers("wrote a value that is not finite in \"" + tensor.name + "\"");
  }
  return values;
}

Result<WorkDone> TrainerTaskWork::Train(ResultWriter& writer) {
  SKERRY_ASSIGN_OR_RETURN(const TrainerDone trained, talk_.Ask(NewTask("train"), *order_.progress));
  WorkDone done;
  SKERRY_ASSIGN_OR_RETURN(done.num_examples, NumExamples(trained));
  if (trained.train_loss) done.scalars["train_loss"] = *trained.train_loss;
  SKERRY_ASSIGN_OR_RETURN(std::vector<float> values, ReadOutput());
  SKERRY_RETURN_IF_ERROR(SubtractModel(*order_.model, num_inputs_, std::span<float>(values)));
  SKERRY_RETURN_IF_ERROR(WriteUpdate(order_, site_.name, std::move(values), writer, done));
  return done;
}

Result<WorkDone> TrainerTaskWork::Begin(ResultWriter& writer) {
  SKERRY_ASSIGN_OR_RETURN(const TrainerDone begun,
                          talk_.Ask(NewTask("initialize"), *order_.progress));
  WorkDone done;
  done.num_examples = 1;  // one that gives no number has looked at no rows
  if (has_rows() || begun.num_examples.value_or(0) > 0) {
    SKERRY_ASSIGN_OR_RETURN(done.num_examples, NumExamples(begun));
  }
  SKERRY_ASSIGN_OR_RETURN(const std::vector<float> values, ReadOutput());
  SKERRY_RETURN_IF_ERROR(
      writer.Put<float>(learning::kUpdateSection, std::span<const float>(values)));
  return done;
}

}  // namespace skerry::client
