#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "learning/one_number.h"
#include "testing/status_matchers.h"

// What the tests of FedAdagrad, FedAdam and FedYogi have in common.
namespace skerry::learning {

struct FedOptSettings {
  double rate = 1;
  double beta1 = 0;
  double beta2 = 0;
  double tau = 1;
  double initial_v = 0;
  std::string bias_correction = {};
};

inline v1::TrainingSpec FedOptSpec(const std::string& strategy, const FedOptSettings& settings) {
  v1::TrainingSpec spec = HalfSteps(strategy);
  v1::ServerSpec& server = *spec.mutable_server();
  server.set_learning_rate(settings.rate);
  server.set_beta1(settings.beta1);
  server.set_beta2(settings.beta2);
  server.set_tau(settings.tau);
  server.set_initial_v(settings.initial_v);
  server.set_bias_correction(settings.bias_correction);
  return spec;
}

inline void ExpectRefused(const std::string& strategy, const FedOptSettings& settings,
                          const char* key) {
  EXPECT_THAT(MakeStrategy(FedOptSpec(strategy, settings)),
              skerry::testing::Fails(Code::kInvalidArgument, ::testing::HasSubstr(key)));
}

// Settings that no strategy of the family takes.
inline void ExpectRefusalsOfTheFamily(const std::string& strategy) {
  ExpectRefused(strategy, {.rate = -1}, "server.learning_rate");
  ExpectRefused(strategy, {.beta1 = 1}, "server.beta1");
  ExpectRefused(strategy, {.beta2 = -0.5}, "server.beta2");
  ExpectRefused(strategy, {.tau = 0}, "server.tau");
  ExpectRefused(strategy, {.initial_v = -1}, "server.initial_v");
  ExpectRefused(strategy, {.bias_correction = "some"}, "server.bias_correction");
}

}  // namespace skerry::learning
