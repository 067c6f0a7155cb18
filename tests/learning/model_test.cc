#include "learning/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "learning/network_specs.h"
#include "learning/random_data.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::ModelSpec Spec(const std::string& kind) {
  v1::ModelSpec spec;
  spec.set_kind(kind);
  return spec;
}

v1::ModelSpec Mlp(const std::vector<int64_t>& hidden) {
  v1::ModelSpec spec = Spec("mlp");
  for (const int64_t units : hidden) spec.add_hidden(units);
  return spec;
}

std::vector<std::string> TensorTexts(const Model& model) {
  std::vector<std::string> texts;
  for (const TensorSpec& tensor : model.parameters().tensors()) {
    std::string text = tensor.name;
    for (const int64_t dimension : tensor.shape) text += " " + std::to_string(dimension);
    texts.push_back(text);
    EXPECT_EQ(tensor.dtype, DType::kF32);
  }
  return texts;
}

std::vector<float> Initial(const Model& model, uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(model.parameters().num_elements()));
  model.Initialize(seed, 0, values);
  return values;
}

TEST(ModelTest, OneLayerKindsHaveAWeightAndABias) {
  ASSERT_OK_AND_ASSIGN(const auto linear, MakeModel(Spec("linear"), 4, 0));
  EXPECT_THAT(TensorTexts(*linear), ElementsAre("weight 1 4", "bias 1"));
  EXPECT_EQ(linear->output_kind(), OutputKind::kValue);
  ASSERT_OK_AND_ASSIGN(const auto logistic, MakeModel(Spec("logistic"), 4, 2));
  EXPECT_THAT(TensorTexts(*logistic), ElementsAre("weight 1 4", "bias 1"));
  EXPECT_EQ(logistic->output_kind(), OutputKind::kBinary);
  ASSERT_OK_AND_ASSIGN(const auto softmax, MakeModel(Spec("softmax"), 4, 3));
  EXPECT_THAT(TensorTexts(*softmax), ElementsAre("weight 3 4", "bias 3"));
  EXPECT_EQ(softmax->output_kind(), OutputKind::kClasses);
  EXPECT_EQ(softmax->num_outputs(), 3);
  EXPECT_EQ(softmax->num_features(), 4);
}

TEST(ModelTest, AnMlpHasNumberedLayers) {
  ASSERT_OK_AND_ASSIGN(const auto model, MakeModel(Mlp({5, 6}), 4, 3));
  EXPECT_THAT(TensorTexts(*model),
              ElementsAre("layers.0.weight 5 4", "layers.0.bias 5", "layers.1.weight 6 5",
                          "layers.1.bias 6", "layers.2.weight 3 6", "layers.2.bias 3"));
}

TEST(ModelTest, AnMlpsLossFollowsFromTheLabel) {
  const auto kind = [](int64_t num_classes) {
    return MakeModel(Mlp({2}), 1, num_classes).value()->output_kind();
  };
  EXPECT_EQ(kind(0), OutputKind::kValue);
  EXPECT_EQ(kind(2), OutputKind::kBinary);
  EXPECT_EQ(kind(3), OutputKind::kClasses);
  v1::ModelSpec spec = Mlp({2});
  spec.set_loss("softmax");
  ASSERT_OK_AND_ASSIGN(const auto two, MakeModel(spec, 1, 2));
  EXPECT_EQ(two->output_kind(), OutputKind::kClasses);
  EXPECT_EQ(two->num_outputs(), 2);
}

TEST(ModelTest, UnknownNamesComeWithTheNearestKnown) {
  EXPECT_THAT(
      MakeModel(Spec("logstic"), 1, 2),
      Fails(Code::kInvalidArgument,
            AllOf(HasSubstr("model.kind: \"logstic\" is unknown"),
                  HasSubstr("did you mean \"logistic\"?"),
                  HasSubstr("cox, k_means, linear, logistic, mlp, network, softmax, trees"))));
  EXPECT_THAT(MakeModel(Spec(""), 1, 2), Fails(Code::kInvalidArgument, HasSubstr("model.kind")));
  v1::ModelSpec spec = Mlp({2});
  spec.set_activation("rely");
  EXPECT_THAT(
      MakeModel(spec, 1, 2),
      Fails(Code::kInvalidArgument, AllOf(HasSubstr("model.activation"), HasSubstr("\"relu\""))));
  spec.set_activation("tanh");
  spec.set_loss("softmx");
  EXPECT_THAT(
      MakeModel(spec, 1, 2),
      Fails(Code::kInvalidArgument, AllOf(HasSubstr("model.loss"), HasSubstr("\"softmax\""))));
}

