// The asynchronous strategies against another program's figures on the heart disease data
// (data/golden_algos), to nine digits.
#include <gtest/gtest.h>

#include "learning/heart.h"
#include "learning/small_federation.h"

namespace skerry::learning {
namespace {

v1::TrainingSpec Spec(const char* strategy) {
  v1::TrainingSpec spec;
  spec.set_strategy(strategy);
  spec.set_learning_rate(0.1);
  spec.set_local_steps(5);
  spec.mutable_server()->set_learning_rate(1.0);
  spec.mutable_async()->set_staleness("polynomial");
  spec.mutable_async()->set_a(0.5);
  return spec;
}

// Of the recorded runs: update t is that of centre t mod 4, and began t mod 4 versions ago, if
// there were so many.
std::vector<SmallFederation::Arrival> ArrivalsOf(int64_t version, int64_t buffer) {
  std::vector<SmallFederation::Arrival> arrivals;
  for (int64_t t = version * buffer; t < (version + 1) * buffer; ++t) {
    arrivals.push_back({static_cast<std::size_t>(t % 4), std::max<int64_t>(0, version - t % 4)});
  }
  return arrivals;
}

void ExpectGolden(const char* golden, const v1::TrainingSpec& spec, int64_t num_versions,
                  int64_t buffer) {
  if (HeartData::Folder().empty()) GTEST_SKIP() << "SKERRY_DATA is not set";
  const HeartData data;
  SmallFederation federation(spec,
                             {&data.train(0), &data.train(1), &data.train(2), &data.train(3)});
  for (int64_t version = 0; version < num_versions; ++version) {
    federation.MakeVersion(ArrivalsOf(version, buffer));
  }
  const nlohmann::json expected =
      GoldenFile("golden_algos/heart_fullbatch.json").at("results").at(golden);
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

TEST(GoldenAsyncHeartTest, FedBuffGivesTheParametersLossAndAccuraciesOfTheOtherProgram) {
  v1::TrainingSpec spec = Spec("fedbuff");
  spec.mutable_async()->set_buffer(3);
  ExpectGolden("FedBuff_K3", spec, 20, 3);
}

TEST(GoldenAsyncHeartTest, FedAsyncGivesTheParametersLossAndAccuraciesOfTheOtherProgram) {
  v1::TrainingSpec spec = Spec("fedasync");
  spec.set_proximal_mu(0.005);
  spec.mutable_async()->set_mixing(0.6);
  ExpectGolden("FedAsync_poly", spec, 40, 1);
}

}  // namespace
}  // namespace skerry::learning
