#include "learning/features.h"

#include "base/exact_math.h"
#include "learning/finite.h"

namespace skerry::learning {
namespace {

bool FillsWithMeans(const v1::DataSpec& spec) {
  return spec.missing() == v1::MEAN || spec.missing() == v1::INDICATOR;
}

std::vector<int64_t> Length(std::size_t size) { return {static_cast<int64_t>(size)}; }

Status Contradiction(const std::string& what) {
  return InvalidArgument("the statistics contradict themselves: " + what);
}

Status CheckCounts(const FeatureSums& sums) {
  if (sums.num_examples < 0) return Contradiction("the number of rows is negative");
  int64_t labelled = 0;
  for (const int64_t count : sums.class_counts) {
    if (count < 0 || count > sums.num_examples - labelled) {
      return Contradiction("the classes do not add up to the rows");
    }
    labelled += count;
  }
  if (!sums.class_counts.empty() && labelled != sums.num_examples) {
    return Contradiction("the classes do not add up to the rows");
  }
  for (std::size_t i = 0; i < sums.count.size(); ++i) {
    if (sums.count[i] < 0 || sums.count[i] > sums.num_examples) {
      return Contradiction("input " + std::to_string(i) + " counts " +
                           std::to_string(sums.count[i]) + " of " +
                           std::to_string(sums.num_examples) + " rows");
    }
  }
  return OkStatus();
}

Status CheckSums(const FeatureSums& sums) {
  for (std::size_t i = 0; i < sums.count.size(); ++i) {
    const std::string input = "input " + std::to_string(i);
    if (!IsFinite(sums.sum[i]) || !IsFinite(sums.sum_squares[i])) {
      return Contradiction("a sum of " + input + " is not a finite number");
    }
    if (sums.sum_squares[i] < 0) {
      return Contradiction("the squares of " + input + " have a negative sum");
    }
    if (sums.count[i] == 0 && (sums.sum[i] != 0 || sums.sum_squares[i] != 0)) {
      return Contradiction(input + " is missing in every row, but its sums are not 0");
    }
  }
  return OkStatus();
}

// The mean and the standard deviation with divisor n; 1 where the input is constant but for the
// rounding of its sums.
struct Moments {
  double mean = 0;
  double scale = 1;