TEST(ModelTest, AKindRefusesALabelThatItCannotPredict) {
  EXPECT_THAT(MakeModel(Spec("logistic"), 1, 3),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("one of 3 classes"), HasSubstr("use \"softmax\""))));
  EXPECT_THAT(MakeModel(Spec("logistic"), 1, 0),
              Fails(Code::kInvalidArgument, HasSubstr("use \"linear\"")));
  EXPECT_THAT(MakeModel(Spec("linear"), 1, 2),
              Fails(Code::kInvalidArgument, HasSubstr("use \"logistic\"")));
  EXPECT_THAT(MakeModel(Spec("softmax"), 1, 0),
              Fails(Code::kInvalidArgument, HasSubstr("2 or more classes")));
  v1::ModelSpec spec = Mlp({2});
  spec.set_loss("squared");
  EXPECT_THAT(
      MakeModel(spec, 1, 2),
      Fails(Code::kInvalidArgument, AllOf(HasSubstr("model.loss"), HasSubstr("use \"logistic\""))));
  EXPECT_OK(MakeModel(Spec("softmax"), 1, 2));
}

TEST(ModelTest, SizesMustMakeSense) {
  EXPECT_THAT(MakeModel(Spec("linear"), 0, 0),
              Fails(Code::kInvalidArgument, HasSubstr("data.features")));
  EXPECT_THAT(MakeModel(Spec("softmax"), 1, 1),
              Fails(Code::kInvalidArgument, HasSubstr("data.label_classes")));
  EXPECT_THAT(MakeModel(Spec("softmax"), 1, -2),
              Fails(Code::kInvalidArgument, HasSubstr("data.label_classes")));
  EXPECT_THAT(MakeModel(Mlp({}), 1, 2), Fails(Code::kInvalidArgument, HasSubstr("model.hidden")));
  EXPECT_THAT(MakeModel(Mlp({3, 0}), 1, 2),
              Fails(Code::kInvalidArgument, HasSubstr("model.hidden")));
  EXPECT_THAT(MakeModel(Mlp(std::vector<int64_t>(65, 2)), 1, 2),
              Fails(Code::kInvalidArgument, HasSubstr("65")));
  EXPECT_THAT(MakeModel(Mlp({int64_t{1} << 62}), 1, 2),
              Fails(Code::kInvalidArgument, HasSubstr("2^24 units")));
  EXPECT_THAT(MakeModel(Mlp({1 << 24, 1 << 24}), 1, 2),
              Fails(Code::kInvalidArgument, HasSubstr("at most 2^34")));
}

TEST(ModelTest, KeysOfTheMlpAreRefusedElsewhere) {
  v1::ModelSpec hidden = Spec("logistic");
  hidden.add_hidden(3);
  EXPECT_THAT(MakeModel(hidden, 1, 2), Fails(Code::kInvalidArgument, HasSubstr("model.hidden")));
  v1::ModelSpec activation = Spec("linear");
  activation.set_activation("relu");
  EXPECT_THAT(MakeModel(activation, 1, 0),
              Fails(Code::kInvalidArgument, HasSubstr("model.activation")));
  v1::ModelSpec loss = Spec("softmax");
  loss.set_loss("softmax");
  EXPECT_THAT(MakeModel(loss, 1, 2), Fails(Code::kInvalidArgument, HasSubstr("model.loss")));
}

TEST(ModelTest, EveryKindCanBeMade) {
  for (const std::string& kind : ModelKinds()) {
    v1::ModelSpec spec = kind == "mlp" ? Mlp({2}) : Spec(kind);
    if (kind == "network") spec = Network({3}, {Dense(1)});
    spec.mutable_trees()->set_num_trees(1);
    spec.mutable_trees()->set_max_depth(1);
    spec.mutable_trees()->set_bins(2);
    spec.mutable_trees()->set_learning_rate(1);
    spec.mutable_k_means()->set_clusters(2);
    const bool of_numbers = kind == "linear" || kind == "cox" || kind == "k_means";
    EXPECT_OK(MakeModel(spec, 3, of_numbers ? 0 : 2)) << kind;
  }
}

