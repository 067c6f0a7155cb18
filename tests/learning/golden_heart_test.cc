// The strategies against other programs' figures on the heart disease data: a recorded run of each,
// without random numbers (data/golden_algos), to nine digits.
#include <gtest/gtest.h>

#include "learning/heart.h"
#include "learning/heart_cases.h"
#include "learning/small_federation.h"

namespace skerry::learning {
namespace {

class GoldenHeartTest : public ::testing::TestWithParam<HeartCase> {};

TEST_P(GoldenHeartTest, GivesTheParametersLossAndAccuraciesOfTheOtherProgram) {
  if (HeartData::Folder().empty()) GTEST_SKIP() << "SKERRY_DATA is not set";
  static const HeartData data;
  static const nlohmann::json golden =
      GoldenFile("golden_algos/heart_fullbatch.json").at("results");
  const HeartCase& c = GetParam();
  SmallFederation federation(c.spec,
                             {&data.train(0), &data.train(1), &data.train(2), &data.train(3)});
  for (std::size_t k = 0; k < c.steps.size(); ++k) federation.SetSteps(k, c.steps[k]);
  federation.Run(20);

  const nlohmann::json& expected = golden.at(c.golden);
  const auto parameters = expected.at("w").get<std::vector<double>>();
  ASSERT_EQ(federation.parameters.size(), parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_NEAR(federation.parameters[i], parameters[i], 1e-9) << "element " << i;
  }
  EXPECT_NEAR(HeartLoss(federation.parameters, data),
              expected.at("global_train_loss").get<double>(), 1e-9);
  for (std::size_t k = 0; k < HeartData::kCenters; ++k) {
    EXPECT_EQ(HeartAccuracy(federation.parameters, data.test(k)),
              expected.at("test_acc").at(k).get<double>())
        << "centre " << k;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenHeartTest, ::testing::ValuesIn(HeartCases()),
                         [](const auto& test) {
                           std::string name = test.param.golden;
                           std::erase(name, '.');
                           return name;
                         });

}  // namespace
}  // namespace skerry::learning
