// Boosted trees of a federation beside libxgboost's, which gets all rows in one place, in the same
// bins and at the same depth. Skipped when Debian's libxgboost0 is not installed.
#include <cstdio>
#include <string>
#include <vector>

#include "bench/published/data.h"
#include "bench/published/table.h"
#include "testing/tree_comparison.h"

namespace skerry::testing {
namespace {

constexpr double kMostApart = 0.002;

int Run() {
  const bool has_clinics = !bench::DataFolder().empty();
  if (has_clinics) {
    const auto code = bench::ExitWithoutData({"flamby_fed_heart_disease/fed_heart_disease.csv"});
    if (code) return *code;
  }
  const auto xgboost = XGBoost::Load();
  if (xgboost == nullptr) {
    std::printf("skipped: libxgboost0 (Debian) is not installed\n");
    return bench::kSkipped;
  }
  std::vector<Result<TreeData>> sources;
  sources.push_back(IntensiveCare(SKERRY_SOURCE_DIR));
  if (has_clinics) sources.push_back(HeartClinics(bench::DataFolder()));
  bench::PublishedTable table("Boosted trees: AUC on test rows, libxgboost (published) and ours");
  for (const Result<TreeData>& data : sources) {
    for (const int depth : {2, 3, 4}) {
      const Result<TreeComparison> found =
          data.ok() ? CompareTrees(*xgboost, *data, {.max_depth = depth}) : data.status();
      if (!found.ok()) {
        std::fprintf(stderr, "%s\n", found.status().ToString().c_str());
        return 1;
      }
      table.Row(data->name + ", 50 trees of depth " + std::to_string(depth) + ", 64 bins",
                found->their_auc, found->our_auc, kMostApart);
    }
  }
  return table.Finish();
}

}  // namespace
}  // namespace skerry::testing

int main() { return skerry::testing::Run(); }
