#include "learning/loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "learning/random_data.h"

namespace skerry::learning {
namespace {

using ::testing::ElementsAre;

TEST(LossTest, SquaredLossOfTwoRowsByHand) {
  const std::vector<float> outputs = {3.0F, -1.0F};
  const std::vector<float> labels = {1.0F, 2.0F};
  std::vector<float> derivatives(2);
  // (2^2 / 2 + (-3)^2 / 2) / 2
  EXPECT_EQ(LossAndDerivatives(OutputKind::kValue, 1, outputs, labels, derivatives), 3.25);
  EXPECT_THAT(derivatives, ElementsAre(1.0F, -1.5F));
}

TEST(LossTest, LogisticLossOfAZeroLogitIsLog2) {
  const std::vector<float> outputs = {0.0F, 0.0F};
  const std::vector<float> labels = {1.0F, 0.0F};
  std::vector<float> derivatives(2);
  EXPECT_DOUBLE_EQ(LossAndDerivatives(OutputKind::kBinary, 1, outputs, labels, derivatives),
                   std::log(2.0));
  EXPECT_THAT(derivatives, ElementsAre(-0.25F, 0.25F));
}

TEST(LossTest, LogisticLossNeitherOverflowsNorCancels) {
  const std::vector<float> right = {40.0F};
  const std::vector<float> wrong = {-1000.0F};
  const std::vector<float> one = {1.0F};
  EXPECT_NEAR(MeanLoss(OutputKind::kBinary, 1, right, one) / std::exp(-40.0), 1.0, 1e-12);
  EXPECT_EQ(MeanLoss(OutputKind::kBinary, 1, wrong, one), 1000.0);
  std::vector<float> derivative(1);
  LossAndDerivatives(OutputKind::kBinary, 1, wrong, one, derivative);
  EXPECT_EQ(derivative[0], -1.0F);
}

TEST(LossTest, SoftmaxLossOfEqualLogitsIsTheLogOfTheirNumber) {
  const std::vector<float> outputs = {5.0F, 5.0F, 5.0F, 5.0F};
  const std::vector<float> labels = {2.0F};
  std::vector<float> derivatives(4);
  EXPECT_DOUBLE_EQ(LossAndDerivatives(OutputKind::kClasses, 4, outputs, labels, derivatives),
                   std::log(4.0));
  EXPECT_THAT(derivatives, ElementsAre(0.25F, 0.25F, -0.75F, 0.25F));
}

TEST(LossTest, SoftmaxTakesTheLargestLogitOutOfEveryExponent) {
  const std::vector<float> outputs = {1e4F, 0.0F, -1e4F};
  const std::vector<float> labels = {1.0F};
  std::vector<float> derivatives(3);
  EXPECT_EQ(LossAndDerivatives(OutputKind::kClasses, 3, outputs, labels, derivatives), 1e4);
  EXPECT_THAT(derivatives, ElementsAre(1.0F, -1.0F, 0.0F));
}

TEST(LossTest, TwoClassesGiveTheLogisticLossOfTheDifference) {
  for (int step = -8; step <= 8; ++step) {
    const float z = 0.75F * static_cast<float>(step);
    SCOPED_TRACE(z);
    const std::vector<float> logits = {0.0F, z};
    const std::vector<float> logit = {z};
    for (const float label : {0.0F, 1.0F}) {
      const std::vector<float> labels = {label};
      EXPECT_NEAR(MeanLoss(OutputKind::kClasses, 2, logits, labels),
                  MeanLoss(OutputKind::kBinary, 1, logit, labels), 1e-15);
    }
  }
}

TEST(LossTest, MeanLossHasTheBitsOfTheLossWithDerivatives) {
  const std::vector<float> outputs = RandomFloats(60, 1);
  std::vector<float> derivatives(60);
  const std::vector<float> classes = RandomClasses(20, 3, 2);
  EXPECT_EQ(MeanLoss(OutputKind::kClasses, 3, outputs, classes),
            LossAndDerivatives(OutputKind::kClasses, 3, outputs, classes, derivatives));
  const std::vector<float> labels = RandomClasses(60, 2, 3);
  EXPECT_EQ(MeanLoss(OutputKind::kBinary, 1, outputs, labels),
            LossAndDerivatives(OutputKind::kBinary, 1, outputs, labels, derivatives));
  EXPECT_EQ(MeanLoss(OutputKind::kValue, 1, outputs, labels),
            LossAndDerivatives(OutputKind::kValue, 1, outputs, labels, derivatives));
}

TEST(LossTest, NoRowsHaveNoLoss) {
  EXPECT_EQ(MeanLoss(OutputKind::kBinary, 1, std::span<const float>(), {}), 0.0);
  EXPECT_EQ(LossAndDerivatives(OutputKind::kClasses, 3, std::span<const float>(), {}, {}), 0.0);
}

TEST(LossTest, AnOutputThatIsNoNumberShowsInTheLoss) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> bad = {1.0F, nan};
  const std::vector<float> labels = {1.0F, 0.0F};
  EXPECT_TRUE(std::isnan(MeanLoss(OutputKind::kBinary, 1, bad, labels)));
  EXPECT_TRUE(std::isnan(MeanLoss(OutputKind::kValue, 1, bad, labels)));
  for (const std::vector<float>& row : {std::vector<float>{nan, 1.0F}, {1.0F, nan}}) {
    for (const float label : {0.0F, 1.0F}) {
      const std::vector<float> one = {label};
      EXPECT_TRUE(std::isnan(MeanLoss(OutputKind::kClasses, 2, row, one)));
    }
  }
}

TEST(LossDeathTest, AClassThatTheModelDoesNotHaveIsABug) {
  const std::vector<float> outputs = {0.0F, 0.0F};
  for (const float label : {2.0F, -1.0F, std::numeric_limits<float>::quiet_NaN()}) {
    const std::vector<float> labels = {label};
    EXPECT_DEATH((void)MeanLoss(OutputKind::kClasses, 2, outputs, labels), "label");
  }
}

}  // namespace
}  // namespace skerry::learning
