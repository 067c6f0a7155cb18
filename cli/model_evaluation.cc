#include "cli/model_evaluation.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/files.h"
#include "base/named_file.h"
#include "base/text.h"
#include "cli/render/table.h"
#include "client/data/site_data.h"
#include "client/described_model.h"
#include "client/model_file.h"
#include "learning/features.h"
#include "learning/model.h"

namespace skerry::cli {
namespace {

using learning::Metric;
using learning::OutputKind;

// Outputs and labels of some rows.
template <class T>
struct Scored {
  std::vector<T> outputs;
  std::vector<T> labels;

  void Append(const Scored& other) {
    outputs.insert(outputs.end(), other.outputs.begin(), other.outputs.end());
    labels.insert(labels.end(), other.labels.begin(), other.labels.end());
  }
};

std::vector<std::string> MetricsOf(OutputKind kind) {
  if (kind == OutputKind::kBinary) return {"auc", "log_loss"};
  if (kind == OutputKind::kClasses) return {"accuracy", "log_loss"};
  if (kind == OutputKind::kRisk) return {"c_index", "cox_loss"};
  return {"mse", "mae"};
}

template <class T>
std::vector<Metric> Measure(const learning::AnyModel& model, const Scored<T>& scored) {
  const learning::EvaluationSums sums =
      learning::Evaluate(model.output_kind(), model.num_outputs(),
                         std::span<const T>(scored.outputs), std::span<const T>(scored.labels));
  std::vector<Metric> metrics;
  for (Metric& metric : learning::ToMetrics(model.output_kind(), "test", sums)) {
    metric.name = metric.name.substr(metric.name.find('.') + 1);
    if (metric.name == "auc") {
      metric.value =
          learning::ExactAuc(std::span<const T>(scored.outputs), std::span<const T>(scored.labels));
    }
    metrics.push_back(std::move(metric));
  }
  return metrics;
}

std::string ReplaceSite(const std::string& path, const std::string& site) {
  std::string replaced = path;
  const std::size_t at = replaced.find("{site}");
  if (at != std::string::npos) replaced.replace(at, 6, site);
  return replaced;
}

template <class T>
class Comparer {
 public:
  Comparer(const coordinator::RunPlan& plan, const std::vector<simulation::SimulatedSite>& sites,
           const std::vector<NamedModel>& models)
      : plan_(plan), sites_(sites), models_(models) {}

  // `model` is that of the plan.
  Result<Comparison> Compare(std::unique_ptr<learning::BasicModel<T>> model) {
    model_ = std::move(model);
    comparison_.metrics = MetricsOf(model_->output_kind());
    SKERRY_RETURN_IF_ERROR(LoadSites());
    for (const NamedModel& named : models_) SKERRY_RETURN_IF_ERROR(AddModel(named));
    return std::move(comparison_);
  }

 private:
  Status LoadSites() {
    const std::vector<std::string> columns = client::SiteData::Columns(plan_.spec.data());
    for (const simulation::SimulatedSite& site : sites_) {
      SKERRY_ASSIGN_OR_RETURN(const auto table, site.rows(columns));
      SKERRY_ASSIGN_OR_RETURN(
          client::SiteData data,
          client::SiteData::Create(*table, plan_.spec.data(), plan_.spec.data().source()));
      SKERRY_RETURN_IF_ERROR(data.CheckClasses());
      data_.push_back(std::move(data));
    }
    return OkStatus();
  }

  Status AddModel(const NamedModel& named) {
    Scored<T> total;  // each site's rows by the model that is for the site
    for (std::size_t i = 0; i < sites_.size(); ++i) {
      if (i == 0 || named.per_site()) {
        SKERRY_RETURN_IF_ERROR(Load(ReplaceSite(named.path, sites_[i].name)));
      }
      const Scored<T> own = Apply(data_[i]);
      comparison_.own.push_back({named.name, sites_[i].name, false, Measure(*model_, own)});
      total.Append(own);
      if (named.per_site()) AddAll(named.name + " of " + sites_[i].name);
    }
    if (!named.per_site()) AddAll(named.name);
    comparison_.own.push_back({named.name, "", true, Measure(*model_, total)});
    return OkStatus();
  }

  void AddAll(const std::string& name) {
    Scored<T> all;
    for (const client::SiteData& data : data_) all.Append(Apply(data));
    comparison_.all.push_back({name, "", false, Measure(*model_, all)});
  }

  Status Load(const std::string& path) {
    PosixFiles files;
    Result<std::unique_ptr<File>> opened = files.Open(path, OpenMode::kRead);
    if (opened.status().code() == Code::kNotFound) {
      return NotFound("there is no model " + path).WithHint(HintForMissing(files, path));
    }
    SKERRY_ASSIGN_OR_RETURN(const auto file, std::move(opened));
    Result<client::BasicLoadedModel<T>> loaded = client::LoadModelOf<T>(
        *file, model_->parameters(), static_cast<std::size_t>(model_->num_features()));
    if (!loaded.ok()) return std::move(loaded).status().WithContext(path);
    loaded_ = *std::move(loaded);
    const Result<client::ModelDescription> description = client::DescribeModel(*file);
    if (!description.ok()) return OkStatus();  // it says nothing of its inputs
    return client::CheckSameInputs(description->spec.data(), plan_.spec.data(), "the run file")
        .WithContext(path);
  }

