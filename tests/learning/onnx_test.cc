// The bytes of ONNX files, as the protocol buffer library reads them. What they compute is compared
// by tests/onnx.
#include <gmock/gmock.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <set>

#include "learning/onnx/export.h"
#include "learning/trees/forest.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;
using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

// A message whose fields are known by number alone.
class Message {
 public:
  explicit Message(const std::string& bytes) {
    EXPECT_TRUE(fields_->ParseFromString(bytes)) << "not a protocol buffer";
  }

  std::vector<std::string> Texts(int number) const {
    std::vector<std::string> found;
    for (int i = 0; i < fields_->field_count(); ++i) {
      const UnknownField& field = fields_->field(i);
      if (field.number() == number) found.push_back(field.length_delimited());
    }
    return found;
  }
  std::string Text(int number) const {
    const std::vector<std::string> found = Texts(number);
    return found.empty() ? "" : found.front();
  }
  std::vector<int64_t> Integers(int number) const {
    std::vector<int64_t> found;
    for (int i = 0; i < fields_->field_count(); ++i) {
      const UnknownField& field = fields_->field(i);
      if (field.number() == number) found.push_back(static_cast<int64_t>(field.varint()));
    }
    return found;
  }
  std::vector<float> Floats(int number) const {
    std::vector<float> found;
    for (int i = 0; i < fields_->field_count(); ++i) {
      const UnknownField& field = fields_->field(i);
      if (field.number() == number) found.push_back(std::bit_cast<float>(field.fixed32()));
    }
    return found;
  }
  std::vector<Message> Messages(int number) const {
    std::vector<Message> found;
    for (const std::string& bytes : Texts(number)) found.emplace_back(bytes);
    return found;
  }

 private:
  const std::shared_ptr<UnknownFieldSet> fields_ = std::make_shared<UnknownFieldSet>();
};

std::vector<std::string> NamesIn(const std::vector<Message>& messages, int number = 1) {
  std::vector<std::string> names;
  for (const Message& message : messages) names.push_back(message.Text(number));
  return names;
}

v1::RunSpec SpecOf(const std::string& kind) {
  v1::RunSpec spec;
  spec.set_name("trial");
  spec.mutable_model()->set_kind(kind);
  v1::DataSpec& data = *spec.mutable_data();
  data.add_features("age");
  data.add_features("bmi");
  data.set_missing(kind == "trees" ? v1::KEEP : v1::MEAN);
  v1::TreesSpec& trees = *spec.mutable_model()->mutable_trees();
  trees.set_num_trees(2);
  trees.set_max_depth(2);
  trees.set_bins(2);
  trees.set_learning_rate(0.5);
  spec.mutable_model()->mutable_k_means()->set_clusters(3);
  if (kind == "linear" || kind == "k_means") return spec;
  data.add_label_classes("alive");
  data.add_label_classes("died");
  if (kind == "softmax") data.add_label_classes("moved");
  return spec;
}

// A model of this description, whose parameters count up from 0 by `step`.
class Exported {
 public:
  explicit Exported(v1::RunSpec spec, float step = 0.25F)
      : spec_(std::move(spec)),
        num_inputs_(FeatureColumns(spec_.data()).size()),
        model_(MakeModel(spec_.model(), static_cast<int64_t>(num_inputs_),
                         spec_.data().label_classes_size())
                   .value()),
        transform_(InputTransform::Identity(num_inputs_)) {
    for (std::size_t i = 0; i < num_inputs_; ++i) transform_.mean[i] = 1.5;
    for (int64_t i = 0; i < model_->parameters().num_elements(); ++i) {
      parameters_.push_back(step * static_cast<float>(i + 1));
    }
  }

  Result<std::string> File() const {
    return ToOnnx({spec_, *model_, transform_, parameters_}, {{"run", "trial"}});
  }
  std::span<float> parameters() { return parameters_; }
  Message Graph() const { return Message(Message(File().value()).Text(7)); }

 private:
  const v1::RunSpec spec_;
  const std::size_t num_inputs_;
  const std::unique_ptr<Model> model_;
  InputTransform transform_;
  std::vector<float> parameters_;
};

