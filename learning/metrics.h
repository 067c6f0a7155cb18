#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "learning/layout.h"
#include "learning/model.h"
#include "learning/survival.h"

namespace skerry::learning {

// A named value over some rows, with what it rests on.
struct Metric {
  std::string name;  // "test.auc"
  double value = 0;
  int64_t num_examples = 0;
  int64_t num_positive = 0;  // rows of class 1, where there are two classes

  friend bool operator==(const Metric&, const Metric&) = default;
};

// What evaluation adds up over rows and sites. Every field is a plain sum, so that the metrics of a
// federation are those of all its rows together, not averages of the sites' metrics.
struct EvaluationSums {
  // Scores are counted in bins of 1/16 logit over [-8, 8], the ends open: fine enough for AUC
  // whatever the prevalence.
  static constexpr int64_t kBins = 256;

  int64_t num_examples = 0;
  int64_t num_correct = 0;
  int64_t num_positive = 0;                 // kBinary
  std::vector<int64_t> positive_histogram;  // kBinary: [kBins], rows of class 1 by score
  std::vector<int64_t> negative_histogram;  // kBinary: [kBins], rows of class 0 by score
  double loss = 0;                          // the sum of the losses (kValue: of squared errors)
  double absolute_error = 0;                // kValue
  double label = 0;                         // kValue: the sum of the labels
  double label_squared = 0;                 // kValue
  Concordance pairs;                        // kRisk: pairs of rows of one Evaluate
};

// Sums over rows, with outputs as Model::Forward gives them. A logit above 0 says class 1; of equal
// logits the first class counts. An output that is NaN makes the loss NaN, is never right, and
// falls into the lowest bin. Of kRisk all rows
// are at risk together, and pairs are made of them.
EvaluationSums Evaluate(OutputKind kind, int64_t num_outputs, std::span<const float> outputs,
                        std::span<const float> labels);
EvaluationSums Evaluate(OutputKind kind, int64_t num_outputs, std::span<const double> outputs,
                        std::span<const double> labels);

// "evaluation.SPLIT.counts" and "evaluation.SPLIT.sums".
std::string EvaluationCounts(std::string_view split);
std::string EvaluationSumsOf(std::string_view split);
// The two sections that carry sums for one split: the counts (SUM_I64) and the sums (SUM_F64). Only
// kBinary has the histograms, only kRisk the pairs.
std::vector<Section> EvaluationSections(OutputKind kind, std::string_view split);

// The values of the two sections, in the order of their layouts.
struct EvaluationValues {
  std::vector<int64_t> counts;
  std::vector<double> sums;
};
EvaluationValues ToValues(OutputKind kind, const EvaluationSums& sums);
// INVALID_ARGUMENT for a wrong length, a negative count, counts that contradict each other, or a
// sum that is not finite.
Result<EvaluationSums> FromValues(OutputKind kind, const EvaluationValues& values);

// The metrics of a split, named "SPLIT.loss", ...: kBinary has log_loss, auc, accuracy; kClasses
// log_loss, accuracy; kValue mse, mae, r2; kRisk c_index, cox_loss, both over the pairs and risk
// sets within each site. One that is undefined (no rows; AUC of one class; r2 of constant labels;
// no pairs) is absent, and all are when the loss is not finite.
std::vector<Metric> ToMetrics(OutputKind kind, std::string_view split, const EvaluationSums& sums);

// The names, without the split, of the metrics that a kind of model may have.
std::vector<std::string> MetricNames(OutputKind kind);

// Whether a larger value of the metric of this name (without its split) is a better one.
bool LargerIsBetter(std::string_view name);

// The area under the ROC curve from scores themselves: the share of (positive, negative) pairs in
// order, ties one half (Mann and Whitney). NaN when a class is missing or a score is NaN.
double ExactAuc(std::span<const float> scores, std::span<const float> labels);
double ExactAuc(std::span<const double> scores, std::span<const double> labels);

}  // namespace skerry::learning
