#include "learning/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Kind = OptimizerOptions::Kind;

std::vector<double> Walk(const OptimizerOptions& options, std::vector<double> w,
                         const std::vector<std::vector<double>>& gradients) {
  Optimizer<double> optimizer(options, w.size());
  for (const auto& gradient : gradients) optimizer.Step(gradient, w);
  return w;
}

TEST(OptimizerTest, MomentumKeepsTheVelocityOfTheStepBefore) {
  // v = 1, w = 10 - 0.5; v = 0.5 + 1 = 1.5, w = 9.5 - 0.75.
  EXPECT_THAT(Walk({.learning_rate = 0.5, .momentum = 0.5}, {10}, {{1}, {1}}), ElementsAre(8.75));
}

TEST(OptimizerTest, NesterovsMomentumLooksOneStepAhead) {
  // v = 1, w = 10 - 0.5 (1 + 0.5); v = 1.5, w = 9.25 - 0.5 (1 + 0.75).
  EXPECT_THAT(Walk({.learning_rate = 0.5, .momentum = 0.5, .nesterov = true}, {10}, {{1}, {1}}),
              ElementsAre(8.375));
}

TEST(OptimizerTest, AdamsFirstStepsHaveTheLengthOfTheLearningRate) {
  const OptimizerOptions adam = {.kind = Kind::kAdam, .learning_rate = 0.1};
  EXPECT_THAT(Walk(adam, {1, 1}, {{5, -0.01}}),
              ElementsAre(DoubleNear(0.9, 1e-8), DoubleNear(1.1, 1e-6)));
}

// The algorithm as the paper writes it.
TEST(OptimizerTest, AdamIsThePapers) {
  const std::vector<double> gradients = {0.3, -0.2, 0.7};
  double m = 0;
  double v = 0;
  double w = 2;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const double g = gradients[i] + 0.05 * w;
    m = 0.8 * m + 0.2 * g;
    v = 0.9 * v + 0.1 * g * g;
    const auto t = static_cast<double>(i + 1);
    w -= 0.1 * (m / (1 - std::pow(0.8, t))) / (std::sqrt(v / (1 - std::pow(0.9, t))) + 1e-3);
  }
  const OptimizerOptions adam = {.kind = Kind::kAdam,
                                 .learning_rate = 0.1,
                                 .weight_decay = 0.05,
                                 .beta1 = 0.8,
                                 .beta2 = 0.9,
                                 .epsilon = 1e-3};
  EXPECT_THAT(Walk(adam, {2}, {{0.3}, {-0.2}, {0.7}}), ElementsAre(DoubleNear(w, 1e-14)));
}

TEST(OptimizerTest, AdamWTakesTheDecayOffTheParameters) {
  OptimizerOptions adamw = {.kind = Kind::kAdamW, .learning_rate = 0.1, .weight_decay = 0.5};
  const double decayed = Walk(adamw, {4}, {{1}})[0];
  adamw.weight_decay = 0;
  EXPECT_NEAR(decayed, Walk(adamw, {4}, {{1}})[0] - 0.1 * 0.5 * 4, 1e-14);
}

TEST(OptimizerTest, FloatsWalkTheSameWay) {
  const OptimizerOptions adam = {.kind = Kind::kAdam, .learning_rate = 0.1};
  std::vector<float> w = {1.0F};
  Optimizer<float> optimizer(adam, 1);
  optimizer.Step(std::vector<float>{0.5F}, w);
  optimizer.Step(std::vector<float>{-0.25F}, w);
  EXPECT_NEAR(static_cast<double>(w[0]), Walk(adam, {1}, {{0.5}, {-0.25}})[0], 1e-6);
}

TEST(OptimizerTest, OnlyLongGradientsAreShortened) {
  std::vector<double> gradient = {3, 4};
  ClipNorm(gradient, 5);
  EXPECT_THAT(gradient, ElementsAre(3, 4));
  ClipNorm(gradient, 1);
  EXPECT_THAT(gradient, ElementsAre(DoubleNear(0.6, 1e-15), DoubleNear(0.8, 1e-15)));
}

TEST(OptimizerTest, WhatClashesIsNamed) {
  EXPECT_THAT(CheckOptimizer({.kind = Kind::kAdam, .momentum = 0.9}),
              Fails(Code::kInvalidArgument, AllOf(HasSubstr("momentum"), HasSubstr("optimizer"))));
  EXPECT_THAT(CheckOptimizer({.nesterov = true}),
              Fails(Code::kInvalidArgument, AllOf(HasSubstr("nesterov"), HasSubstr("momentum"))));
  EXPECT_THAT(CheckOptimizer({.kind = Kind::kAdamW, .beta2 = 1.0}),
              Fails(Code::kInvalidArgument, HasSubstr("beta2")));
  v1::TrainingSpec spec;
  spec.set_optimizer("adan");
  EXPECT_THAT(ReadOptimizer(spec).status(), Fails(Code::kInvalidArgument, HasSubstr("adan")));
}

}  // namespace
}  // namespace skerry::learning