TEST(OnnxTest, AFileSaysWhichOperatorsItNeedsAndWhoMadeIt) {
  const Message file(Exported(SpecOf("linear")).File().value());
  EXPECT_THAT(file.Integers(1), ElementsAre(8));
  EXPECT_EQ(file.Text(2), "skerry");
  const std::vector<Message> sets = file.Messages(8);
  EXPECT_THAT(NamesIn(sets), ElementsAre("", "ai.onnx.ml"));
  EXPECT_THAT(sets[0].Integers(2), ElementsAre(13));
  EXPECT_THAT(sets[1].Integers(2), ElementsAre(2));
  const Message entry = file.Messages(14).at(0);
  EXPECT_EQ(entry.Text(1) + "=" + entry.Text(2), "run=trial");
}

TEST(OnnxTest, TheTensorsAreTheModelsToTheBit) {
  const Message graph = Exported(SpecOf("linear")).Graph();
  bool found = false;
  for (const Message& tensor : graph.Messages(5)) {
    if (!tensor.Text(8).ends_with("/weight")) continue;
    found = true;
    EXPECT_THAT(tensor.Integers(1), ElementsAre(1, 2));
    EXPECT_THAT(tensor.Integers(2), ElementsAre(1)) << "FLOAT";
    const std::string raw = tensor.Text(9);
    ASSERT_EQ(raw.size(), 8U);
    float values[2];
    std::memcpy(values, raw.data(), 8);
    EXPECT_EQ(values[0], 0.25F);
    EXPECT_EQ(values[1], 0.5F);
  }
  EXPECT_TRUE(found);
}

// What noise, or a mean of sites, made of a running variance is no variance.
TEST(OnnxTest, ANegativeVarianceIsNoneAsInTheModelItself) {
  v1::RunSpec spec = SpecOf("network");
  for (const char* kind : {"dense", "batch_norm", "dense"}) {
    v1::LayerSpec& layer = *spec.mutable_model()->add_layers();
    layer.set_kind(kind);
    if (layer.kind() == "dense") layer.set_units(1);
  }
  std::vector<std::string> below_zero;
  for (const Message& tensor : Exported(spec, -0.25F).Graph().Messages(5)) {
    float value = 0;
    const std::string raw = tensor.Text(9);
    if (tensor.Text(8).find("bn.1.") == std::string::npos || raw.size() != 4) continue;
    std::memcpy(&value, raw.data(), 4);
    if (value < 0) below_zero.push_back(tensor.Text(8).substr(tensor.Text(8).rfind('/') + 1));
    if (tensor.Text(8).ends_with("running_variance")) {
      EXPECT_EQ(value, 0.0F);
    }
  }
  EXPECT_THAT(below_zero, ElementsAre("bn.1.weight", "bn.1.bias", "bn.1.running_mean"));
}

void ExpectEveryValueToBeMadeBeforeItIsUsed(const Message& graph) {
  std::set<std::string> known;
  for (const Message& input : graph.Messages(11)) known.insert(input.Text(1));
  EXPECT_THAT(known, ::testing::UnorderedElementsAre("numeric", "category.ward"));
  for (const Message& tensor : graph.Messages(5)) {
    EXPECT_TRUE(known.insert(tensor.Text(8)).second) << tensor.Text(8) << " is there twice";
  }
  for (const Message& node : graph.Messages(1)) {
    for (const std::string& input : node.Texts(1)) {
      EXPECT_TRUE(known.contains(input)) << node.Text(4) << " uses " << input;
    }
    EXPECT_TRUE(known.insert(node.Text(2)).second) << node.Text(2) << " is made twice";
  }
  for (const Message& output : graph.Messages(12)) {
    EXPECT_TRUE(known.contains(output.Text(1))) << output.Text(1);
  }
}

TEST(OnnxTest, EveryValueIsMadeBeforeItIsUsed) {
  for (const char* kind : {"softmax", "trees", "k_means"}) {
    SCOPED_TRACE(kind);
    v1::RunSpec spec = SpecOf(kind);
    v1::Category& category = *spec.mutable_data()->add_categories();
    category.set_column("ward");
    category.add_levels("medical");
    category.add_levels("surgical");
    if (spec.data().missing() != v1::KEEP) spec.mutable_data()->set_missing(v1::INDICATOR);
    ExpectEveryValueToBeMadeBeforeItIsUsed(Exported(spec).Graph());
  }
}

