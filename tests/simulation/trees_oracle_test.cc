// Boosted trees of a federation beside those of another program that has all rows in one place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "testing/status_matchers.h"
#include "testing/tree_comparison.h"

namespace skerry::simulation {
namespace {

using skerry::testing::CompareTrees;
using skerry::testing::TreeComparison;
using skerry::testing::TreeData;
using skerry::testing::TreeSettings;
using skerry::testing::XGBoost;

constexpr TreeSettings kSettings[] = {
    {.max_depth = 2}, {.max_depth = 3, .bins = 32}, {.max_depth = 4, .learning_rate = 0.3}};

class TreesOracleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    xgboost_ = XGBoost::Load();
    if (xgboost_ == nullptr) GTEST_SKIP() << "libxgboost0 (Debian) is not installed";
  }

  void Compare(const TreeData& data) {
    for (const TreeSettings& settings : kSettings) {
      ASSERT_OK_AND_ASSIGN(const TreeComparison found, CompareTrees(*xgboost_, data, settings));
      std::printf("depth %d, %d bins: AUC %.4f, xgboost %.4f; outputs at most %.2g apart\n",
                  settings.max_depth, settings.bins, found.our_auc, found.their_auc,
                  found.most_apart);
      EXPECT_NEAR(found.our_auc, found.their_auc, 0.002);
      EXPECT_GT(found.our_auc, 0.6);
    }
  }

  std::unique_ptr<XGBoost> xgboost_;
};

TEST_F(TreesOracleTest, PatientsInIntensiveCareAreToldApartAsWell) {
  ASSERT_OK_AND_ASSIGN(const TreeData data, skerry::testing::IntensiveCare(SKERRY_SOURCE_DIR));
  Compare(data);
}

TEST_F(TreesOracleTest, PatientsOfFourHeartClinicsAreToldApartAsWell) {
  const char* folder = std::getenv("SKERRY_DATA");
  if (folder == nullptr) GTEST_SKIP() << "SKERRY_DATA is not set";
  ASSERT_OK_AND_ASSIGN(const TreeData data, skerry::testing::HeartClinics(folder));
  Compare(data);
}

}  // namespace
}  // namespace skerry::simulation
