#include "learning/heart.h"

#include <cmath>
#include <sstream>

#include "base/files.h"
#include "learning/local_training.h"
#include "learning/model.h"

namespace skerry::learning {
namespace {

constexpr std::size_t kWidth = HeartData::kInputs;

using Row = std::array<double, kWidth + 1>;  // the label last

struct Standard {
  std::array<double, kWidth> mean{};
  std::array<double, kWidth> deviation{};
};

Standard StandardOf(const std::vector<Row>& rows) {
  Standard standard;
  const auto n = static_cast<double>(rows.size());
  for (std::size_t j = 0; j < kWidth; ++j) {
    double sum = 0;
    for (const Row& row : rows) sum += row[j];
    standard.mean[j] = sum / n;
    double squares = 0;
    for (const Row& row : rows)
      squares += (row[j] - standard.mean[j]) * (row[j] - standard.mean[j]);
    standard.deviation[j] = std::sqrt(squares / (n - 1)) + 1e-9;
  }
  return standard;
}

BasicDataset<double> Standardized(const std::vector<Row>& rows, const Standard& by) {
  BasicDataset<double> data = {static_cast<int64_t>(rows.size()), HeartData::kInputs, {}, {}};
  for (const Row& row : rows) {
    for (std::size_t j = 0; j < kWidth; ++j) {
      data.features.push_back((row[j] - by.mean[j]) / by.deviation[j]);
    }
    data.labels.push_back(row[kWidth]);
  }
  return data;
}

const ModelF64& Logistic() {
  static const auto model = [] {
    v1::ModelSpec spec;
    spec.set_kind("logistic");
    spec.set_dtype("f64");
    return MakeModelF64(spec, HeartData::kInputs, 2).value();
  }();
  return *model;
}

std::string Text(const std::string& path) {
  PosixFiles files;
  return ReadFile(files, HeartData::Folder() + "/" + path).value();
}

}  // namespace

std::string HeartData::Folder() {
  const char* folder = std::getenv("SKERRY_DATA");
  return folder == nullptr ? "" : folder;
}

HeartData::HeartData() {
  std::array<std::vector<Row>, kCenters> train;
  std::array<std::vector<Row>, kCenters> test;
  std::vector<Row> all_train;
  std::vector<Row> all_test;
  std::istringstream lines(Text("flamby_fed_heart_disease/fed_heart_disease.csv"));
  std::string line;
  std::getline(lines, line);  // site,center,raw_row,set,13 inputs,y
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    std::string cell;
    std::vector<std::string> values;
    while (std::getline(cells, cell, ',')) values.push_back(cell);
    Row row;
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = std::stod(values.at(4 + j));
    const std::size_t center = std::stoul(values.at(1));
    const bool trains = values.at(3) == "train";
    (trains ? train : test).at(center).push_back(row);
    (trains ? all_train : all_test).push_back(row);
  }
  for (std::size_t k = 0; k < kCenters; ++k) {
    const Standard standard = StandardOf(train[k]);
    train_[k] = Standardized(train[k], standard);
    test_[k] = Standardized(test[k], standard);
  }
  pooled_test_ = Standardized(all_test, StandardOf(all_train));
}

double HeartAccuracy(const std::vector<double>& parameters, const BasicDataset<double>& rows) {
  std::vector<double> outputs(static_cast<std::size_t>(rows.rows));
  const auto workspace = Logistic().NewWorkspace(rows.rows);
  Logistic().Forward(parameters, AllRows(rows), outputs, *workspace);
  int64_t correct = 0;
  for (std::size_t r = 0; r < outputs.size(); ++r) {
    correct += (outputs[r] > 0) == (rows.labels[r] > 0.5) ? 1 : 0;
  }
  return static_cast<double>(correct) / static_cast<double>(rows.rows);
}

double HeartLoss(const std::vector<double>& parameters, const HeartData& data) {
  double sum = 0;
  int64_t rows = 0;
  for (std::size_t k = 0; k < HeartData::kCenters; ++k) {
    const BasicDataset<double>& train = data.train(k);
    sum += LossOverRows(Logistic(), train, std::span<const double>(parameters)) *
           static_cast<double>(train.rows);
    rows += train.rows;
  }
  return sum / static_cast<double>(rows);
}

nlohmann::json GoldenFile(const std::string& path) { return nlohmann::json::parse(Text(path)); }

}  // namespace skerry::learning