TEST(OnnxTest, OutputsAreByTheKindOfLabel) {
  for (const char* kind : {"linear", "k_means"}) {
    EXPECT_THAT(NamesIn(Exported(SpecOf(kind)).Graph().Messages(12)), ElementsAre("prediction"));
  }
  for (const char* kind : {"logistic", "softmax", "trees"}) {
    EXPECT_THAT(NamesIn(Exported(SpecOf(kind)).Graph().Messages(12)),
                ElementsAre("probabilities", "class"));
  }
}

TEST(OnnxTest, AnMlpHasItsLayersInOrder) {
  v1::RunSpec spec = SpecOf("mlp");
  spec.mutable_model()->add_hidden(3);
  spec.mutable_model()->add_hidden(2);
  spec.mutable_model()->set_activation("tanh");
  std::vector<std::string> layers;
  for (const std::string& op : NamesIn(Exported(spec).Graph().Messages(1), 4)) {
    if (op == "Gemm" || op == "Tanh") layers.push_back(op);
  }
  EXPECT_THAT(layers, ElementsAre("Gemm", "Tanh", "Gemm", "Tanh", "Gemm"));
}

TEST(OnnxTest, RowsThatARunDropsAreMarkedAndThoseThatItFillsAreNot) {
  v1::RunSpec spec = SpecOf("linear");
  EXPECT_THAT(NamesIn(Exported(spec).Graph().Messages(1), 4),
              AllOf(Contains("Identity"), ::testing::Not(Contains("ReduceMax"))));
  spec.mutable_data()->set_missing(v1::DROP);
  EXPECT_THAT(NamesIn(Exported(spec).Graph().Messages(1), 4), Contains("ReduceMax"));
}

TEST(OnnxTest, RowsThatLackACellAreNotMarkedWhereTreesKnowWhichWayTheyGo) {
  v1::RunSpec spec = SpecOf("trees");
  EXPECT_THAT(NamesIn(Exported(spec).Graph().Messages(1), 4),
              ::testing::Not(Contains("ReduceMax")));
  spec.mutable_data()->set_missing(v1::DROP);
  EXPECT_THAT(NamesIn(Exported(spec).Graph().Messages(1), 4), Contains("ReduceMax"));
}

// The attributes of the only node with this operator.
std::map<std::string, Message> AttributesOf(const Message& graph, const std::string& op) {
  std::map<std::string, Message> attributes;
  for (const Message& node : graph.Messages(1)) {
    if (node.Text(4) != op) continue;
    for (const Message& attribute : node.Messages(5)) {
      EXPECT_TRUE(attributes.emplace(attribute.Text(1), attribute).second) << attribute.Text(1);
    }
  }
  return attributes;
}

// The first tree: bmi below 30.5 or missing: leaf -0.5. Else, where there is an age, 0.25, and 0.75
// where there is none. The second looks at an input that is not there, and so is a leaf.
Message GraphOfTwoTrees() {
  Exported exported(SpecOf("trees"));
  std::ranges::fill(exported.parameters(), 0.0F);
  const ForestShape shape = {.num_inputs = 2, .num_trees = 2, .max_depth = 2, .num_bins = 2};
  const Forest<float> forest(shape, exported.parameters());
  const auto set = [&](int64_t tree, int64_t node, float feature, float threshold, float value) {
    const std::size_t at = forest.At(tree, node);
    forest.feature[at] = feature;
    forest.threshold[at] = threshold;
    forest.value[at] = value;
  };
  set(0, 0, 1.0F, 30.5F, 0.0F);
  forest.missing_left[0] = 1.0F;
  set(0, 1, -1.0F, 0.0F, -0.5F);
  set(0, 2, 0.0F, std::numeric_limits<float>::infinity(), 0.0F);
  set(0, 5, 0.0F, 7.0F, 0.25F);  // below it there is no room for a node
  set(0, 6, -1.0F, 0.0F, 0.75F);
  set(1, 0, 2.0F, 0.0F, 0.125F);
  return exported.Graph();
}

