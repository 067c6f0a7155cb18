#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "learning/model_cases.h"

namespace skerry::learning {
namespace {

using ::testing::ElementsAre;

TEST(GradientByHandTest, OfALinearModel) {
  const auto model = MakeCase({"", "linear", {}, "", "", 0}, 2);
  const std::vector<float> parameters = {1, 2, 0.5F};
  const std::vector<float> features = {3, 4};
  const std::vector<float> labels = {10};
  double loss = 0;
  // 3 + 8 + 0.5 - 10 = 1.5
  EXPECT_THAT(GradientOf(*model, parameters, {1, features, labels}, &loss),
              ElementsAre(4.5F, 6.0F, 1.5F));
  EXPECT_EQ(loss, 1.125);
}

TEST(GradientByHandTest, OfALogisticModelAtZero) {
  const auto model = MakeCase({"", "logistic", {}, "", "", 2}, 2);
  const std::vector<float> parameters = {0, 0, 0};
  const std::vector<float> features = {1, 2, 3, -1};
  const std::vector<float> labels = {1, 0};
  // Half of (1/2 - label) x, summed.
  EXPECT_THAT(GradientOf(*model, parameters, {2, features, labels}),
              ElementsAre(0.5F, -0.75F, 0.0F));
}

TEST(GradientByHandTest, OfASoftmaxModelAtZero) {
  const auto model = MakeCase({"", "softmax", {}, "", "", 4}, 1);
  const std::vector<float> parameters(8);
  const std::vector<float> features = {8};
  const std::vector<float> labels = {3};
  EXPECT_THAT(GradientOf(*model, parameters, {1, features, labels}),
              ElementsAre(2.0F, 2.0F, 2.0F, -6.0F, 0.25F, 0.25F, 0.25F, -0.75F));
}

TEST(GradientByHandTest, OfAnMlpWithAUnitThatIsOff) {
  const auto model = MakeCase({"", "mlp", {2}, "relu", "squared", 0}, 2);
  const std::vector<float> parameters = {1, -1, 2, 0, /*bias*/ 0, -1, /*layer 1*/ 1, 3, 0.5F};
  const std::vector<float> labels = {10};
  // Hidden (2 - 1, 4 - 1) = (1, 3); output 1 + 9 + 0.5 = 10.5.
  const std::vector<float> both_on = {2, 1};
  EXPECT_THAT(GradientOf(*model, parameters, {1, both_on, labels}),
              ElementsAre(1.0F, 0.5F, 3.0F, 1.5F, 0.5F, 1.5F, 0.5F, 1.5F, 0.5F));
  // Hidden (3 - 5, 6 - 1) = (off, 5); output 15.5.
  const std::vector<float> one_on = {3, 5};
  EXPECT_THAT(GradientOf(*model, parameters, {1, one_on, labels}),
              ElementsAre(0.0F, 0.0F, 49.5F, 82.5F, 0.0F, 16.5F, 0.0F, 27.5F, 5.5F));
}

TEST(GradientDeathTest, AWorkspaceThatIsTooSmallIsABug) {
  const auto model = MakeCase({"", "linear", {}, "", "", 0}, 2);
  const std::vector<float> features(6);
  const std::vector<float> labels(3);
  const std::vector<float> parameters(3);
  std::vector<float> gradient(3);
  const auto workspace = model->NewWorkspace(2);
  const Batch batch = {3, features, labels};
  EXPECT_DEATH(model->Gradient(parameters, batch, gradient, *workspace), "max_rows");
}

}  // namespace
}  // namespace skerry::learning
