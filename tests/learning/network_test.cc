#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "learning/model.h"
#include "learning/model_cases.h"
#include "learning/network_specs.h"
#include "learning/random_data.h"
#include "learning/textbook_network.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct NetworkCase {
  std::string name;
  v1::ModelSpec spec;
  int64_t rows = 5;
};

int64_t NumInputs(const v1::ModelSpec& spec) {
  int64_t inputs = 1;
  for (const int64_t length : spec.input_shape()) inputs *= length;
  return inputs;
}

constexpr int64_t kClasses = 3;
const StepKey kStep = {7, 3, "north", 12};

double MeanLossOf(const std::vector<std::vector<double>>& outputs, std::span<const float> labels) {
  double sum = 0;
  for (std::size_t r = 0; r < outputs.size(); ++r) {
    double exponentials = 0;
    for (const double logit : outputs[r]) exponentials += std::exp(logit);
    sum += std::log(exponentials) - outputs[r][static_cast<std::size_t>(labels[r])];
  }
  return sum / static_cast<double>(outputs.size());
}

class NetworkTest : public ::testing::TestWithParam<NetworkCase> {
 protected:
  Batch batch() const { return {GetParam().rows, features_, labels_, kStep}; }

  const v1::ModelSpec& spec_ = GetParam().spec;
  const std::unique_ptr<Model> model_ = MakeModel(spec_, NumInputs(spec_), kClasses).value();
  const std::vector<float> features_ = RandomFloats(GetParam().rows * NumInputs(spec_), 21);
  const std::vector<float> labels_ = RandomClasses(GetParam().rows, kClasses, 22);
  const std::vector<float> parameters_ = [this] {
    std::vector<float> values = RandomFloats(model_->parameters().num_elements(), 23);
    for (float& value : values) value *= 0.4F;
    return values;
  }();
};

TEST_P(NetworkTest, TheGradientIsTheSlopeOfTheTextbookLoss) {
  const TextbookNetwork textbook(spec_, kStep);
  std::vector<double> at(parameters_.begin(), parameters_.end());
  const auto loss_at = [&] { return MeanLossOf(textbook.Outputs(at, batch()), labels_); };
  double loss = 0;
  const std::vector<float> gradient = GradientOf(*model_, parameters_, batch(), &loss);
  EXPECT_NEAR(loss, loss_at(), 2e-5);
  constexpr double kStepSize = 1e-6;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double middle = at[i];
    at[i] = middle + kStepSize;
    const double above = loss_at();
    at[i] = middle - kStepSize;
    const double below = loss_at();
    at[i] = middle;
    const double slope = (above - below) / (2 * kStepSize);
    ASSERT_NEAR(static_cast<double>(gradient[i]), slope, 3e-5 * (1 + std::fabs(slope))) << i;
  }
}

TEST_P(NetworkTest, HasTheSameBitsOnEveryThreadAndInAUsedWorkspace) {
  const std::vector<uint32_t> expected = Bits(GradientOf(*model_, parameters_, batch()));
  const auto workspace = model_->NewWorkspace(GetParam().rows + 3);
  std::vector<float> gradient(parameters_.size());
  std::thread([&] {
    Batch other = batch();
    other.step.step = 99;
    model_->Gradient(parameters_, other, gradient, *workspace);
    model_->Gradient(parameters_, batch(), gradient, *workspace);
  }).join();
  EXPECT_EQ(Bits(gradient), expected);
}

TEST_P(NetworkTest, InEvaluationARowDoesNotDependOnTheOthers) {
  const auto workspace = model_->NewWorkspace(GetParam().rows);
  std::vector<float> outputs(static_cast<std::size_t>(GetParam().rows * kClasses));
  model_->Forward(parameters_, batch(), outputs, *workspace);
  const auto inputs = static_cast<std::size_t>(NumInputs(spec_));
  std::vector<float> one(kClasses);
  for (std::size_t r = 0; r < static_cast<std::size_t>(GetParam().rows); ++r) {
    model_->Forward(parameters_, {1, std::span(features_).subspan(r * inputs, inputs), {}}, one,
                    *workspace);
    EXPECT_EQ(Bits(one), Bits(std::span(outputs).subspan(r * kClasses, kClasses))) << r;
  }
}

