#include "cli/model_prediction.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "base/exact_math.h"
#include "base/named_file.h"
#include "base/text.h"
#include "client/data/table.h"
#include "client/data/unlabelled_rows.h"

namespace skerry::cli {
namespace {

using learning::OutputKind;

constexpr std::size_t kBatch = 1024;  // rows

// A field that is quoted where it must be.
std::string Field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

// The shortest text that reads back to the same float.
std::string FloatText(float value) {
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

// Of a row's outputs, by exact_math: the same digits on every machine.
std::vector<double> Probabilities(OutputKind kind, std::span<const float> outputs) {
  if (kind == OutputKind::kBinary) {
    const auto logit = static_cast<double>(outputs[0]);
    return {exact::Sigmoid(-logit), exact::Sigmoid(logit)};
  }
  const auto largest = static_cast<double>(*std::max_element(outputs.begin(), outputs.end()));
  std::vector<double> shares;
  double sum = 0;
  for (const float output : outputs) {
    shares.push_back(exact::Exp(static_cast<double>(output) - largest));
    sum += shares.back();
  }
  for (double& share : shares) share /= sum;
  return shares;
}

std::size_t ClassOf(OutputKind kind, std::span<const float> outputs) {
  if (kind == OutputKind::kBinary) return outputs[0] > 0.0F ? 1 : 0;
  return static_cast<std::size_t>(std::max_element(outputs.begin(), outputs.end()) -
                                  outputs.begin());
}

class Predictor {
 public:
  Predictor(const client::DescribedModel& model, const PredictionRequest& request)
      : model_(model),
        request_(request),
        kind_(model.model->output_kind()),
        num_outputs_(static_cast<std::size_t>(model.model->num_outputs())) {}

  Result<Predictions> Run() {
    SKERRY_RETURN_IF_ERROR(ReadRows());
    WriteHeader();
    for (std::size_t first = 0; first < rows_.num_rows(); first += kBatch) {
      PredictBatch(first, std::min(kBatch, rows_.num_rows() - first));
    }
    predictions_.num_rows = static_cast<int64_t>(rows_.num_rows());
    return std::move(predictions_);
  }

 private:
  Status ReadRows() {
    PosixFiles files;
    SKERRY_ASSIGN_OR_RETURN(const std::string text,
                            ReadNamedFile(files, request_.data, "data file"));
    const v1::DataSpec& data = model_.spec.data();
    SKERRY_ASSIGN_OR_RETURN(const auto table,
                            ReadColumns(text, client::UnlabelledRows::Columns(data)));
    if (!request_.id.empty()) {
      SKERRY_ASSIGN_OR_RETURN(ids_, ReadColumns(text, {request_.id}));
    }
    Result<client::UnlabelledRows> rows = client::UnlabelledRows::Create(*table, data);
    if (!rows.ok()) return std::move(rows).status().WithContext(request_.data);
    rows_ = *std::move(rows);
    return OkStatus();
  }

  Result<std::unique_ptr<client::Table>> ReadColumns(const std::string& text,
                                                     const std::vector<std::string>& columns) {
    client::DataSource source;
    source.csv = request_.data;
    Result<std::unique_ptr<client::Table>> table =
        client::ReadCsv(text, request_.data, source, columns);
    if (table.ok()) return table;
    // At a site a column may have another name, which its agent.toml says; here there is none.
    std::string hint = table.status().hint();
    hint.resize(std::min(hint.size(), hint.rfind("; ")));
    return std::move(table).status().WithHint(hint + "; columns must be called as in the run file");
  }

  bool HasClasses() const { return kind_ == OutputKind::kBinary || kind_ == OutputKind::kClasses; }

  void WriteHeader() {
    std::vector<std::string> names = {Field(request_.id.empty() ? "row" : request_.id)};
    if (!HasClasses()) {
      names.emplace_back("prediction");
    } else {
      names.emplace_back("class");
      for (const std::string& name : model_.spec.data().label_classes()) {
        names.push_back(Field("probability of " + name));
      }
    }
    num_fields_ = names.size() - 1;
    predictions_.csv = Join(names, ",") + "\n";
  }

  void PredictBatch(std::size_t first, std::size_t count) {
    const learning::Dataset rows = rows_.Prepare(first, count, model_.loaded.transform);
    if (workspace_ == nullptr) workspace_ = model_.model->NewWorkspace(kBatch);
    outputs_.resize(count * num_outputs_);
    model_.model->Forward(model_.loaded.parameters, learning::AllRows(rows), outputs_, *workspace_);
    for (std::size_t i = 0; i < count; ++i) {
      WriteRow(first + i, std::span(outputs_).subspan(i * num_outputs_, num_outputs_));
    }
  }

  void WriteRow(std::size_t row, std::span<const float> outputs) {
    std::string& csv = predictions_.csv;
    csv += request_.id.empty() ? std::to_string(row + 1)
                               : Field(std::string(ids_->Cell(row, 0).value_or("")));
    if (!rows_.usable(row)) {
      ++predictions_.num_without;
      csv.append(num_fields_, ',');
    } else if (!HasClasses()) {
      csv += "," + FloatText(outputs[0]);
    } else {
      const auto at = static_cast<int>(ClassOf(kind_, outputs));
      csv += "," + Field(model_.spec.data().label_classes(at));
      for (const double share : Probabilities(kind_, outputs)) csv += "," + FormatExact(share);
    }
    csv += "\n";
  }

  const client::DescribedModel& model_;
  const PredictionRequest& request_;
  const OutputKind kind_;
  const std::size_t num_outputs_;
  std::unique_ptr<client::Table> ids_;  // one column; null: rows are numbered
  client::UnlabelledRows rows_;
  std::size_t num_fields_ = 0;  // behind the first
  std::unique_ptr<learning::Model::Workspace> workspace_;
  std::vector<float> outputs_;
  Predictions predictions_;
};

}  // namespace

Result<Predictions> Predict(const client::DescribedModel& model, const PredictionRequest& request) {
  return Predictor(model, request).Run();
}

}  // namespace skerry::cli
