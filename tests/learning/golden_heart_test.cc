// The strategies against other programs' figures on the heart disease data: a recorded run of each,
// without random numbers (data/golden_algos), to nine digits.
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "learning/heart.h"
#include "learning/small_federation.h"

namespace skerry::learning {
namespace {

struct Case {
  std::string golden;
  std::string strategy;
  std::function<void(v1::TrainingSpec&)> set = nullptr;
  std::vector<int64_t> steps = {};
};

v1::TrainingSpec FullBatch(const std::string& strategy) {
  v1::TrainingSpec spec;
  spec.set_strategy(strategy);
  spec.set_local_steps(5);
  spec.set_learning_rate(0.1);
  return spec;
}

void SetAdaptive(v1::TrainingSpec& spec) {
  v1::ServerSpec& server = *spec.mutable_server();
  server.set_learning_rate(0.1);
  server.set_beta1(0.9);
  server.set_beta2(0.99);
  server.set_tau(1e-3);
}

std::vector<Case> Cases() {
  using Spec = v1::TrainingSpec;
  const auto momentum = [](bool nesterov) {
    return [nesterov](Spec& spec) {
      spec.mutable_server()->set_momentum(0.9);
      spec.mutable_server()->set_nesterov(nesterov);
    };
  };
  const std::vector<int64_t> unequal = {2, 4, 8, 16};
  return {
      {"FedAvg", "fedavg"},
      {"FedAvg_heterogeneous_steps", "fedavg", nullptr, unequal},
      {"FedProx", "fedprox", [](Spec& spec) { spec.set_proximal_mu(1.0); }},
      {"FedAvgM", "fedavgm", momentum(false)},
      {"FedAvgM_nesterov", "fedavgm", momentum(true)},
      {"FedAdagrad", "fedadagrad", SetAdaptive},
      {"FedAdam", "fedadam", SetAdaptive},
      {"FedAdam_flower_biascorrected", "fedadam",
       [](Spec& spec) {
         SetAdaptive(spec);
         spec.mutable_server()->set_bias_correction("flower");
       }},
      {"FedYogi", "fedyogi", SetAdaptive},
      {"SCAFFOLD_optionII_uniform", "scaffold", [](Spec& spec) { spec.set_weighting("uniform"); }},
      {"SCAFFOLD_optionII_weighted", "scaffold"},
      {"FedNova_mom0", "fednova", nullptr, unequal},
      {"FedNova_mom0.9", "fednova",
       [](Spec& spec) {
         spec.set_momentum(0.9);
         spec.set_learning_rate(0.02);
       },
       unequal},
      {"FedDyn_uniform", "feddyn", [](Spec& spec) { spec.set_alpha(0.1); }},
      {"qFedAvg_q0", "qfedavg", [](Spec& spec) { spec.set_q(0.0); }},
      {"qFedAvg_q1", "qfedavg", [](Spec& spec) { spec.set_q(1.0); }},
  };
}

class GoldenHeartTest : public ::testing::TestWithParam<Case> {};

TEST_P(GoldenHeartTest, GivesTheParametersLossAndAccuraciesOfTheOtherProgram) {
  if (HeartData::Folder().empty()) GTEST_SKIP() << "SKERRY_DATA is not set";
  static const HeartData data;
  static const nlohmann::json golden =
      GoldenFile("golden_algos/heart_fullbatch.json").at("results");
  const Case& c = GetParam();
  v1::TrainingSpec spec = FullBatch(c.strategy);
  if (c.set) c.set(spec);
  SmallFederation federation(spec,
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

INSTANTIATE_TEST_SUITE_P(All, GoldenHeartTest, ::testing::ValuesIn(Cases()), [](const auto& test) {
  std::string name = test.param.golden;
  std::erase(name, '.');
  return name;
});

}  // namespace
}  // namespace skerry::learning
