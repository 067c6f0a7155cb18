#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "simulation/simulator.h"
#include "testing/xgboost.h"

namespace skerry::testing {

// Trees of a federation beside those of libxgboost, which gets all rows in one place, in the same
// bins.
struct TreeSettings {
  int num_trees = 50;
  int max_depth = 3;
  int bins = 64;
  double learning_rate = 0.1;
};

// Data of which there are two classes: the [data] table of a run file, and sites.
struct TreeData {
  std::string name;
  std::string table;
  std::vector<simulation::SimulatedSite> sites;
};
// examples/icu of the source tree at `root`.
Result<TreeData> IntensiveCare(const std::string& root);
// The four clinics of Fed-Heart-Disease in the folder of SKERRY_DATA.
Result<TreeData> HeartClinics(const std::string& folder);

struct TreeComparison {
  int64_t test_rows = 0;
  double our_auc = 0;
  double their_auc = 0;
  double most_apart = 0;  // of the outputs on test rows
};
Result<TreeComparison> CompareTrees(const XGBoost& xgboost, const TreeData& data,
                                    const TreeSettings& settings);

}  // namespace skerry::testing
