#include "learning/local_training.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "base/prefetch.h"
#include "base/random.h"
#include "learning/aggregator.h"
#include "learning/finite.h"

namespace skerry::learning {
namespace {

constexpr int64_t kMaxEpochs = 1'000'000;  // so that steps can be counted in 64 bits

OptimizerOptions OptimizerOf(const LocalTrainingOptions& options) {
  return {.kind = options.optimizer,
          .learning_rate = options.learning_rate,
          .momentum = options.momentum,
          .nesterov = options.nesterov,
          .weight_decay = options.weight_decay,
          .beta1 = options.beta1,
          .beta2 = options.beta2,
          .epsilon = options.epsilon};
}

Status CheckOptions(const LocalTrainingOptions& options) {
  const int64_t most = kMaxEpochs;
  if (options.local_steps < 0 || options.local_steps > most) {
    return BadOption("local_steps", static_cast<double>(options.local_steps), "0 to 1000000");
  }
  const bool by_epochs = options.local_steps == 0;
  if (by_epochs && (options.local_epochs < 1 || options.local_epochs > most)) {
    return BadOption("local_epochs", static_cast<double>(options.local_epochs), "1 to 1000000");
  }
  if (options.batch_size < 0) {
    return BadOption("batch_size", static_cast<double>(options.batch_size), "0 or more");
  }
  if (!(options.clipping_norm >= 0) || !IsFinite(options.clipping_norm)) {
    return BadOption("clipping_norm", options.clipping_norm, "0 or more");
  }
  return CheckOptimizer(OptimizerOf(options));
}

bool IsLabelOf(OutputKind kind, double num_outputs, double label) {
  switch (kind) {
    case OutputKind::kValue:
    case OutputKind::kRisk:
      return IsFinite(label);
    case OutputKind::kBinary:
      return label == 0.0 || label == 1.0;
    case OutputKind::kClasses:
      break;
  }
  return label >= 0.0 && label < num_outputs && label == std::trunc(label);
}

// Many at a time: without a way out of the loop.
template <class T>
bool AreBinary(std::span<const T> labels) {
  bool binary = true;
  for (const T label : labels) binary = binary & ((label == T{0}) | (label == T{1}));
  return binary;
}

template <class T>
Status CheckData(const BasicModel<T>& model, const BasicDataset<T>& data) {
  if (data.rows < 1) {
    return FailedPrecondition("there are no rows to train on")
        .WithHint("look at data.split, at data.missing and at the source's rows");
  }
  if (data.rows > std::numeric_limits<uint32_t>::max()) {
    return InvalidArgument("more than 2^32 - 1 rows");
  }
  if (data.num_features != model.num_features() ||
      static_cast<int64_t>(data.features.size()) != data.rows * data.num_features ||
      static_cast<int64_t>(data.labels.size()) != data.rows) {
    return InvalidArgument("rows of " + std::to_string(data.num_features) +
                           " inputs do not fit a model of " + std::to_string(model.num_features()));
  }
  const OutputKind kind = model.output_kind();
  if (kind == OutputKind::kBinary && AreBinary<T>(data.labels)) return OkStatus();
  const auto num_outputs = static_cast<double>(model.num_outputs());
  for (std::size_t r = 0; r < data.labels.size(); ++r) {
    if (!IsLabelOf(kind, num_outputs, static_cast<double>(data.labels[r]))) {
      return InvalidArgument("row " + std::to_string(r) +
                             ": the label is none that the model knows");
    }
  }
  return OkStatus();
}

// The rows of one batch, side by side. Allocates in its constructor only.
template <class T>
class BatchBuffer {
 public:
  BatchBuffer(const BasicDataset<T>& data, int64_t max_rows)
      : data_(data),
        features_(static_cast<std::size_t>(max_rows * data.num_features)),
        labels_(static_cast<std::size_t>(max_rows)) {}

  BasicBatch<T> Gather(std::span<const uint32_t> rows) {
    const auto width = static_cast<std::size_t>(data_.num_features);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(data_.features.data() + rows[i] * width, width, features_.data() + i * width);
      labels_[i] = data_.labels[rows[i]];
    }
    return {static_cast<int64_t>(rows.size()),
            std::span<const T>(features_).first(rows.size() * width),
            std::span<const T>(labels_).first(rows.size())};
  }

 private:
  const BasicDataset<T>& data_;
  std::vector<T> features_;
  std::vector<T> labels_;
};

Status Diverged(int64_t step, int64_t total) {
  return OutOfRange("training diverged in step " + std::to_string(step) + " of " +
                    std::to_string(total) + ": the loss or a parameter is no finite number")
      .WithHint("lower training.learning_rate, or set data.standardize = true");
}

class ShuffledRows final : public RowOrder {
 public:
  ShuffledRows(const LocalTrainingOptions& options, uint64_t round)
      : seed_(options.seed), round_(round), site_(options.site) {}

