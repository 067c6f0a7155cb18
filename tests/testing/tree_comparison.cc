#include "testing/tree_comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <utility>

#include "base/bytes_file.h"
#include "base/files.h"
#include "base/text.h"
#include "client/data/site_data.h"
#include "client/model_file.h"
#include "learning/metrics.h"
#include "learning/trees/forest.h"
#include "learning/trees/sums.h"
#include "simulation/sites.h"

namespace skerry::testing {
namespace {

using client::SiteData;
using learning::Dataset;

std::string RunFile(const TreeData& data, const TreeSettings& settings) {
  return "[run]\nname = \"trees\"\nnum_rounds = " + std::to_string(settings.num_trees) +
         "\n[data]\nsource = \"data\"\n" + data.table +
         "[model]\nkind = \"trees\"\n[model.trees]\nmax_depth = " +
         std::to_string(settings.max_depth) + "\nbins = " + std::to_string(settings.bins) +
         "\nlearning_rate = " + FormatExact(settings.learning_rate) + "\n[evaluation]\nevery = 0\n";
}

Result<std::vector<SiteData>> ReadSites(const TreeData& data, const v1::DataSpec& spec) {
  std::vector<SiteData> tables;
  for (const simulation::SimulatedSite& site : data.sites) {
    SKERRY_ASSIGN_OR_RETURN(const auto table, site.rows(SiteData::Columns(spec)));
    SKERRY_ASSIGN_OR_RETURN(SiteData read, SiteData::Create(*table, spec, site.name));
    tables.push_back(std::move(read));
  }
  return tables;
}

// The rows of all sites, one behind the other.
Dataset Rows(const std::vector<SiteData>& sites, client::SplitPart part,
             const learning::InputTransform& transform) {
  Dataset all;
  for (const SiteData& site : sites) {
    const Dataset rows = site.Prepare(part, transform);
    all.rows += rows.rows;
    all.num_features = rows.num_features;
    all.features.insert(all.features.end(), rows.features.begin(), rows.features.end());
    all.labels.insert(all.labels.end(), rows.labels.begin(), rows.labels.end());
  }
  return all;
}

// The rows as the other program gets them: each number is that of its bin.
XGBoost::Rows InBins(const learning::Forest<const float>& forest, const Dataset& rows) {
  XGBoost::Rows binned{{}, rows.labels, rows.num_features};
  for (const uint16_t bin : learning::BinsOf(forest, rows)) {
    binned.values.push_back(bin == forest.shape.num_bins ? std::numeric_limits<float>::quiet_NaN()
                                                         : static_cast<float>(bin));
  }
  return binned;
}

std::map<std::string, std::string> Theirs(const TreeSettings& settings, const Dataset& train) {
  double positives = 0;
  for (const float label : train.labels) positives += static_cast<double>(label);
  return {{"objective", "binary:logistic"},
          {"tree_method", "hist"},
          {"grow_policy", "depthwise"},
          {"max_bin", "256"},
          {"eta", FormatExact(settings.learning_rate)},
          {"max_depth", std::to_string(settings.max_depth)},
          {"lambda", "1"},
          {"gamma", "0"},
          {"min_child_weight", "1"},
          {"base_score", FormatExact(positives / static_cast<double>(train.rows))},
          {"nthread", "1"},
          {"verbosity", "0"}};
}

}  // namespace

Result<TreeData> IntensiveCare(const std::string& root) {
  TreeData data;
  data.name = "ICU example";
  SKERRY_ASSIGN_OR_RETURN(data.sites, simulation::SitesFromFiles("examples/icu/data", root));
  data.table =
      "features = [\"Age\", \"ApacheIIScore\", \"BMI\"]\nlabel = \"PatientDied\"\n"
      "label_classes = [\"0\", \"1\"]\n"
      "split = { train = 0.7, test = 0.3, seed = 1, key = \"CombinedID\" }\n"
      "[data.categories]\nGender = [\"Female\", \"Male\"]\n"
      "AdmCatID = [\"Medical\", \"Surgical Elective\", \"Surgical Emergency\"]\n";
  return data;
}

// One file with a column that says where the patient was.
Result<TreeData> HeartClinics(const std::string& folder) {
  PosixFiles files;
  SKERRY_ASSIGN_OR_RETURN(
      const std::string text,
      ReadFile(files, folder + "/flamby_fed_heart_disease/fed_heart_disease.csv"));
  std::map<std::string, std::string> by_site;
  std::string header;
  for (const std::string& line : Split(text, '\n')) {
    if (header.empty()) {
      header = line;
    } else if (!line.empty()) {
      by_site[line.substr(0, line.find(','))] += line + "\n";
    }
  }
  TreeData data;
  data.name = "Fed-Heart-Disease";
  for (const auto& [name, rows] : by_site) {
    data.sites.push_back(
        {name, [csv = header + "\n" + rows, name = name](std::span<const std::string> columns) {
           return client::ReadCsv(csv, name + ".csv", client::DataSource{}, columns);
         }});
  }
  data.table =
      "features = [\"age\", \"sex\", \"trestbps\", \"chol\", \"fbs\", \"thalach\", \"exang\", "
      "\"oldpeak\", \"cp_2\", \"cp_3\", \"cp_4\", \"restecg_1\", \"restecg_2\"]\n"
      "label = \"y\"\nlabel_classes = [\"0\", \"1\"]\n"
      "split = { train = 0.66, test = 0.34, seed = 1 }\n";
  return data;
}

Result<TreeComparison> CompareTrees(const XGBoost& xgboost, const TreeData& data,
                                    const TreeSettings& settings) {
  simulation::SimulationOptions options;
  SKERRY_ASSIGN_OR_RETURN(options.plan,
                          coordinator::ParseRunFile(RunFile(data, settings), "run.toml"));
  const v1::RunSpec spec = options.plan.spec;
  SKERRY_ASSIGN_OR_RETURN(const std::vector<SiteData> sites, ReadSites(data, spec.data()));
  const std::size_t num_inputs = sites.at(0).num_inputs();
  options.sites = data.sites;
  options.num_threads = 2;
  SKERRY_ASSIGN_OR_RETURN(const simulation::SimulationResult result,
                          simulation::Simulate(std::move(options)));
  if (result.run.state() != "completed") return FailedPrecondition(result.run.reason());

  const auto width = static_cast<int64_t>(num_inputs);
  SKERRY_ASSIGN_OR_RETURN(const auto model, learning::MakeModel(spec.model(), width, 2));
  SKERRY_ASSIGN_OR_RETURN(
      const client::LoadedModel loaded,
      client::LoadModel(BytesFile(result.model), model->parameters(), num_inputs));
  const Dataset train = Rows(sites, client::SplitPart::kTrain, loaded.transform);
  const Dataset test = Rows(sites, client::SplitPart::kTest, loaded.transform);
  std::vector<float> ours(static_cast<std::size_t>(test.rows));
  const auto workspace = model->NewWorkspace(test.rows);
  model->Forward(loaded.parameters, learning::AllRows(test), ours, *workspace);
  SKERRY_ASSIGN_OR_RETURN(const learning::ForestShape shape,
                          learning::MakeForestShape(spec.model().trees(), width));
  const learning::Forest<const float> forest(shape, std::span<const float>(loaded.parameters));
  const std::vector<float> theirs = xgboost.Predict(InBins(forest, train), InBins(forest, test),
                                                    settings.num_trees, Theirs(settings, train));
  TreeComparison comparison;
  comparison.test_rows = test.rows;
  comparison.our_auc = learning::ExactAuc(ours, test.labels);
  comparison.their_auc = learning::ExactAuc(theirs, test.labels);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double apart = std::fabs(static_cast<double>(ours[i] - theirs[i]));
    // std::max would pass over a NaN.
    comparison.most_apart = std::isfinite(apart) ? std::max(comparison.most_apart, apart)
                                                 : std::numeric_limits<double>::infinity();
  }
  return comparison;
}

}  // namespace skerry::testing
