#include "client/data/site_data.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "client/data/accurate_sum.h"
#include "client/data/row_reader.h"
#include "client/data/row_split.h"

namespace skerry::client {
namespace {

// The rows of a table that are kept, in the table's order.
struct KeptRows {
  std::vector<double> values;  // [rows, inputs]
  std::vector<double> labels;
  std::vector<RowDigests> digests;
  int64_t num_dropped = 0;
};

Result<KeptRows> ReadRows(const Table& table, const RowReader& reader, bool has_key) {
  if (table.num_rows() > std::numeric_limits<uint32_t>::max()) {
    return InvalidArgument("more than 4294967295 rows");
  }
  KeptRows kept;
  kept.values.reserve(table.num_rows() * reader.num_inputs());
  kept.labels.reserve(table.num_rows());
  kept.digests.reserve(table.num_rows());
  ParsedRow row;
  for (std::size_t i = 0; i < table.num_rows(); ++i) {
    SKERRY_RETURN_IF_ERROR(reader.Read(i, row));
    if (row.dropped) {
      ++kept.num_dropped;
      continue;
    }
    kept.values.insert(kept.values.end(), row.inputs.begin(), row.inputs.end());
    kept.labels.push_back(row.label);
    kept.digests.push_back(DigestsOf(has_key, row.key, row.contents));
  }
  return kept;
}

Status CheckRowsLeft(const KeptRows& kept, std::size_t num_training, const RowSplit& split) {
  const std::string dropped = std::to_string(kept.num_dropped) + " rows were dropped; ";
  if (kept.labels.empty()) {
    return FailedPrecondition("every row has a missing cell")
        .WithHint(dropped +
                  "let the run say missing = \"mean\" or \"indicator\", or leave a column out");
  }
  if (num_training == 0 && split.fraction(SplitPart::kTrain) > 0) {
    return FailedPrecondition("no row falls to training")
        .WithHint(std::to_string(kept.labels.size()) + " rows were read and " + dropped +
                  "the site needs more rows for this split");
  }
  return OkStatus();
}

}  // namespace

std::vector<std::string> SiteData::Columns(const v1::DataSpec& spec) {
  std::vector<std::string> columns;
  const auto add = [&columns](const std::string& name) {
    if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
  };
  for (const std::string& feature : spec.features()) add(feature);
  for (const v1::Category& category : spec.categories()) add(category.column());
  if (!spec.label().empty()) add(spec.label());
  if (!spec.event().empty()) add(spec.event());
  if (!spec.split().key().empty()) add(spec.split().key());
  return columns;
}

Result<SiteData> SiteData::Create(const Table& table, const v1::DataSpec& spec,
                                  const std::string& source_name) {
  const std::string context = "data source " + source_name;
  Result<RowSplit> split = RowSplit::Create(spec);
  if (!split.ok()) return split.status().WithContext(context);
  const RowReader reader(table, spec);
  Result<KeptRows> kept = ReadRows(table, reader, !spec.split().key().empty());
  if (!kept.ok()) return kept.status().WithContext(context);

  SiteData data;
  data.parts_ = SplitRows(*split, kept->digests);
  Status status = CheckRowsLeft(*kept, data.num_rows(SplitPart::kTrain), *split);
  if (!status.ok()) return std::move(status).WithContext(context);
  data.num_inputs_ = reader.num_inputs();
  data.num_classes_ = static_cast<std::size_t>(spec.label_classes().size());
  data.values_ = std::move(kept->values);
  data.labels_ = std::move(kept->labels);
  return data;
}

std::size_t SiteData::num_bytes() const {
  return (values_.capacity() + labels_.capacity()) * sizeof(double) +
         labels_.size() * sizeof(uint32_t);
}

Status SiteData::CheckClasses() const {
  const std::vector<uint32_t>& training = parts_[static_cast<std::size_t>(SplitPart::kTrain)];
  const auto differs = [this, &training](uint32_t row) {
    return labels_[row] != labels_[training.front()];
  };
  const bool fine = num_classes_ != 2 || training.empty() ||
                    std::any_of(training.begin(), training.end(), differs);
  if (fine) return OkStatus();
  return FailedPrecondition("the training rows have one class only")
      .WithHint("check the label's column; the site needs rows of another class to take part");
}

learning::FeatureSums SiteData::Sums() const {
  const std::vector<uint32_t>& training = parts_[static_cast<std::size_t>(SplitPart::kTrain)];
  learning::FeatureSums sums;
  sums.num_examples = static_cast<int64_t>(training.size());
  sums.class_counts.resize(num_classes_);
  sums.count.resize(num_inputs_);
  std::vector<AccurateSum> sum(num_inputs_);
  std::vector<AccurateSum> sum_squares(num_inputs_);
  for (const uint32_t row : training) {
    if (num_classes_ > 0) ++sums.class_counts[static_cast<std::size_t>(labels_[row])];
    for (std::size_t j = 0; j < num_inputs_; ++j) {
      const double value = values_[row * num_inputs_ + j];
      if (std::isnan(value)) continue;
      ++sums.count[j];
      sum[j].Add(value);
      sum_squares[j].AddSquare(value);
    }
  }
  for (const AccurateSum& s : sum) sums.sum.push_back(s.Value());
  for (const AccurateSum& s : sum_squares) sums.sum_squares.push_back(s.Value());
  return sums;
}

learning::Dataset SiteData::Prepare(SplitPart part,
                                    const learning::InputTransform& transform) const {
  return PrepareOf<float>(part, transform);
}

template <class T>
learning::BasicDataset<T> SiteData::PrepareOf(SplitPart part,
                                              const learning::InputTransform& transform) const {
  SKERRY_CHECK(transform.fill.size() == num_inputs_ && transform.mean.size() == num_inputs_ &&
               transform.scale.size() == num_inputs_);
  const std::vector<uint32_t>& rows = parts_[static_cast<std::size_t>(part)];
  learning::BasicDataset<T> data;
  data.rows = static_cast<int64_t>(rows.size());
  data.num_features = static_cast<int64_t>(num_inputs_);
  data.features.reserve(rows.size() * num_inputs_);
  data.labels.reserve(rows.size());
  for (const uint32_t row : rows) {
    for (std::size_t j = 0; j < num_inputs_; ++j) {
      const double value = values_[row * num_inputs_ + j];
      const double filled = std::isnan(value) ? transform.fill[j] : value;
      data.features.push_back(static_cast<T>((filled - transform.mean[j]) / transform.scale[j]));
    }
    data.labels.push_back(static_cast<T>(labels_[row]));
  }
  return data;
}

template learning::BasicDataset<float> SiteData::PrepareOf(SplitPart,
                                                           const learning::InputTransform&) const;
template learning::BasicDataset<double> SiteData::PrepareOf(SplitPart,
                                                            const learning::InputTransform&) const;

}  // namespace skerry::client
