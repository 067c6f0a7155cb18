#include "learning/onnx/preprocessing.h"

#include <array>
#include <limits>
#include <utility>
#include <vector>

namespace skerry::learning {
namespace {

constexpr int64_t kNotDeclared = -1;  // the place of a level that is none

class Preprocessing {
 public:
  Preprocessing(const v1::DataSpec& spec, const InputTransform& transform, OnnxGraph& graph)
      : spec_(spec), transform_(transform), graph_(graph) {}

  OnnxFeatures Add() {
    AddNumeric();
    for (const v1::Category& category : spec_.categories()) AddCategory(category);
    if (spec_.missing() == v1::INDICATOR) {
      blocks_.insert(blocks_.end(), indicators_.begin(), indicators_.end());
    }
    const std::string raw = graph_.AddNode("Concat", blocks_, {{"axis", int64_t{1}}});
    const std::string filled =
        graph_.AddNode("Where", {graph_.AddNode("IsNaN", {raw}), Row(transform_.fill), raw});
    const std::string is_filled = Fills() ? filled : raw;
    const std::string centred = graph_.AddNode("Sub", {is_filled, Row(transform_.mean)});
    const std::string scaled = graph_.AddNode("Div", {centred, Row(transform_.scale)});
    return {Cast(scaled, OnnxType::kFloat), Unusable(raw)};
  }

 private:
  void AddNumeric() {
    if (spec_.features().empty()) return;
    graph_.AddInput(kOnnxNumeric, OnnxType::kDouble, spec_.features_size());
    blocks_.emplace_back(kOnnxNumeric);
    indicators_.push_back(Cast(graph_.AddNode("IsNaN", {kOnnxNumeric}), OnnxType::kDouble));
  }

  // The cell becomes the place of its level, and that a 0 or 1 for each.
  void AddCategory(const v1::Category& category) {
    const std::string input = kOnnxCategory + category.column();
    graph_.AddInput(input, OnnxType::kString, 1);
    std::vector<std::string> levels(category.levels().begin(), category.levels().end());
    std::vector<int64_t> places;
    for (int64_t place = 0; place < category.levels_size(); ++place) places.push_back(place);
    const std::string level_places = RowOfIntegers(places);
    const int64_t missing = category.levels_size();
    levels.emplace_back();
    places.push_back(missing);
    const std::string place = graph_.AddNode(
        "LabelEncoder", {input},
        {{"keys_strings", levels}, {"values_int64s", places}, {"default_int64", kNotDeclared}}, "",
        kOnnxMl);
    const std::string is_missing = graph_.AddNode("Equal", {place, RowOfIntegers({missing})});
    const std::string hot = Cast(graph_.AddNode("Equal", {place, level_places}), OnnxType::kDouble);
    blocks_.push_back(graph_.AddNode(
        "Where", {is_missing, Row({std::numeric_limits<double>::quiet_NaN()}), hot}));
    indicators_.push_back(Cast(is_missing, OnnxType::kDouble));
    unusable_.push_back(graph_.AddNode("Equal", {place, RowOfIntegers({kNotDeclared})}));
  }

  bool Fills() const { return spec_.missing() == v1::MEAN || spec_.missing() == v1::INDICATOR; }

  std::string Unusable(const std::string& raw) {
    if (!Fills() && spec_.missing() != v1::KEEP) {
      const std::string nan = Cast(graph_.AddNode("IsNaN", {raw}), OnnxType::kFloat);
      const std::string any = graph_.AddNode(
          "ReduceMax", {nan}, {{"axes", std::vector<int64_t>{1}}, {"keepdims", int64_t{1}}});
      unusable_.push_back(Cast(any, OnnxType::kBool));
    }
    if (unusable_.empty()) return "";
    std::string all = unusable_.front();
    for (std::size_t i = 1; i < unusable_.size(); ++i) {
      all = graph_.AddNode("Or", {all, unusable_[i]});
    }
    return all;
  }

  std::string Cast(const std::string& value, OnnxType type) {
    return graph_.AddNode("Cast", {value}, {{"to", static_cast<int64_t>(type)}});
  }
  std::string Row(const std::vector<double>& values) {
    const std::array<int64_t, 2> shape = {1, static_cast<int64_t>(values.size())};
    return graph_.AddConstant(std::span<const double>(values), shape);
  }
  std::string RowOfIntegers(const std::vector<int64_t>& values) {
    const std::array<int64_t, 2> shape = {1, static_cast<int64_t>(values.size())};
    return graph_.AddConstant(std::span<const int64_t>(values), shape);
  }

  const v1::DataSpec& spec_;
  const InputTransform& transform_;
  OnnxGraph& graph_;
  std::vector<std::string> blocks_;      // in the order of FeatureColumns()
  std::vector<std::string> indicators_;  // likewise
  std::vector<std::string> unusable_;
};

}  // namespace

OnnxFeatures AddPreprocessing(const v1::DataSpec& spec, const InputTransform& transform,
                              OnnxGraph& graph) {
  return Preprocessing(spec, transform, graph).Add();
}

}  // namespace skerry::learning
