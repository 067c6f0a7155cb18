#include "learning/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "base/check.h"
#include "learning/finite.h"
#include "learning/loss.h"

namespace skerry::learning {
namespace {

constexpr auto kNumBins = static_cast<std::size_t>(EvaluationSums::kBins);

bool IsPositive(double label) { return label > 0.5; }

std::size_t BinOf(double logit) {
  const double bin = std::floor((logit + 8.0) * 16.0);
  if (!(bin > 0)) return 0;  // also NaN
  return bin < 255.0 ? static_cast<std::size_t>(bin) : kNumBins - 1;
}

void AddBinary(double logit, double label, EvaluationSums& sums) {
  const bool positive = IsPositive(label);
  const bool is_number = logit == logit;
  if (is_number && (logit > 0) == positive) ++sums.num_correct;
  if (positive) ++sums.num_positive;
  auto& histogram = positive ? sums.positive_histogram : sums.negative_histogram;
  ++histogram[BinOf(logit)];
}

// Right when the label's logit is above all before it and no logit after it is larger: of equal
// logits the first counts. Comparisons with NaN are false, so a NaN is never right.
template <class T>
bool IsRightClass(std::span<const T> logits, T label) {
  const auto wanted = static_cast<std::size_t>(label);
  for (std::size_t c = 0; c < logits.size(); ++c) {
    const bool beaten = c < wanted ? logits[wanted] > logits[c] : logits[wanted] >= logits[c];
    if (!beaten) return false;
  }
  return true;
}

void AddValue(double output, double y, EvaluationSums& sums) {
  sums.absolute_error += std::fabs(output - y);
  sums.label += y;
  sums.label_squared += y * y;
}

// Mann and Whitney over bins: pairs in different bins are in order, pairs in one bin count half.
double HistogramAuc(const EvaluationSums& sums) {
  double in_order = 0;
  double negatives_below = 0;
  for (std::size_t b = 0; b < kNumBins; ++b) {
    const auto positives = static_cast<double>(sums.positive_histogram[b]);
    const auto negatives = static_cast<double>(sums.negative_histogram[b]);
    in_order += positives * (negatives_below + 0.5 * negatives);
    negatives_below += negatives;
  }
  return in_order / (static_cast<double>(sums.num_positive) * negatives_below);
}

// One minus the squared error by that of the labels' mean; false where the labels are constant.
bool R2(const EvaluationSums& sums, double* r2) {
  const double mean = sums.label / static_cast<double>(sums.num_examples);
  const double spread = sums.label_squared - mean * sums.label;
  if (!(spread > 1e-12 * sums.label_squared)) return false;
  *r2 = 1.0 - sums.loss / spread;
  return true;
}

template <class T>
EvaluationSums EvaluateRows(OutputKind kind, int64_t num_outputs, std::span<const T> outputs,
                            std::span<const T> labels) {
  const auto width = static_cast<std::size_t>(num_outputs);
  SKERRY_CHECK(num_outputs >= 1 && outputs.size() == labels.size() * width);
  EvaluationSums sums;
  sums.num_examples = static_cast<int64_t>(labels.size());
  if (kind == OutputKind::kBinary) {
    sums.positive_histogram.resize(kNumBins);
    sums.negative_histogram.resize(kNumBins);
  }
  if (kind == OutputKind::kRisk) {
    sums.loss = CoxLoss(outputs, labels, std::span<T>()) * static_cast<double>(sums.num_examples);
    sums.pairs = CountPairs(outputs, labels);
    return sums;
  }
  for (std::size_t r = 0; r < labels.size(); ++r) {
    const std::span<const T> row = outputs.subspan(r * width, width);
    const double loss = RowLoss(kind, row, labels[r]);
    switch (kind) {
      case OutputKind::kValue:
        sums.loss += 2.0 * loss;
        AddValue(static_cast<double>(row[0]), static_cast<double>(labels[r]), sums);
        break;
      case OutputKind::kBinary:
        sums.loss += loss;
        AddBinary(static_cast<double>(row[0]), static_cast<double>(labels[r]), sums);
        break;
      case OutputKind::kClasses:
        sums.loss += loss;
        if (IsRightClass(row, labels[r])) ++sums.num_correct;
        break;
      case OutputKind::kRisk:
        break;
    }
  }
  return sums;
}

template <class T>
double Auc(std::span<const T> scores, std::span<const T> labels) {
  SKERRY_CHECK(scores.size() == labels.size());
  std::vector<std::pair<T, bool>> rows;
  rows.reserve(scores.size());
  bool is_number = true;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    is_number = is_number && scores[i] == scores[i];
    rows.emplace_back(scores[i], IsPositive(static_cast<double>(labels[i])));
  }
  if (!is_number) return std::nan("");  // NaN cannot be sorted
  std::sort(rows.begin(), rows.end());

