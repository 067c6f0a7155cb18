#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "learning/layout.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// One input of the model. A numeric column gives one; a categorical column one per declared level;
// with the rule "indicator", each column gives one more that is 1 where its cell is missing.
struct FeatureColumn {
  enum class Kind : uint8_t { kNumeric, kLevel, kMissing };
  Kind kind = Kind::kNumeric;
  std::string name;    // "age", "admission=medical", "bmi is missing"
  std::string column;  // of the data source
  std::string level;   // kLevel
};

// The model's inputs in order: numeric columns as listed, levels of each category, indicators.
std::vector<FeatureColumn> FeatureColumns(const v1::DataSpec& spec);

// Per input: a missing cell becomes `fill`, then every value x becomes (x - mean) / scale. Part of
// each model version (the tensors of TransformTensors), so that a model can be applied to raw data
// anywhere.
struct InputTransform {
  std::vector<double> fill;
  std::vector<double> mean;
  std::vector<double> scale;

  static InputTransform Identity(std::size_t num_inputs);
  friend bool operator==(const InputTransform&, const InputTransform&) = default;
};

// "input.fill", "input.mean" and "input.scale": F64, before the parameters of a model version.
std::vector<TensorSpec> TransformTensors(std::size_t num_inputs);

// Whether the run needs statistics of all sites before its first round: it standardises, or fills
// missing cells with means.
bool NeedsStatistics(const v1::DataSpec& spec);
// Whether the transform needs the sums of this input: the others need not leave a site.
bool NeedsSums(const v1::DataSpec& spec, const FeatureColumn& column);

// What sites add up for it, over their training rows. `count`, `sum` and `sum_squares` are per
// input, over the rows in which it is not missing.
struct FeatureSums {
  int64_t num_examples = 0;
  std::vector<int64_t> class_counts;  // per class; empty for a numeric label
  std::vector<int64_t> count;
  std::vector<double> sum;
  std::vector<double> sum_squares;
};

constexpr const char* kFeatureCounts = "features.counts";
constexpr const char* kFeatureSums = "features.sums";

// Its sections, kFeatureCounts (SUM_I64: num_examples, class_counts, count) and kFeatureSums
// (SUM_F64: sum, sum_squares), and the values in the order of their layouts.
std::vector<Section> FeatureSections(std::size_t num_inputs, std::size_t num_classes);
std::vector<int64_t> CountValues(const FeatureSums& sums);
std::vector<double> SumValues(const FeatureSums& sums);
// INVALID_ARGUMENT for a wrong length, or numbers that contradict each other or are not finite.
Result<FeatureSums> FeatureSumsFromValues(std::size_t num_inputs, std::size_t num_classes,
                                          std::span<const int64_t> counts,
                                          std::span<const double> sums);

// Mean and standard deviation (divisor n) of numeric inputs when `spec` standardises; means as fill
// values when it fills (MEAN, INDICATOR); everything else passes unchanged. An input whose variance
// is below 1e-12 of its squared mean counts as constant and keeps scale 1. FAILED_PRECONDITION
// names an input whose statistics are needed and that is missing in every row.
Result<InputTransform> TransformFromSums(const v1::DataSpec& spec, const FeatureSums& sums);

}  // namespace skerry::learning