TEST_P(NetworkTest, OfNoRowsTheGradientIsZero) {
  EXPECT_THAT(GradientOf(*model_, parameters_, {0, {}, {}}), Each(0.0F));
}

TEST_P(NetworkTest, InitialParametersDoNotDependOnHowTheyAreCut) {
  const auto size = static_cast<std::size_t>(model_->parameters().num_elements());
  std::vector<float> whole(size);
  model_->Initialize(5, 0, whole);
  std::vector<float> parts(size);
  for (std::size_t first = 0; first < size; first += 7) {
    model_->Initialize(5, static_cast<int64_t>(first),
                       std::span(parts).subspan(first, std::min<std::size_t>(7, size - first)));
  }
  EXPECT_EQ(Bits(parts), Bits(whole));
}

INSTANTIATE_TEST_SUITE_P(
    Networks, NetworkTest,
    ::testing::Values(
        NetworkCase{"Dense", Network({1, 2, 3}, {Flatten(), Dense(4, "tanh"), Dense(3)})},
        NetworkCase{"Gelu", Network({6}, {Dense(5, "gelu"), Dense(4, "gelu"), Dense(3)})},
        NetworkCase{"Valid", Network({2, 7, 9}, {Conv(5, 3, "relu"), Flatten(), Dense(3)})},
        NetworkCase{
            "ValidTwice",
            Network({1, 12, 13}, {Conv(6, 3, "tanh"), Conv(4, 4, "relu"), Flatten(), Dense(3)}), 4},
        NetworkCase{"Same",
                    Network({2, 5, 6}, {Conv(3, 3, "tanh", 1, "same"),
                                        Conv(2, 4, "relu", 1, "same"), Flatten(), Dense(3)})},
        NetworkCase{"Strided", Network({3, 8, 7}, {Conv(4, 3, "tanh", 2), Conv(7, 2, "", 1),
                                                   Flatten(), Dense(3)})},
        NetworkCase{"StridedSame",
                    Network({2, 7, 8}, {Conv(3, 3, "tanh", 2, "same"),
                                        Conv(2, 3, "tanh", 3, "same"), Flatten(), Dense(3)})},
        NetworkCase{"LeNet",
                    Network({1, 12, 12}, {Conv(3, 3, "relu"), Pool(2), Conv(4, 2, "relu"), Pool(2),
                                          Flatten(), Dense(6, "relu"), Dense(3)}),
                    3},
        NetworkCase{"OverlappingPool",
                    Network({2, 7, 7}, {Conv(3, 2, ""), Pool(3, 2), Flatten(), Dense(3)})},
        NetworkCase{"Dropout", Network({8}, {Dense(9, "relu"), Dropout(0.4), Dense(7, "tanh"),
                                             Dropout(0.2), Dense(3)})},
        NetworkCase{"BatchNorm", Network({6}, {Dense(5), BatchNorm("relu"), Dense(3)}), 7},
        NetworkCase{"BatchNormOfImages", Network({2, 5, 6}, {BatchNorm(), Conv(3, 3, "tanh"),
                                                             BatchNorm(), Flatten(), Dense(3)})}),
    [](const auto& tested) { return tested.param.name; });

std::vector<std::string> TensorTexts(const Model& model) {
  std::vector<std::string> texts;
  for (const TensorSpec& tensor : model.parameters().tensors()) {
    std::string text = tensor.name;
    for (const int64_t length : tensor.shape) text += " " + std::to_string(length);
    texts.push_back(text);
  }
  return texts;
}