  Scored<T> Apply(const client::SiteData& data) const {
    const auto rows = data.PrepareOf<T>(client::SplitPart::kTest, loaded_.transform);
    Scored<T> scored;
    scored.labels = rows.labels;
    scored.outputs.resize(static_cast<std::size_t>(rows.rows * model_->num_outputs()));
    if (rows.rows == 0) return scored;
    const auto workspace = model_->NewWorkspace(rows.rows);
    model_->Forward(loaded_.parameters, learning::AllRows<T>(rows), scored.outputs, *workspace);
    return scored;
  }

  const coordinator::RunPlan& plan_;
  const std::vector<simulation::SimulatedSite>& sites_;
  const std::vector<NamedModel>& models_;
  std::unique_ptr<learning::BasicModel<T>> model_;
  std::vector<client::SiteData> data_;
  client::BasicLoadedModel<T> loaded_;
  Comparison comparison_;
};

const Metric* Find(const std::vector<Metric>& metrics, const std::string& name) {
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [&](const Metric& metric) { return metric.name == name; });
  return found == metrics.end() ? nullptr : &*found;
}

std::string Cell(const std::vector<Metric>& metrics, const std::string& name) {
  const Metric* metric = Find(metrics, name);
  return metric == nullptr ? "-" : FormatFixed(metric->value, 4);
}

nlohmann::ordered_json ToJson(const Score& score) {
  nlohmann::ordered_json json = {{"model", score.model}};
  if (!score.site.empty()) json["site"] = score.site;
  for (const Metric& metric : score.metrics) {
    json[metric.name] = metric.value;
    json["num_examples"] = metric.num_examples;
    json["num_positive"] = metric.num_positive;
  }
  return json;
}

// Rows are sites and their total, columns models by metric.
std::string OwnTable(const Comparison& comparison) {
  std::vector<std::string> models;
  std::vector<std::string> sites;
  for (const Score& score : comparison.own) {
    if (std::find(models.begin(), models.end(), score.model) == models.end()) {
      models.push_back(score.model);
    }
    if (!score.is_total && std::find(sites.begin(), sites.end(), score.site) == sites.end()) {
      sites.push_back(score.site);
    }
  }
  std::vector<std::string> header = {"site", "rows", "positive"};
  for (const std::string& metric : comparison.metrics) {
    for (const std::string& model : models) header.push_back(metric + " " + model);
  }
  Table table(header);
  const auto add = [&](const std::string& label, bool is_total) {
    std::vector<std::string> row = {label, "-", "-"};
    for (const std::string& metric : comparison.metrics) {
      for (const std::string& model : models) {
        for (const Score& score : comparison.own) {
          const bool here = score.model == model && score.is_total == is_total &&
                            (is_total || score.site == label);
          if (!here) continue;
          row.push_back(Cell(score.metrics, metric));
          if (score.metrics.empty()) continue;
          row[1] = std::to_string(score.metrics.front().num_examples);
          row[2] = std::to_string(score.metrics.front().num_positive);
        }
      }
    }
    table.Add(std::move(row));
  };
  for (const std::string& site : sites) add(site, false);
  table.AddRule();
  add("total", true);
  return table.ToString();
}

}  // namespace

Result<Comparison> CompareModels(const coordinator::RunPlan& plan,
                                 const std::vector<simulation::SimulatedSite>& sites,
                                 const std::vector<NamedModel>& models) {
  if (plan.spec.model().kind() == "k_means") {
    return InvalidArgument("a model of kind \"k_means\" has no label to be measured by")
        .WithHint("the inertia of each round is in skerry run show");
  }
  const auto num_inputs = static_cast<int64_t>(learning::FeatureColumns(plan.spec.data()).size());
  const int64_t num_classes = plan.spec.data().label_classes_size();
  if (plan.spec.model().local_tensors_size() > 0) {
    return FailedPrecondition(
               "the run's models are not whole: model.local_tensors stay at the sites")
        .WithHint("skerry run show has what the sites say of them");
  }
  SKERRY_ASSIGN_OR_RETURN(const learning::DType dtype, learning::DTypeOf(plan.spec.model()));
  if (dtype == learning::DType::kF64) {
    SKERRY_ASSIGN_OR_RETURN(auto model,
                            learning::MakeModelF64(plan.spec.model(), num_inputs, num_classes));
    return Comparer<double>(plan, sites, models).Compare(std::move(model));
  }
  SKERRY_ASSIGN_OR_RETURN(auto model,
                          learning::MakeModel(plan.spec.model(), num_inputs, num_classes));
  return Comparer<float>(plan, sites, models).Compare(std::move(model));
}

std::string ComparisonText(const Comparison& comparison) {
  std::vector<std::string> header = {"model"};
  header.insert(header.end(), comparison.metrics.begin(), comparison.metrics.end());
  Table all(header);
  for (const Score& score : comparison.all) {
    std::vector<std::string> row = {score.model};
    for (const std::string& metric : comparison.metrics) row.push_back(Cell(score.metrics, metric));
    all.Add(std::move(row));
  }
  return "On each site's own held-out rows (total: every row by the model that is for its "
         "site)\n\n" +
         OwnTable(comparison) + "\nOn the held-out rows of all sites together\n\n" + all.ToString();
}

std::string ComparisonJson(const Comparison& comparison) {
  nlohmann::ordered_json json = {{"own", nlohmann::ordered_json::array()},
                                 {"total", nlohmann::ordered_json::array()},
                                 {"all", nlohmann::ordered_json::array()}};
  for (const Score& score : comparison.own)
    json[score.is_total ? "total" : "own"].push_back(ToJson(score));
  for (const Score& score : comparison.all) json["all"].push_back(ToJson(score));
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace skerry::cli