  // Pairs are counted twice, so that a tie is a whole number.
  int64_t doubled = 0;
  int64_t negatives_below = 0;
  int64_t num_positive = 0;
  for (std::size_t i = 0; i < rows.size();) {
    int64_t group[2] = {0, 0};
    const T score = rows[i].first;
    for (; i < rows.size() && rows[i].first == score; ++i) ++group[rows[i].second ? 1 : 0];
    doubled += group[1] * (2 * negatives_below + group[0]);
    negatives_below += group[0];
    num_positive += group[1];
  }
  if (num_positive == 0 || negatives_below == 0) return std::nan("");
  return static_cast<double>(doubled) / 2.0 /
         (static_cast<double>(num_positive) * static_cast<double>(negatives_below));
}

}  // namespace

EvaluationSums Evaluate(OutputKind kind, int64_t num_outputs, std::span<const float> outputs,
                        std::span<const float> labels) {
  return EvaluateRows(kind, num_outputs, outputs, labels);
}
EvaluationSums Evaluate(OutputKind kind, int64_t num_outputs, std::span<const double> outputs,
                        std::span<const double> labels) {
  return EvaluateRows(kind, num_outputs, outputs, labels);
}

std::vector<Metric> ToMetrics(OutputKind kind, std::string_view split, const EvaluationSums& sums) {
  std::vector<Metric> metrics;
  if (sums.num_examples <= 0 || !IsFinite(sums.loss)) return metrics;
  const auto rows = static_cast<double>(sums.num_examples);
  const auto add = [&](const char* name, double value) {
    metrics.push_back(
        {std::string(split) + "." + name, value, sums.num_examples, sums.num_positive});
  };
  if (kind == OutputKind::kValue) {
    add("mse", sums.loss / rows);
    add("mae", sums.absolute_error / rows);
    double r2 = 0;
    if (R2(sums, &r2)) add("r2", r2);
    return metrics;
  }
  if (kind == OutputKind::kRisk) {
    const auto pairs = static_cast<double>(sums.pairs.comparable);
    const double in_order =
        static_cast<double>(sums.pairs.concordant) + 0.5 * static_cast<double>(sums.pairs.tied);
    if (pairs > 0) add("c_index", in_order / pairs);
    add("cox_loss", sums.loss / rows);
    return metrics;
  }
  add("log_loss", sums.loss / rows);
  if (kind == OutputKind::kBinary && sums.num_positive > 0 &&
      sums.num_positive < sums.num_examples) {
    add("auc", HistogramAuc(sums));
  }
  add("accuracy", static_cast<double>(sums.num_correct) / rows);
  return metrics;
}

bool LargerIsBetter(std::string_view name) {
  for (const char* known :
       {"auc", "accuracy", "r2", "c_index", "f1", "precision", "recall", "dice", "iou"}) {
    if (name == known) return true;
  }
  return false;
}

std::vector<std::string> MetricNames(OutputKind kind) {
  if (kind == OutputKind::kValue) return {"mse", "mae", "r2"};
  if (kind == OutputKind::kBinary) return {"log_loss", "auc", "accuracy"};
  if (kind == OutputKind::kRisk) return {"c_index", "cox_loss"};
  return {"log_loss", "accuracy"};
}

double ExactAuc(std::span<const float> scores, std::span<const float> labels) {
  return Auc(scores, labels);
}
double ExactAuc(std::span<const double> scores, std::span<const double> labels) {
  return Auc(scores, labels);
}

}  // namespace skerry::learning
