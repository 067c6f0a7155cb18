#pragma once

#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "learning/dataset.h"

namespace skerry::learning {

// The heart disease data of FLamby (Ogier du Terrail et al., NeurIPS 2022; the four hospitals of
// the UCI repository): 13 inputs and a 0/1 label. In the folder that SKERRY_DATA names.
class HeartData {
 public:
  static constexpr std::size_t kCenters = 4;
  static constexpr int64_t kInputs = 13;

  // Empty when SKERRY_DATA is not set: tests are skipped then.
  static std::string Folder();
  HeartData();

  // Standardised by the means and deviations of each centre's own training rows.
  const BasicDataset<double>& train(std::size_t center) const { return train_[center]; }
  const BasicDataset<double>& test(std::size_t center) const { return test_[center]; }
  // The test rows of all centres, by the means and deviations of all training rows.
  const BasicDataset<double>& pooled_test() const { return pooled_test_; }

 private:
  std::array<BasicDataset<double>, kCenters> train_;
  std::array<BasicDataset<double>, kCenters> test_;
  BasicDataset<double> pooled_test_;
};

// Weights, then the intercept.
double HeartAccuracy(const std::vector<double>& parameters, const BasicDataset<double>& rows);
// The mean loss over the training rows of all centres.
double HeartLoss(const std::vector<double>& parameters, const HeartData& data);

// A file of the golden figures.
nlohmann::json GoldenFile(const std::string& path);

}  // namespace skerry::learning
