#include "client/evaluation.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace skerry::client {
namespace {

using learning::BasicBatch;
using learning::BasicDataset;
using learning::BasicModel;

std::string_view SplitName(SplitPart part) {
  return part == SplitPart::kValidation ? "validation" : "test";
}

}  // namespace

template <class T>
Result<learning::EvaluationSums> EvaluateRows(const BasicModel<T>& model,
                                              std::span<const T> parameters,
                                              const BasicDataset<T>& data,
                                              const learning::RowProgress& progress) {
  const int64_t most = learning::RowsAtATime(model, data.rows);
  const auto size = [](int64_t i) { return static_cast<std::size_t>(i); };
  std::vector<T> outputs(size(data.rows * model.num_outputs()));
  const auto workspace = model.NewWorkspace(most);
  for (int64_t first = 0; first < data.rows; first += most) {
    if (progress) SKERRY_RETURN_IF_ERROR(progress(first, data.rows));
    const int64_t rows = std::min(most, data.rows - first);
    const BasicBatch<T> batch = {
        rows,
        std::span(data.features)
            .subspan(size(first * data.num_features), size(rows * data.num_features)),
        std::span(data.labels).subspan(size(first), size(rows))};
    model.Forward(parameters, batch,
                  std::span(outputs).subspan(size(first * model.num_outputs()),
                                             size(rows * model.num_outputs())),
                  *workspace);
  }
  return learning::Evaluate(model.output_kind(), model.num_outputs(), std::span<const T>(outputs),
                            std::span<const T>(data.labels));
}

template <class T>
Status WriteEvaluation(const BasicModel<T>& model, std::span<const T> parameters,
                       const std::map<SplitPart, BasicDataset<T>>& datasets, const v1::Split& split,
                       const SitePolicy& policy, const learning::RowProgress& progress,
                       ResultWriter& writer, const std::string& prefix) {
  static const BasicDataset<T> kNoRows;
  for (const SplitPart part : {SplitPart::kValidation, SplitPart::kTest}) {
    if ((part == SplitPart::kValidation ? split.validation() : split.test()) <= 0) continue;
    const BasicDataset<T>& rows = datasets.at(part);
    const std::string name = prefix + std::string(SplitName(part));
    SKERRY_ASSIGN_OR_RETURN(
        const learning::EvaluationSums sums,
        EvaluateRows(model, parameters, MayTell(policy, rows.rows) ? rows : kNoRows, progress));
    const learning::EvaluationValues values = learning::ToValues(model.output_kind(), sums);
    SKERRY_RETURN_IF_ERROR(writer.Put<int64_t>(learning::EvaluationCounts(name),
                                               std::span<const int64_t>(values.counts)));
    SKERRY_RETURN_IF_ERROR(
        writer.Put<double>(learning::EvaluationSumsOf(name), std::span<const double>(values.sums)));
  }
  return OkStatus();
}

template Result<learning::EvaluationSums> EvaluateRows(const BasicModel<float>&,
                                                       std::span<const float>,
                                                       const BasicDataset<float>&,
                                                       const learning::RowProgress&);
template Status WriteEvaluation(const BasicModel<float>&, std::span<const float>,
                                const std::map<SplitPart, BasicDataset<float>>&, const v1::Split&,
                                const SitePolicy&, const learning::RowProgress&, ResultWriter&,
                                const std::string&);
template Result<learning::EvaluationSums> EvaluateRows(const BasicModel<double>&,
                                                       std::span<const double>,
                                                       const BasicDataset<double>&,
                                                       const learning::RowProgress&);
template Status WriteEvaluation(const BasicModel<double>&, std::span<const double>,
                                const std::map<SplitPart, BasicDataset<double>>&, const v1::Split&,
                                const SitePolicy&, const learning::RowProgress&, ResultWriter&,
                                const std::string&);

}  // namespace skerry::client
