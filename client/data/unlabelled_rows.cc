#include "client/data/unlabelled_rows.h"

#include <cmath>

#include "base/check.h"
#include "client/data/row_reader.h"

namespace skerry::client {

std::vector<std::string> UnlabelledRows::Columns(const v1::DataSpec& spec) {
  std::vector<std::string> columns(spec.features().begin(), spec.features().end());
  for (const v1::Category& category : spec.categories()) columns.push_back(category.column());
  return columns;
}

Result<UnlabelledRows> UnlabelledRows::Create(const Table& table, const v1::DataSpec& spec) {
  v1::DataSpec unlabelled = spec;
  unlabelled.mutable_split()->clear_key();  // rows are not divided
  unlabelled.clear_label();
  unlabelled.clear_event();
  const RowReader reader(table, unlabelled);
  UnlabelledRows read;
  read.num_inputs_ = reader.num_inputs();
  ParsedRow row;
  for (std::size_t i = 0; i < table.num_rows(); ++i) {
    SKERRY_RETURN_IF_ERROR(reader.Read(i, row));
    read.usable_.push_back(!row.dropped);
    row.inputs.resize(read.num_inputs_);
    read.values_.insert(read.values_.end(), row.inputs.begin(), row.inputs.end());
  }
  return read;
}

learning::Dataset UnlabelledRows::Prepare(std::size_t first, std::size_t count,
                                          const learning::InputTransform& transform) const {
  SKERRY_CHECK(transform.mean.size() == num_inputs_ && first + count <= num_rows());
  learning::Dataset data;
  data.rows = static_cast<int64_t>(count);
  data.num_features = static_cast<int64_t>(num_inputs_);
  data.labels.resize(count);
  data.features.reserve(count * num_inputs_);
  for (std::size_t i = first * num_inputs_; i < (first + count) * num_inputs_; ++i) {
    const std::size_t j = i % num_inputs_;
    const double filled = std::isnan(values_[i]) ? transform.fill[j] : values_[i];
    data.features.push_back(static_cast<float>((filled - transform.mean[j]) / transform.scale[j]));
  }
  return data;
}

}  // namespace skerry::client