TEST(NetworkTensorsTest, AreNamedByTheirLayer) {
  ASSERT_OK_AND_ASSIGN(
      const auto model,
      MakeModel(Network({1, 6, 6}, {Conv(2, 3, "relu"), BatchNorm(), Pool(2), Flatten(), Dense(3)}),
                36, 3));
  EXPECT_THAT(TensorTexts(*model),
              ElementsAre("layers.0.weight 2 1 3 3", "layers.0.bias 2", "bn.1.weight 2",
                          "bn.1.bias 2", "bn.1.running_mean 2", "bn.1.running_variance 2",
                          "layers.4.weight 3 8", "layers.4.bias 3"));
}

TEST(NetworkTensorsTest, PublishedNetworksHaveTheirPublishedSizes) {
  ASSERT_OK_AND_ASSIGN(const auto lenet, MakeModel(LeNet(), 784, 10));
  EXPECT_EQ(lenet->parameters().num_elements(), 44'426);
  ASSERT_OK_AND_ASSIGN(const auto cnn, MakeModel(McMahanCnn(), 784, 10));
  EXPECT_EQ(cnn->parameters().num_elements(), 1'663'370);
}

TEST(NetworkTensorsTest, BeginWithinOneOverTheRootOfTheInputs) {
  ASSERT_OK_AND_ASSIGN(const auto model, MakeModel(LeNet(), 784, 10));
  std::vector<float> values(static_cast<std::size_t>(model->parameters().num_elements()));
  model->Initialize(1, 0, values);
  // The second convolution: 6 channels of 5 x 5.
  const auto second = std::span(values).subspan(156, 2400);
  const auto [least, largest] = std::minmax_element(second.begin(), second.end());
  EXPECT_NEAR(*largest, 1 / std::sqrt(150.0), 1e-3);
  EXPECT_NEAR(*least, -1 / std::sqrt(150.0), 1e-3);
}

TEST(DropoutTest, IsDrawnForEachStepAnew) {
  ASSERT_OK_AND_ASSIGN(const auto model,
                       MakeModel(Network({4}, {Dense(50), Dropout(0.5), Dense(3)}), 4, 3));
  std::vector<float> parameters(static_cast<std::size_t>(model->parameters().num_elements()));
  model->Initialize(1, 0, parameters);
  const std::vector<float> features = RandomFloats(8, 1);
  const std::vector<float> labels = {0, 1};
  const auto bits = [&](const StepKey& step) {
    return Bits(GradientOf(*model, parameters, {2, features, labels, step}));
  };
  const std::vector<uint32_t> some = bits({1, 2, "north", 3});
  EXPECT_EQ(bits({1, 2, "north", 3}), some);
  EXPECT_NE(bits({2, 2, "north", 3}), some);
  EXPECT_NE(bits({1, 3, "north", 3}), some);
  EXPECT_NE(bits({1, 2, "south", 3}), some);
  EXPECT_NE(bits({1, 2, "north", 4}), some);
}

TEST(BatchNormTest, AStepMovesTheRunningValuesATenthOfTheWay) {
  v1::ModelSpec spec = Network({1}, {BatchNorm(), Dense(3)});
  ASSERT_OK_AND_ASSIGN(const auto model, MakeModel(spec, 1, 3));
  // weight, bias, running mean, running variance, and the dense layer's.
  std::vector<float> parameters = {1, 0, 10, 2, 1, 1, 1, 0, 0, 0};
  const std::vector<float> features = {1, 2, 3, 6};  // mean 3, unbiased variance 14/3
  const std::vector<float> labels = {0, 1, 2, 0};
  const auto workspace = model->NewWorkspace(4);
  std::vector<float> gradient(parameters.size());
  model->Gradient(parameters, {4, features, labels}, gradient, *workspace);
  EXPECT_EQ(gradient[2], 0.0F);
  EXPECT_EQ(gradient[3], 0.0F);
  parameters[2] = -1e6F;  // whatever an optimizer makes of them
  model->FinishStep(parameters, *workspace);
  EXPECT_FLOAT_EQ(parameters[2], 0.9F * 10 + 0.1F * 3);
  EXPECT_FLOAT_EQ(parameters[3], 0.9F * 2 + 0.1F * 14 / 3);
}

struct Refusal {
  std::string name;
  v1::ModelSpec spec;
  std::string says;
  std::string hint;
  int64_t inputs = 36;
};

class NetworkRefusalTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(NetworkRefusalTest, NamesTheLayer) {
  EXPECT_THAT(
      MakeModel(GetParam().spec, GetParam().inputs, 3),
      Fails(Code::kInvalidArgument, AllOf(HasSubstr(GetParam().says), HasSubstr(GetParam().hint))));
}

v1::LayerSpec With(v1::LayerSpec layer, const std::function<void(v1::LayerSpec&)>& change) {
  change(layer);
  return layer;
}

INSTANTIATE_TEST_SUITE_P(
    Networks, NetworkRefusalTest,
    ::testing::Values(
        Refusal{"NoLayers", Network({36}, {}), "model.layers: a network needs", "[[model.layers]]"},
        Refusal{"UnknownKind", Network({36}, {With(Dense(3), [](auto& l) { l.set_kind("dens"); })}),
                "model.layers.0.kind: \"dens\" is unknown", "\"dense\""},
        Refusal{"ConvOfAList", Network({36}, {Conv(2, 3, ""), Flatten(), Dense(3)}),
                "model.layers.0 (conv): needs an image", "input_shape"},
        Refusal{"DenseOfAnImage", Network({1, 6, 6}, {Conv(2, 3, ""), Dense(3)}),
                "model.layers.1 (dense): needs a flat list, but gets an image of 2 x 4 x 4",
                "flatten"},
        Refusal{"TooLargeAWindow", Network({1, 6, 6}, {Conv(2, 7, ""), Flatten(), Dense(3)}),
                "model.layers.0 (conv): a window of 7 does not fit into 1 x 6 x 6", ""},
        Refusal{"TooMuchPooling", Network({1, 6, 6}, {Pool(4), Pool(2), Flatten(), Dense(3)}),
                "model.layers.1 (max_pool): a window of 2 does not fit into 1 x 1 x 1", ""},
        Refusal{"WrongOutputs", Network({36}, {Dense(4)}),
                "model.layers.0.units: the last layer must have 3", ""},
        Refusal{"ActivatedOutputs", Network({36}, {Dense(3, "relu")}),
                "model.layers.0 (dense): the last layer must be dense, without", ""},
        Refusal{"KeyOfAnother", Network({36}, {With(Dense(3), [](auto& l) { l.set_kernel(2); })}),
                "model.layers.0.kernel: a layer of kind \"dense\" does not have this", "conv"},
        Refusal{"UnknownActivation", Network({36}, {Dense(5, "rely"), Dense(3)}),
                "model.layers.0.activation: \"rely\" is unknown", "\"relu\""},
        Refusal{"RateOfOne", Network({36}, {Dropout(1), Dense(3)}),
                "model.layers.0.rate: must be over 0 and below 1", ""},
        Refusal{"NoKernel", Network({1, 6, 6}, {Conv(2, 0, ""), Flatten(), Dense(3)}),
                "model.layers.0.kernel: must be 1 to", ""},
        Refusal{"UnknownPadding",
                Network({1, 6, 6}, {Conv(2, 3, "", 1, "sme"), Flatten(), Dense(3)}),
                "model.layers.0.padding: \"sme\" is unknown", "\"same\""},
        Refusal{"OtherShape", Network({1, 5, 5}, {Flatten(), Dense(3)}),
                "model.input_shape: 25 values, but data.features gives 36", ""},
        Refusal{"HugeShape",
                Network({int64_t{1} << 24, int64_t{1} << 24, int64_t{1} << 24}, {Dense(3)}),
                "model.input_shape", ""},
        Refusal{"TwoNumbers", Network({6, 6}, {Dense(3)}), "model.input_shape: must be", ""},
        Refusal{"HugeConvolution",
                Network({1, 6, 6}, {Conv(int64_t{1} << 24, 3, ""), Flatten(), Dense(3)}),
                "model.layers.0 (conv): more than 2^24 values", ""}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace skerry::learning