  Moments(int64_t count, double sum, double sum_squares) {
    const auto n = static_cast<double>(count);
    mean = sum / n;
    const double variance = sum_squares / n - mean * mean;
    constexpr double kTiny = 1e-280;  // keeps an input of zeros constant
    if (variance > 1e-12 * (mean * mean + kTiny)) scale = exact::Sqrt(variance);
  }
};

}  // namespace

std::vector<FeatureColumn> FeatureColumns(const v1::DataSpec& spec) {
  using Kind = FeatureColumn::Kind;
  std::vector<FeatureColumn> columns;
  for (const std::string& name : spec.features()) {
    columns.push_back({Kind::kNumeric, name, name, ""});
  }
  for (const v1::Category& category : spec.categories()) {
    for (const std::string& level : category.levels()) {
      columns.push_back({Kind::kLevel, category.column() + "=" + level, category.column(), level});
    }
  }
  if (spec.missing() != v1::INDICATOR) return columns;
  const auto add_indicator = [&](const std::string& column) {
    columns.push_back({Kind::kMissing, column + " is missing", column, ""});
  };
  for (const std::string& name : spec.features()) add_indicator(name);
  for (const v1::Category& category : spec.categories()) add_indicator(category.column());
  return columns;
}

InputTransform InputTransform::Identity(std::size_t num_inputs) {
  return {std::vector<double>(num_inputs, 0.0), std::vector<double>(num_inputs, 0.0),
          std::vector<double>(num_inputs, 1.0)};
}

std::vector<TensorSpec> TransformTensors(std::size_t num_inputs) {
  return {{"input.fill", DType::kF64, Length(num_inputs)},
          {"input.mean", DType::kF64, Length(num_inputs)},
          {"input.scale", DType::kF64, Length(num_inputs)}};
}

bool NeedsStatistics(const v1::DataSpec& spec) {
  return spec.standardize() || FillsWithMeans(spec);
}

bool NeedsSums(const v1::DataSpec& spec, const FeatureColumn& column) {
  if (column.kind == FeatureColumn::Kind::kMissing) return false;
  return FillsWithMeans(spec) ||
         (spec.standardize() && column.kind == FeatureColumn::Kind::kNumeric);
}

std::vector<Section> FeatureSections(std::size_t num_inputs, std::size_t num_classes) {
  std::vector<TensorSpec> counts = {{"num_examples", DType::kI64, {}}};
  if (num_classes > 0) counts.push_back({"class_counts", DType::kI64, Length(num_classes)});
  counts.push_back({"count", DType::kI64, Length(num_inputs)});
  std::vector<TensorSpec> sums = {{"sum", DType::kF64, Length(num_inputs)},
                                  {"sum_squares", DType::kF64, Length(num_inputs)}};
  // The names and sizes are our own, so that these layouts are always good.
  return {{kFeatureCounts, Rule::kSumI64, Layout::Create(std::move(counts)).value()},
          {kFeatureSums, Rule::kSumF64, Layout::Create(std::move(sums)).value()}};
}

std::vector<int64_t> CountValues(const FeatureSums& sums) {
  std::vector<int64_t> values = {sums.num_examples};
  values.insert(values.end(), sums.class_counts.begin(), sums.class_counts.end());
  values.insert(values.end(), sums.count.begin(), sums.count.end());
  return values;
}

std::vector<double> SumValues(const FeatureSums& sums) {
  std::vector<double> values = sums.sum;
  values.insert(values.end(), sums.sum_squares.begin(), sums.sum_squares.end());
  return values;
}

Result<FeatureSums> FeatureSumsFromValues(std::size_t num_inputs, std::size_t num_classes,
                                          std::span<const int64_t> counts,
                                          std::span<const double> sums) {
  if (counts.size() != 1 + num_classes + num_inputs || sums.size() != 2 * num_inputs) {
    return InvalidArgument("statistics of " + std::to_string(counts.size()) + " counts and " +
                           std::to_string(sums.size()) + " sums do not fit " +
                           std::to_string(num_inputs) + " inputs and " +
                           std::to_string(num_classes) + " classes");
  }
  FeatureSums read;
  read.num_examples = counts[0];
  const auto classes = counts.subspan(1, num_classes);
  read.class_counts.assign(classes.begin(), classes.end());
  const auto count = counts.subspan(1 + num_classes);
  read.count.assign(count.begin(), count.end());
  const auto sum = sums.first(num_inputs);
  read.sum.assign(sum.begin(), sum.end());
  const auto sum_squares = sums.subspan(num_inputs);
  read.sum_squares.assign(sum_squares.begin(), sum_squares.end());
  SKERRY_RETURN_IF_ERROR(CheckCounts(read));
  SKERRY_RETURN_IF_ERROR(CheckSums(read));
  return read;
}

Result<InputTransform> TransformFromSums(const v1::DataSpec& spec, const FeatureSums& sums) {
  const std::vector<FeatureColumn> columns = FeatureColumns(spec);
  const std::size_t n = columns.size();
  if (sums.count.size() != n || sums.sum.size() != n || sums.sum_squares.size() != n) {
    return InvalidArgument("statistics of " + std::to_string(sums.count.size()) +
                           " inputs do not fit the " + std::to_string(n) + " of the run");
  }
  InputTransform transform = InputTransform::Identity(n);
  for (std::size_t i = 0; i < n; ++i) {
    const FeatureColumn& column = columns[i];
    if (!NeedsSums(spec, column)) continue;
    if (sums.count[i] <= 0) {
      return FailedPrecondition("the input \"" + column.name +
                                "\" is missing in every row of every site")
          .WithHint("leave the column out of [data], or check its name in the sites' agent.toml");
    }
    const Moments moments(sums.count[i], sums.sum[i], sums.sum_squares[i]);
    if (FillsWithMeans(spec)) transform.fill[i] = moments.mean;
    if (!spec.standardize() || column.kind != FeatureColumn::Kind::kNumeric) continue;
    transform.mean[i] = moments.mean;
    transform.scale[i] = moments.scale;
  }
  return transform;
}

}  // namespace skerry::learning
