// The way of evaluation sums over the wire. What comes in was written by strangers.
#include <cstdint>
#include <string>
#include <utility>

#include "base/check.h"
#include "learning/finite.h"
#include "learning/metrics.h"

namespace skerry::learning {
namespace {

constexpr auto kNumBins = static_cast<std::size_t>(EvaluationSums::kBins);

bool CountsCorrect(OutputKind kind) {
  return kind == OutputKind::kBinary || kind == OutputKind::kClasses;
}

std::vector<TensorSpec> CountTensors(OutputKind kind) {
  std::vector<TensorSpec> tensors = {{"num_examples", DType::kI64, {}}};
  if (kind == OutputKind::kRisk) {
    tensors.push_back({"comparable_pairs", DType::kI64, {}});
    tensors.push_back({"concordant_pairs", DType::kI64, {}});
    tensors.push_back({"tied_pairs", DType::kI64, {}});
  }
  if (CountsCorrect(kind)) tensors.push_back({"num_correct", DType::kI64, {}});
  if (kind == OutputKind::kBinary) {
    tensors.push_back({"num_positive", DType::kI64, {}});
    tensors.push_back({"positive_histogram", DType::kI64, {EvaluationSums::kBins}});
    tensors.push_back({"negative_histogram", DType::kI64, {EvaluationSums::kBins}});
  }
  return tensors;
}

std::vector<TensorSpec> SumTensors(OutputKind kind) {
  std::vector<TensorSpec> tensors = {{"loss", DType::kF64, {}}};
  if (kind == OutputKind::kValue) {
    tensors.push_back({"absolute_error", DType::kF64, {}});
    tensors.push_back({"label", DType::kF64, {}});
    tensors.push_back({"label_squared", DType::kF64, {}});
  }
  return tensors;
}

std::size_t NumElements(const std::vector<TensorSpec>& tensors) {
  int64_t elements = 0;
  for (const TensorSpec& tensor : tensors) elements += tensor.NumElements();
  return static_cast<std::size_t>(elements);
}

Status Contradiction(const std::string& what) {
  return InvalidArgument("the evaluation contradicts itself: " + what);
}

// Adds up a histogram whose sum must be `total`, without overflow.
bool AddsUpTo(std::span<const int64_t> histogram, int64_t total) {
  int64_t rest = total;
  for (const int64_t count : histogram) {
    if (count < 0 || count > rest) return false;
    rest -= count;
  }
  return rest == 0;
}

Status CheckPairs(const EvaluationSums& sums) {
  const Concordance& pairs = sums.pairs;
  if (pairs.comparable < 0 || pairs.concordant < 0 || pairs.concordant > pairs.comparable ||
      pairs.tied < 0 || pairs.tied > pairs.comparable - pairs.concordant) {
    return Contradiction("the pairs do not add up");
  }
  const auto rows = static_cast<double>(sums.num_examples);
  if (static_cast<double>(pairs.comparable) > rows * (rows - 1) / 2) {
    return Contradiction("more pairs than " + std::to_string(sums.num_examples) + " rows make");
  }
  return OkStatus();
}

Status CheckCounts(OutputKind kind, const EvaluationSums& sums) {
  if (sums.num_examples < 0) return Contradiction("the number of rows is negative");
  if (sums.num_correct < 0 || sums.num_correct > sums.num_examples) {
    return Contradiction(std::to_string(sums.num_correct) + " right answers for " +
                         std::to_string(sums.num_examples) + " rows");
  }
  if (kind == OutputKind::kRisk) return CheckPairs(sums);
  if (kind != OutputKind::kBinary) return OkStatus();
  if (sums.num_positive < 0 || sums.num_positive > sums.num_examples) {
    return Contradiction(std::to_string(sums.num_positive) + " rows of class 1 among " +
                         std::to_string(sums.num_examples));
  }
  if (!AddsUpTo(sums.positive_histogram, sums.num_positive) ||
      !AddsUpTo(sums.negative_histogram, sums.num_examples - sums.num_positive)) {
    return Contradiction("a histogram of scores does not add up to its rows");
  }
  return OkStatus();
}

Status CheckSums(const EvaluationSums& sums) {
  const double values[] = {sums.loss, sums.absolute_error, sums.label, sums.label_squared};
  for (const double value : values) {
    if (!IsFinite(value)) {
      return InvalidArgument("a sum of the evaluation is not a finite number")
          .WithHint("the model gives NaN or infinity: lower training.learning_rate");
    }
    if (sums.num_examples == 0 && value != 0) return Contradiction("sums over no rows are not 0");
  }
  if (sums.loss < 0 || sums.absolute_error < 0 || sums.label_squared < 0) {
    return Contradiction("a sum of losses or squares is negative");
  }
  return OkStatus();
}

}  // namespace

std::string EvaluationCounts(std::string_view split) {
  return "evaluation." + std::string(split) + ".counts";
}

std::string EvaluationSumsOf(std::string_view split) {
  return "evaluation." + std::string(split) + ".sums";
}

std::vector<Section> EvaluationSections(OutputKind kind, std::string_view split) {
  // The names and sizes are our own, so that these layouts are always good.
  return {{EvaluationCounts(split), Rule::kSumI64, Layout::Create(CountTensors(kind)).value()},
          {EvaluationSumsOf(split), Rule::kSumF64, Layout::Create(SumTensors(kind)).value()}};
}

EvaluationValues ToValues(OutputKind kind, const EvaluationSums& sums) {
  EvaluationValues values;
  values.counts = {sums.num_examples};
  if (CountsCorrect(kind)) values.counts.push_back(sums.num_correct);
  if (kind == OutputKind::kRisk) {
    const Concordance& pairs = sums.pairs;
    values.counts.insert(values.counts.end(), {pairs.comparable, pairs.concordant, pairs.tied});
  }
  if (kind == OutputKind::kBinary) {
    SKERRY_CHECK(sums.positive_histogram.size() == kNumBins &&
                 sums.negative_histogram.size() == kNumBins);
    values.counts.push_back(sums.num_positive);
    for (const auto* histogram : {&sums.positive_histogram, &sums.negative_histogram}) {
      values.counts.insert(values.counts.end(), histogram->begin(), histogram->end());
    }
  }
  values.sums = {sums.loss};
  if (kind == OutputKind::kValue) {
    values.sums.insert(values.sums.end(), {sums.absolute_error, sums.label, sums.label_squared});
  }
  return values;
}

Result<EvaluationSums> FromValues(OutputKind kind, const EvaluationValues& values) {
  if (values.counts.size() != NumElements(CountTensors(kind)) ||
      values.sums.size() != NumElements(SumTensors(kind))) {
    return InvalidArgument("an evaluation of " + std::to_string(values.counts.size()) +
                           " counts and " + std::to_string(values.sums.size()) +
                           " sums does not fit the kind of the label");
  }
  EvaluationSums sums;
  sums.num_examples = values.counts[0];
  sums.loss = values.sums[0];
  if (CountsCorrect(kind)) sums.num_correct = values.counts[1];
  if (kind == OutputKind::kRisk) {
    sums.pairs = {values.counts[1], values.counts[2], values.counts[3]};
  }
  if (kind == OutputKind::kBinary) {
    sums.num_positive = values.counts[2];
    const auto positives = values.counts.begin() + 3;
    sums.positive_histogram.assign(positives, positives + EvaluationSums::kBins);
    sums.negative_histogram.assign(positives + EvaluationSums::kBins, values.counts.end());
  }
  if (kind == OutputKind::kValue) {
    sums.absolute_error = values.sums[1];
    sums.label = values.sums[2];
    sums.label_squared = values.sums[3];
  }
  SKERRY_RETURN_IF_ERROR(CheckCounts(kind, sums));
  SKERRY_RETURN_IF_ERROR(CheckSums(sums));
  return sums;
}

}  // namespace skerry::learning