TEST(OnnxTest, TreesAreBranchesToTheLeftOfWhatIsBelowOrMissing) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto lists = AttributesOf(GraphOfTwoTrees(), "TreeEnsembleRegressor");
  const auto integers = [&](const char* name) { return lists.at(name).Integers(8); };
  EXPECT_THAT(lists.at("nodes_modes").Texts(9),
              ElementsAre("BRANCH_LT", "LEAF", "BRANCH_LT", "LEAF", "LEAF", "LEAF"));
  EXPECT_THAT(integers("nodes_treeids"), ElementsAre(0, 0, 0, 0, 0, 1));
  EXPECT_THAT(integers("nodes_nodeids"), ElementsAre(0, 1, 2, 3, 4, 0));
  EXPECT_THAT(integers("nodes_featureids"), ElementsAre(1, 0, 0, 0, 0, 0));
  EXPECT_THAT(lists.at("nodes_values").Floats(7), ElementsAre(30.5F, 0, infinity, 0, 0, 0));
  EXPECT_THAT(integers("nodes_truenodeids"), ElementsAre(1, 0, 3, 0, 0, 0));
  EXPECT_THAT(integers("nodes_falsenodeids"), ElementsAre(2, 0, 4, 0, 0, 0));
  EXPECT_THAT(integers("nodes_missing_value_tracks_true"), ElementsAre(1, 0, 0, 0, 0, 0));
}

TEST(OnnxTest, EachTreeIsATargetOfItsOwnAndTheyAreAddedUpInDouble) {
  const Message graph = GraphOfTwoTrees();
  const auto lists = AttributesOf(graph, "TreeEnsembleRegressor");
  EXPECT_THAT(lists.at("n_targets").Integers(3), ElementsAre(2));
  EXPECT_THAT(lists.at("target_ids").Integers(8), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(lists.at("target_treeids").Integers(8), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(lists.at("target_nodeids").Integers(8), ElementsAre(1, 3, 4, 0));
  EXPECT_THAT(lists.at("target_weights").Floats(7), ElementsAre(-0.5F, 0.25F, 0.75F, 0.125F));
  std::vector<std::string> ops = NamesIn(graph.Messages(1), 4);
  ops.erase(ops.begin(), std::ranges::find(ops, "TreeEnsembleRegressor"));
  ops.resize(5);
  EXPECT_THAT(ops, ElementsAre("TreeEnsembleRegressor", "Cast", "ReduceSum", "Add", "Cast"));
}

TEST(OnnxTest, ASlotWithoutACenterIsThereAndNeverTheNearest) {
  Exported exported(SpecOf("k_means"));
  exported.parameters()[2] = std::numeric_limits<float>::quiet_NaN();
  const Message graph = exported.Graph();
  bool found = false;
  for (const Message& tensor : graph.Messages(5)) {
    if (!tensor.Text(8).ends_with("/k_means.centers")) continue;
    found = true;
    EXPECT_THAT(tensor.Integers(1), ElementsAre(3, 2));
    EXPECT_EQ(tensor.Text(9),
              std::string(reinterpret_cast<const char*>(exported.parameters().data()), 24));
  }
  EXPECT_TRUE(found);
  std::vector<std::string> ops = NamesIn(graph.Messages(1), 4);
  ops.erase(ops.begin(), std::ranges::find(ops, "Less"));
  EXPECT_THAT(ops, ElementsAre("Less", "Where", "ArgMin", "ReduceMin", "Less", "Cast", "Where",
                               "Identity"));
}

TEST(OnnxTest, AModelOfSomebodyElsesHasNoOnnx) {
  v1::RunSpec spec = SpecOf("linear");
  const std::unique_ptr<Model> model = MakeModel(spec.model(), 2, 0).value();
  spec.mutable_model()->set_kind("external");
  const std::vector<float> parameters(3);
  EXPECT_THAT(ToOnnx({spec, *model, InputTransform::Identity(2), parameters}, {}),
              Fails(Code::kFailedPrecondition, HasSubstr("\"external\"")));
}

}  // namespace
}  // namespace skerry::learning