  void Fill(int64_t epoch, std::span<uint32_t> rows) const override {
    std::iota(rows.begin(), rows.end(), 0U);
    RandomStream stream(seed_, Purpose::kShuffle, round_, site_, static_cast<uint64_t>(epoch));
    Shuffle(stream, rows);
  }

 private:
  const uint64_t seed_;
  const uint64_t round_;
  const std::string site_;
};

int64_t StepsOfEpoch(const LocalTrainingOptions& options, int64_t rows) {
  return options.batch_size == 0 ? 1 : (rows - 1) / options.batch_size + 1;
}

// One call of TrainLocally: the buffers and where it stands.
template <class T>
class Trainer {
 public:
  Trainer(const LocalTask<T>& task, std::span<T> parameters)
      : task_(task),
        by_epochs_(task.options.local_steps == 0),
        all_rows_(task.options.batch_size == 0),
        batch_rows_(all_rows_ ? task.data.rows : std::min(task.options.batch_size, task.data.rows)),
        steps_of_epoch_(StepsOfEpoch(task.options, task.data.rows)),
        first_(by_epochs_ ? 0 : (task.options.round - 1) * task.options.local_steps),
        total_(by_epochs_ ? task.options.local_epochs * steps_of_epoch_ : task.options.local_steps),
        parameters_(parameters),
        shuffled_(task.options,
                  by_epochs_ ? static_cast<uint64_t>(task.options.round) : uint64_t{0}),
        order_(all_rows_ ? 0 : static_cast<std::size_t>(task.data.rows)),
        batch_(task.data, all_rows_ ? 0 : batch_rows_),
        gradient_(parameters.size()),
        optimizer_(OptimizerOf(task.options), parameters.size()),
        workspace_(task.model.NewWorkspace(batch_rows_)) {}

  Status Run(const std::stop_token& stop, const StepProgress& progress) {
    for (int64_t step = first_; step < first_ + total_; ++step) {
      if (stop.stop_requested()) {
        return Cancelled("training was stopped after step " + std::to_string(done_) + " of " +
                         std::to_string(total_));
      }
      const BasicBatch<T> batch = NextBatch(step);
      const double mean = Step(batch);
      if (!IsFinite(mean)) return Diverged(done_, total_);
      loss_ += mean * static_cast<double>(batch.rows);
      rows_ += batch.rows;
      if (progress) progress(done_, total_);
    }
    return OkStatus();
  }

  int64_t done() const { return done_; }
  int64_t total() const { return total_; }
  double mean_loss() const { return loss_ / static_cast<double>(rows_); }

 private:
  // Begins an epoch where one begins.
  BasicBatch<T> NextBatch(int64_t step) {
    const int64_t epoch = step / steps_of_epoch_;
    const int64_t place = step % steps_of_epoch_;
    if (place == 0 && by_epochs_) {
      loss_ = 0;
      rows_ = 0;
    }
    if (all_rows_) return AllRows(task_.data);
    if (place == 0 || step == first_) {
      const RowOrder& order = task_.order == nullptr ? shuffled_ : *task_.order;
      order.Fill(epoch, order_);
    }
    const auto begin = static_cast<std::size_t>(place * batch_rows_);
    const std::span<const uint32_t> rest = std::span<const uint32_t>(order_).subspan(begin);
    return batch_.Gather(rest.first(std::min(rest.size(), static_cast<std::size_t>(batch_rows_))));
  }

  double Step(BasicBatch<T> batch) {
    batch.step = {task_.options.seed, task_.options.round, task_.options.site, done_};
    const double loss = task_.model.Gradient(parameters_, batch, gradient_, *workspace_);
    if (task_.options.clipping_norm > 0) {
      ClipNorm(std::span<T>(gradient_), task_.options.clipping_norm);
    }
    if (task_.algorithm != nullptr) task_.algorithm->AddToGradient(parameters_, gradient_);
    optimizer_.Step(gradient_, parameters_);
    task_.model.FinishStep(parameters_, *workspace_);
    ++done_;
    return loss;
  }

