// FLamby's own runs of the heart disease data: with the initial parameters and the order of rows
// that were recorded there, every accuracy is the same, and the parameters to five digits.
#include <gtest/gtest.h>

#include <filesystem>

#include "learning/heart.h"
#include "learning/heart_cases.h"
#include "learning/small_federation.h"

namespace skerry::learning {
namespace {

void Replay(const nlohmann::json& record, const std::string& name, const std::string& strategy) {
  static const HeartData data;
  SCOPED_TRACE(name);
  const nlohmann::json& expected = record.at("runs").at(name);
  SmallFederation federation(RecordedSpec(strategy, expected.at("hp")),
                             {&data.train(0), &data.train(1), &data.train(2), &data.train(3)});
  const std::vector<RecordedOrder> orders = RecordedOrders(record);
  federation.SetOrder({&orders[0], &orders[1], &orders[2], &orders[3]});
  federation.parameters = record.at("init").at("w").get<std::vector<double>>();
  federation.parameters.push_back(record.at("init").at("b"));
  federation.Run(record.at("nrounds"));

  auto parameters = expected.at("w").get<std::vector<double>>();
  parameters.push_back(expected.at("b"));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_NEAR(federation.parameters[i], parameters[i], 1e-5) << "element " << i;
  }
  for (std::size_t k = 0; k < HeartData::kCenters; ++k) {
    EXPECT_EQ(HeartAccuracy(federation.parameters, data.test(k)),
              expected.at("acc").at(k).get<double>())
        << "centre " << k;
  }
  EXPECT_EQ(HeartAccuracy(federation.parameters, data.pooled_test()),
            expected.at("acc_pooled_test").get<double>());
}

// Whatever seeds have been recorded.
TEST(RecordedHeartTest, EveryAccuracyIsFlambys) {
  if (HeartData::Folder().empty()) GTEST_SKIP() << "SKERRY_DATA is not set";
  int records = 0;
  const std::string folder = "flamby_fed_heart_disease/";
  for (const auto& file : std::filesystem::directory_iterator(HeartData::Folder() + "/" + folder)) {
    const std::string name = file.path().filename().string();
    if (!name.starts_with("golden_seed")) continue;
    SCOPED_TRACE(name);
    ++records;
    const nlohmann::json record = GoldenFile(folder + name);
    for (const auto& [name_there, strategy] : RecordedStrategies()) {
      Replay(record, name_there, strategy);
    }
  }
  EXPECT_GT(records, 0);
}

}  // namespace
}  // namespace skerry::learning
