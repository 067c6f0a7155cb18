#include "learning/local_training.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>
#include <vector>

#include "base/random.h"
#include "base/text.h"
#include "learning/aggregator.h"
#include "learning/finite.h"
#include "learning/kernels.h"

namespace skerry::learning {
namespace {

constexpr int64_t kMaxEpochs = 1'000'000;  // so that steps can be counted in 64 bits

Status BadOption(const char* key, double value, const char* needed) {
  return InvalidArgument(std::string("training.") + key + ": must be " + needed + ", not " +
                         FormatExact(value));
}

Status CheckOptions(const LocalTrainingOptions& options) {
  if (options.local_epochs < 1 || options.local_epochs > kMaxEpochs) {
    return BadOption("local_epochs", static_cast<double>(options.local_epochs), "1 to 1000000");
  }
  if (options.batch_size < 1) {
    return BadOption("batch_size", static_cast<double>(options.batch_size), "1 or more");
  }
  if (!(options.learning_rate > 0) || !IsFinite(options.learning_rate)) {
    return BadOption("learning_rate", options.learning_rate, "positive");
  }
  if (!(options.momentum >= 0 && options.momentum < 1)) {
    return BadOption("momentum", options.momentum, "0 or more and below 1");
  }
  if (!(options.weight_decay >= 0) || !IsFinite(options.weight_decay)) {
    return BadOption("weight_decay", options.weight_decay, "0 or more");
  }
  return OkStatus();
}

bool IsLabelOf(const AnyModel& model, double label) {
  switch (model.output_kind()) {
    case OutputKind::kValue:
      return IsFinite(label);
    case OutputKind::kBinary:
      return label == 0.0 || label == 1.0;
    case OutputKind::kClasses:
      break;
  }
  return label >= 0.0 && label < static_cast<double>(model.num_outputs()) &&
         label == std::trunc(label);
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
  for (std::size_t r = 0; r < data.labels.size(); ++r) {
    if (!IsLabelOf(model, static_cast<double>(data.labels[r]))) {
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

// One call of TrainLocally: the buffers and where it stands.
template <class T>
class Trainer {
 public:
  Trainer(const BasicModel<T>& model, const BasicDataset<T>& data,
          const LocalTrainingOptions& options, std::span<T> parameters)
      : model_(model),
        options_(options),
        rates_{static_cast<T>(options.learning_rate), static_cast<T>(options.momentum),
               static_cast<T>(options.weight_decay)},
        batch_rows_(std::min(options.batch_size, data.rows)),
        total_(options.local_epochs * ((data.rows + batch_rows_ - 1) / batch_rows_)),
        parameters_(parameters),
        order_(static_cast<std::size_t>(data.rows)),
        batch_(data, batch_rows_),
        gradient_(parameters.size()),
        velocity_(options.momentum == 0.0 ? 0 : parameters.size()),
        workspace_(model.NewWorkspace(batch_rows_)) {}

  // `loss` receives the sum over the rows.
  Status RunEpoch(int64_t epoch, const std::stop_token& stop, const StepProgress& progress,
                  double* loss) {
    std::iota(order_.begin(), order_.end(), 0U);
    RandomStream stream(options_.seed, Purpose::kShuffle, static_cast<uint64_t>(options_.round),
                        options_.site, static_cast<uint64_t>(epoch));
    Shuffle(stream, order_);
    *loss = 0;
    std::span<const uint32_t> rest = order_;
    while (!rest.empty()) {
      if (stop.stop_requested()) {
        return Cancelled("training was stopped after step " + std::to_string(done_) + " of " +
                         std::to_string(total_));
      }
      const std::size_t rows = std::min(rest.size(), static_cast<std::size_t>(batch_rows_));
      const double mean = Step(rest.first(rows));
      rest = rest.subspan(rows);
      if (!IsFinite(mean)) return Diverged(done_, total_);
      *loss += mean * static_cast<double>(rows);
      if (progress) progress(done_, total_);
    }
    return OkStatus();
  }

  int64_t done() const { return done_; }
  int64_t total() const { return total_; }

 private:
  double Step(std::span<const uint32_t> rows) {
    const double loss = model_.Gradient(parameters_, batch_.Gather(rows), gradient_, *workspace_);
    SgdStep(rates_, gradient_, velocity_, parameters_);
    ++done_;
    return loss;
  }

  const BasicModel<T>& model_;
  const LocalTrainingOptions& options_;
  const std::conditional_t<std::is_same_v<T, double>, SgdRatesF64, SgdRates> rates_;
  const int64_t batch_rows_;
  const int64_t total_;
  int64_t done_ = 0;
  std::span<T> parameters_;
  std::vector<uint32_t> order_;
  BatchBuffer<T> batch_;
  std::vector<T> gradient_;
  std::vector<T> velocity_;
  std::unique_ptr<typename BasicModel<T>::Workspace> workspace_;
};

bool AllFinite(std::span<const float> values) { return CheckF32(values).finite; }
bool AllFinite(std::span<const double> values) { return CheckF64(values).finite; }

template <class T>
Result<LocalTrainingResult> Train(const BasicModel<T>& model, const BasicDataset<T>& data,
                                  const LocalTrainingOptions& options, std::span<T> parameters,
                                  const std::stop_token& stop, const StepProgress& progress) {
  SKERRY_RETURN_IF_ERROR(CheckOptions(options));
  SKERRY_RETURN_IF_ERROR(CheckData(model, data));
  SKERRY_CHECK(static_cast<int64_t>(parameters.size()) == model.parameters().num_elements());
  Trainer<T> trainer(model, data, options, parameters);
  double loss = 0;
  for (int64_t epoch = 0; epoch < options.local_epochs; ++epoch) {
    SKERRY_RETURN_IF_ERROR(trainer.RunEpoch(epoch, stop, progress, &loss));
  }
  // The last step is followed by no loss that would show it.
  if (!AllFinite(parameters)) return Diverged(trainer.done(), trainer.total());
  return LocalTrainingResult{data.rows, trainer.done(), loss / static_cast<double>(data.rows)};
}

}  // namespace

Result<LocalTrainingResult> TrainLocally(const Model& model, const Dataset& data,
                                         const LocalTrainingOptions& options,
                                         std::span<float> parameters, const std::stop_token& stop,
                                         const StepProgress& progress) {
  return Train(model, data, options, parameters, stop, progress);
}

Result<LocalTrainingResult> TrainLocally(const ModelF64& model, const BasicDataset<double>& data,
                                         const LocalTrainingOptions& options,
                                         std::span<double> parameters, const std::stop_token& stop,
                                         const StepProgress& progress) {
  return Train(model, data, options, parameters, stop, progress);
}

}  // namespace skerry::learning