  const LocalTask<T> task_;
  const bool by_epochs_;
  const bool all_rows_;
  const int64_t batch_rows_;
  const int64_t steps_of_epoch_;
  const int64_t first_;  // step, counted over all rounds where local_steps says how long they are
  const int64_t total_;
  int64_t done_ = 0;
  double loss_ = 0;   // the sum over the rows
  int64_t rows_ = 0;  // that it is of
  std::span<T> parameters_;
  const ShuffledRows shuffled_;
  std::vector<uint32_t> order_;
  BatchBuffer<T> batch_;
  std::vector<T> gradient_;
  Optimizer<T> optimizer_;
  std::unique_ptr<typename BasicModel<T>::Workspace> workspace_;
};

bool AllFinite(std::span<const float> values) { return CheckF32(values).finite; }
bool AllFinite(std::span<const double> values) { return CheckF64(values).finite; }

template <class T>
Result<LocalTrainingResult> Train(const LocalTask<T>& task, std::span<T> parameters,
                                  const std::stop_token& stop, const StepProgress& progress) {
  Prefetch(std::span(task.data.labels));
  Prefetch(std::span(task.data.features));
  SKERRY_RETURN_IF_ERROR(CheckOptions(task.options));
  SKERRY_RETURN_IF_ERROR(CheckData(task.model, task.data));
  SKERRY_CHECK(static_cast<int64_t>(parameters.size()) == task.model.parameters().num_elements());
  Trainer<T> trainer(task, parameters);
  SKERRY_RETURN_IF_ERROR(trainer.Run(stop, progress));
  // The last step is followed by no loss that would show it.
  if (!AllFinite(parameters)) return Diverged(trainer.done(), trainer.total());
  return LocalTrainingResult{task.data.rows, trainer.done(), trainer.mean_loss()};
}

}  // namespace

Result<LocalTrainingOptions> ReadLocalTraining(const v1::TrainingSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(const OptimizerOptions optimizer, ReadOptimizer(spec));
  LocalTrainingOptions options;
  options.local_epochs = spec.local_epochs();
  options.local_steps = spec.local_steps();
  options.batch_size = spec.batch_size();
  options.learning_rate = spec.learning_rate();
  options.clipping_norm = spec.clipping_norm();
  options.optimizer = optimizer.kind;
  options.momentum = optimizer.momentum;
  options.nesterov = optimizer.nesterov;
  options.weight_decay = optimizer.weight_decay;
  options.beta1 = optimizer.beta1;
  options.beta2 = optimizer.beta2;
  options.epsilon = optimizer.epsilon;
  SKERRY_RETURN_IF_ERROR(CheckOptions(options));
  return options;
}

Result<LocalTrainingResult> TrainLocally(const LocalTask<float>& task, std::span<float> parameters,
                                         const std::stop_token& stop,
                                         const StepProgress& progress) {
  return Train(task, parameters, stop, progress);
}

Result<LocalTrainingResult> TrainLocally(const LocalTask<double>& task,
                                         std::span<double> parameters, const std::stop_token& stop,
                                         const StepProgress& progress) {
  return Train(task, parameters, stop, progress);
}

template <class T>
Result<double> LossOverRows(const BasicModel<T>& model, const BasicDataset<T>& data,
                            std::span<const T> parameters, const RowProgress& progress) {
  constexpr int64_t kMostRows = 256;
  const auto size = [](int64_t n) { return static_cast<std::size_t>(n); };
  const bool together = model.output_kind() == OutputKind::kRisk;
  const int64_t most = std::min(kMostRows, RowsAtATime(model, data.rows));
  const auto workspace = model.NewWorkspace(most);
  std::vector<T> outputs(size((together ? data.rows : most) * model.num_outputs()));
  const auto loss_of = [&](int64_t begin, int64_t rows) {
    return MeanLoss(model.output_kind(), model.num_outputs(),
                    std::span<const T>(outputs).first(size(rows * model.num_outputs())),
                    std::span(data.labels).subspan(size(begin), size(rows))) *
           static_cast<double>(rows);
  };
  double sum = 0;
  for (int64_t first = 0; first < data.rows; first += most) {
    if (progress) SKERRY_RETURN_IF_ERROR(progress(first, data.rows));
    const int64_t rows = std::min(most, data.rows - first);
    const BasicBatch<T> batch = {
        rows,
        std::span(data.features)
            .subspan(size(first * data.num_features), size(rows * data.num_features)),
        std::span(data.labels).subspan(size(first), size(rows))};
    const int64_t place = together ? first : 0;
    model.Forward(parameters, batch,
                  std::span(outputs).subspan(size(place * model.num_outputs()),
                                             size(rows * model.num_outputs())),
                  *workspace);
    if (!together) sum += loss_of(first, rows);
  }
  if (together) sum = loss_of(0, data.rows);
  return data.rows == 0 ? 0.0 : sum / static_cast<double>(data.rows);
}
template Result<double> LossOverRows(const BasicModel<float>&, const BasicDataset<float>&,
                                     std::span<const float>, const RowProgress&);
template Result<double> LossOverRows(const BasicModel<double>&, const BasicDataset<double>&,
                                     std::span<const double>, const RowProgress&);

}  // namespace skerry::learning
