#include "coordinator/plan_data.h"

#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/plan_external.h"
#include "coordinator/plan_keys.h"

namespace skerry::coordinator {
namespace {

// From 0 to 10^9; nullopt: it is none.
std::optional<int64_t> WholeNumber(const std::string& text) {
  const bool digits = !text.empty() && text.size() < 10 &&
                      text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits) return std::nullopt;
  return std::stoll(text);
}

void ReadSplit(TomlReader& toml, v1::Split& split) {
  const bool given = toml.Has("data.split");
  split.set_train(toml.Number("data.split.train", given ? 0.0 : 0.8));
  split.set_validation(toml.Number("data.split.validation", 0.0));
  split.set_test(toml.Number("data.split.test", given ? 0.0 : 0.2));
  split.set_seed(ReadSeed(toml, "data.split.seed", 1));
  split.set_key(toml.String("data.split.key", ""));
  const double sum = split.train() + split.validation() + split.test();
  if (split.train() <= 0 || split.validation() < 0 || split.test() < 0 || sum < 1 - 1e-9 ||
      sum > 1 + 1e-9) {
    toml.Fail("data.split",
              "train, validation and test must be shares that add up to 1, train > 0");
  }
}

void CheckColumns(TomlReader& toml, const v1::DataSpec& data, bool for_trainers, bool has_label) {
  std::set<std::string> seen;
  const auto once = [&](const std::string& column, const char* key) {
    if (column.empty()) toml.Fail(key, "a column name is empty");
    if (!seen.insert(column).second) toml.Fail(key, "column \"" + column + "\" is named twice");
  };
  for (const std::string& column : data.features()) once(column, "data.features");
  for (const v1::Category& category : data.categories()) {
    once(category.column(), "data.categories");
    std::set<std::string> levels(category.levels().begin(), category.levels().end());
    if (levels.empty() || static_cast<int>(levels.size()) != category.levels_size()) {
      toml.Fail("data.categories." + category.column(), "must list each level once");
    }
  }
  if (seen.empty() && !for_trainers) toml.Fail("data.features", "there is no feature");
  if (has_label && (!for_trainers || !data.label().empty())) once(data.label(), "data.label");
  if (!data.event().empty()) once(data.event(), "data.event");
  const std::set<std::string> classes(data.label_classes().begin(), data.label_classes().end());
  if (static_cast<int>(classes.size()) != data.label_classes_size()) {
    toml.Fail("data.label_classes", "must list each class once");
  }
}

// "pixel{0..783}" stands for pixel0, pixel1, ... pixel783; any other name for itself.
void AddFeatures(TomlReader& toml, const std::string& name, v1::DataSpec& data) {
  constexpr int64_t kMost = 1 << 20;
  const std::size_t open = name.find('{');
  const std::size_t dots = name.find("..", open == std::string::npos ? name.size() : open);
  const std::size_t close = name.find('}', dots == std::string::npos ? name.size() : dots);
  if (close == std::string::npos) {
    data.add_features(name);
    return;
  }
  const auto first = WholeNumber(name.substr(open + 1, dots - open - 1));
  const auto last = WholeNumber(name.substr(dots + 2, close - dots - 2));
  if (!first || !last) {
    data.add_features(name);
    return;
  }
  if (*last < *first || *last - *first >= kMost) {
    toml.Fail("data.features", "\"" + name.substr(0, 64) + "\" must go up, by less than 2^20");
    return;
  }
  for (int64_t i = *first; i <= *last; ++i) {
    data.add_features(name.substr(0, open) + std::to_string(i) + name.substr(close + 1));
  }
}

// Trees know which way a row without a cell goes; nothing is filled in for them, and what inputs
// are multiplied with is all the same to them.
void ReadPreparation(TomlReader& toml, bool for_trees, v1::DataSpec& data) {
  constexpr std::array kRules = {"drop", "mean", "indicator", "keep"};
  const std::string missing = toml.String("data.missing", for_trees ? "keep" : "drop");
  data.set_missing(
      static_cast<v1::MissingRule>(v1::DROP + Choose(toml, "data.missing", missing, kRules)));
  const bool fills = data.missing() == v1::MEAN || data.missing() == v1::INDICATOR;
  if (for_trees && fills) {
    toml.Fail("data.missing", "trees need no \"" + missing + "\"",
              "\"keep\" lets them find out which way rows with a missing cell go; or \"drop\"");
  }
  if (!for_trees && data.missing() == v1::KEEP) {
    toml.Fail("data.missing", "only model.kind = \"trees\" can do with missing cells",
              "take \"drop\", \"mean\" or \"indicator\"");
  }
  if (for_trees && toml.Has("data.standardize")) {
    toml.Fail("data.standardize", "a model of kind \"trees\" does not have this", "remove the key");
    toml.Skip("data.standardize");
  }
  data.set_standardize(!for_trees && toml.Boolean("data.standardize", true));
}

}  // namespace

void ReadData(TomlReader& toml, v1::DataSpec& data) {
  // The model says what rows must have; what is wrong with it is said elsewhere.
  const std::string kind = toml.IsString("model.kind") ? toml.String("model.kind") : "";
  const bool has_label = kind != "k_means";
  const bool for_trainers = IsForTrainers(toml);
  data.set_source(toml.String("data.source"));
  for (const std::string& name : toml.Strings("data.features", std::vector<std::string>{})) {
    AddFeatures(toml, name, data);
  }
  for (const std::string& column : toml.Keys("data.categories")) {
    v1::Category& category = *data.add_categories();
    category.set_column(column);
    for (std::string& level : toml.Strings("data.categories." + column)) {
      category.add_levels(std::move(level));
    }
  }
  if (has_label) {
    data.set_label(for_trainers ? toml.String("data.label", "") : toml.String("data.label"));
  }
  if (!has_label && toml.Has("data.label")) {
    toml.Fail("data.label", "a model of kind \"k_means\" does not have this", "remove the key");
    toml.Skip("data.label");
  }
  for (std::string& name : toml.Strings("data.label_classes", std::vector<std::string>{})) {
    data.add_label_classes(std::move(name));
  }
  data.set_event(toml.String("data.event", ""));
  ReadPreparation(toml, kind == "trees", data);
  ReadSplit(toml, *data.mutable_split());
  CheckColumns(toml, data, for_trainers, has_label);
  if (for_trainers) CheckTrainersData(toml, data);
}

}  // namespace skerry::coordinator
