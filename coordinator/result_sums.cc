#include "coordinator/result_sums.h"

#include <cmath>
#include <span>

#include "learning/aggregator.h"

namespace skerry::coordinator {
namespace {

template <class T>
Result<std::vector<T>> ReadSection(const File& file, const learning::ResultLayout& layout,
                                   std::size_t section) {
  std::vector<T> values(static_cast<std::size_t>(layout.sections()[section].layout.num_elements()));
  const std::span<char> bytes(reinterpret_cast<char*>(values.data()), values.size() * sizeof(T));
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n,
                          file.ReadAt(static_cast<uint64_t>(layout.offset_bytes(section)), bytes));
  if (n != bytes.size()) return DataLoss("a result is shorter than its layout");
  return values;
}

}  // namespace

Status AddSums(const File& file, const learning::RoundSpec& spec, learning::Sums& sums) {
  const learning::ResultLayout& layout = spec.result_layout;
  for (std::size_t i = 0; i < layout.sections().size(); ++i) {
    const learning::Section& section = layout.sections()[i];
    if (section.rule == learning::Rule::kSumF64) {
      SKERRY_ASSIGN_OR_RETURN(const std::vector<double> values,
                              ReadSection<double>(file, layout, i));
      std::vector<double>& sum = sums.f64[section.name];
      sum.resize(values.size());
      learning::AddF64(values, sum);
    } else if (section.rule == learning::Rule::kSumI64) {
      SKERRY_ASSIGN_OR_RETURN(const std::vector<int64_t> values,
                              ReadSection<int64_t>(file, layout, i));
      std::vector<int64_t>& sum = sums.i64[section.name];
      sum.resize(values.size());
      SKERRY_RETURN_IF_ERROR(learning::AddI64(values, sum));
    }
  }
  return OkStatus();
}

void AppendTrainLoss(std::span<const v1::ResultHeader* const> headers,
                     std::vector<learning::Metric>& metrics) {
  double loss = 0;
  int64_t num_examples = 0;
  for (const v1::ResultHeader* header : headers) {
    const auto found = header->scalars().find("train_loss");
    if (found == header->scalars().end()) continue;
    loss += found->second * static_cast<double>(header->num_examples());
    num_examples += header->num_examples();
  }
  if (num_examples == 0 || !std::isfinite(loss)) return;
  metrics.push_back({"train.loss", loss / static_cast<double>(num_examples), num_examples, 0});
}

}  // namespace skerry::coordinator
