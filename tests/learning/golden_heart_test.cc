// The strategies against other programs' figures on the heart disease data: a recorded run of each,
// without random numbers (data/golden_algos), to nine digits.
#include <gtest/gtest.h>

#include "learning/heart.h"
#include "learning/heart_cases.h"
#include "learning/small_federation.h"

namespace skerry::learning {
namespace {

void ExpectWeights(const std::vector<double>& found, const nlohmann::json& expected) {
  const auto parameters = expected.at("w").get<std::vector<double>>();
  ASSERT_EQ(found.size(), parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_NEAR(found[i], parameters[i], 1e-9) << "element " << i;
  }
}

// Parameters, loss and accuracies.
void ExpectGolden(const std::vector<double>& found, const HeartData& data,
                  const nlohmann::json& expected) {
  ExpectWeights(found, expected);
  EXPECT_NEAR(HeartLoss(found, data), expected.at("global_train_loss").get<double>(), 1e-9);
  for (std::size_t k = 0; k < HeartData::kCenters; ++k) {
    EXPECT_EQ(HeartAccuracy(found, data.test(k)), expected.at("test_acc").at(k).get<double>())
        << "centre " << k;
  }
}

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

  ExpectGolden(federation.parameters, data, golden.at(c.golden));
}

INSTANTIATE_TEST_SUITE_P(All, GoldenHeartTest, ::testing::ValuesIn(HeartCases()),
                         [](const auto& test) {
                           std::string name = test.param.golden;
                           std::erase(name, '.');
                           return name;
                         });

TEST(GoldenAsyncHeartTest, GivesTheParametersLossAndAccuraciesOfTheOtherProgram) {
  if (HeartData::Folder().empty()) GTEST_SKIP() << "SKERRY_DATA is not set";
  const HeartData data;
  const nlohmann::json golden = GoldenFile("golden_algos/heart_fullbatch.json").at("results");
  for (const HeartAsyncCase& c : HeartAsyncCases()) {
    SCOPED_TRACE(c.golden);
    SmallFederation federation(c.spec,
                               {&data.train(0), &data.train(1), &data.train(2), &data.train(3)});
    for (int64_t v = 0; v < c.num_versions; ++v) federation.MakeVersion(c.ArrivalsOf(v));
    ExpectGolden(federation.parameters, data, golden.at(c.golden));
  }
}

// What Newton's method finds on the rows of all centres.
TEST(NewtonHeartTest, ScaffoldEndsAtTheMaximumLikelihoodOfAllRows) {
  if (HeartData::Folder().empty()) GTEST_SKIP() << "SKERRY_DATA is not set";
  const HeartData data;
  v1::TrainingSpec spec;
  spec.set_strategy("scaffold");
  spec.set_local_steps(5);
  spec.set_learning_rate(0.1);
  SmallFederation federation(spec,
                             {&data.train(0), &data.train(1), &data.train(2), &data.train(3)});
  federation.Run(5000);
  ExpectGolden(federation.parameters, data,
               GoldenFile("golden_algos/heart_fullbatch.json").at("results").at("Newton_MLE"));
}

}  // namespace
}  // namespace skerry::learning