TEST(ModelTest, OneLayerKindsStartAtZero) {
  ASSERT_OK_AND_ASSIGN(const auto model, MakeModel(Spec("softmax"), 7, 3));
  EXPECT_THAT(Bits(Initial(*model, 5)), Each(0U));
}

TEST(ModelTest, AnMlpStartsUniformWithinTheFanInsBound) {
  ASSERT_OK_AND_ASSIGN(const auto model, MakeModel(Mlp({200}), 100, 2));
  const std::vector<float> values = Initial(*model, 1);
  const auto& layout = model->parameters();
  for (std::size_t t = 0; t < layout.tensors().size(); ++t) {
    const double bound = t < 2 ? 0.1 : 1.0 / std::sqrt(200.0);
    const auto first = static_cast<std::size_t>(layout.offset_bytes(t) / 4);
    const auto last = static_cast<std::size_t>(
        (t + 1 < layout.tensors().size() ? layout.offset_bytes(t + 1) : layout.size_bytes()) / 4);
    for (std::size_t i = first; i < last; ++i) ASSERT_LE(std::fabs(values[i]), bound * 1.0000001);
  }
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < 20000; ++i) {
    sum += static_cast<double>(values[i]);
    squares += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  // Five standard errors of the mean and of the mean square of a uniform variable.
  EXPECT_NEAR(sum / 20000, 0.0, 5 * 0.1 / std::sqrt(3.0 * 20000));
  EXPECT_NEAR(squares / 20000, 0.01 / 3, 5 * 0.01 * std::sqrt(4.0 / 45 / 20000));
}

TEST(ModelTest, AnyRangeOfTheInitialParametersCanBeMadeByItself) {
  ASSERT_OK_AND_ASSIGN(const auto model, MakeModel(Mlp({90, 7}), 100, 3));
  const std::vector<float> whole = Initial(*model, 9);
  const auto size = static_cast<int64_t>(whole.size());
  RandomStream stream = TestStream(3);
  for (int i = 0; i < 200; ++i) {
    const auto first = static_cast<int64_t>(stream.Below(static_cast<uint64_t>(size)));
    const auto most = static_cast<uint64_t>(std::min<int64_t>(size - first, i % 2 ? 20 : 9000));
    std::vector<float> part(stream.Below(most + 1));
    model->Initialize(9, first, part);
    const std::span<const float> expected =
        std::span<const float>(whole).subspan(static_cast<std::size_t>(first), part.size());
    ASSERT_EQ(Bits(part), Bits(expected)) << first << " + " << part.size();
  }
}

TEST(ModelTest, InitialParametersComeFromTheStreamOfTheirTensorAndBlock) {
  ASSERT_OK_AND_ASSIGN(const auto model, MakeModel(Mlp({64}), 100, 2));
  const std::vector<float> values = Initial(*model, 77);
  RandomStream second_block(77, Purpose::kInitialParameters, 0, "", 1);
  EXPECT_EQ(values[4096], static_cast<float>((2.0 * second_block.Uniform() - 1.0) * 0.1));
  RandomStream bias(77, Purpose::kInitialParameters, 1, "", 0);
  EXPECT_EQ(values[6400], static_cast<float>((2.0 * bias.Uniform() - 1.0) * 0.1));
  EXPECT_NE(Bits(values), Bits(Initial(*model, 78)));
}

TEST(ModelTest, ForwardGivesTheOutputsBeforeTheLink) {
  ASSERT_OK_AND_ASSIGN(const auto model, MakeModel(Spec("softmax"), 2, 2));
  const std::vector<float> parameters = {1, 2, -1, 0.5F, 0.25F, -0.25F};
  const std::vector<float> features = {3, 4, 0, -2};
  std::vector<float> outputs(4);
  const auto workspace = model->NewWorkspace(5);
  model->Forward(parameters, {2, features, {}}, outputs, *workspace);
  EXPECT_THAT(outputs, ElementsAre(11.25F, -1.25F, -3.75F, -1.25F));
}

}  // namespace
}  // namespace skerry::learning
