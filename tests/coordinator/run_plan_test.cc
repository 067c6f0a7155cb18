#include "coordinator/run_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Keys to TOML values, with a few that every run needs.
using Keys = std::map<std::string, std::string>;
const Keys kLeast = {{"run.name", "\"t\""},
                     {"run.num_rounds", "5"},
                     {"data.source", "\"icu\""},
                     {"data.features", "[\"age\"]"},
                     {"data.label", "\"died\""},
                     {"model.kind", "\"logistic\""},
                     {"training.learning_rate", "0.1"}};
// Every key that a run file may have, with a value that is not the default.
const Keys kAll = {{"run.name", "\"t\""},
                   {"run.num_rounds", "5"},
                   {"run.seed", "42"},
                   {"run.min_round", "\"300ms\""},
                   {"data.source", "\"icu\""},
                   {"data.features", "[\"age\", \"bmi\"]"},
                   {"data.categories.sex", "[\"f\", \"m\"]"},
                   {"data.label", "\"died\""},
                   {"data.label_classes", "[\"alive\", \"dead\"]"},
                   {"data.missing", "\"indicator\""},
                   {"data.standardize", "false"},
                   {"data.split.train", "0.5"},
                   {"data.split.validation", "0.2"},
                   {"data.split.test", "0.3"},
                   {"data.split.seed", "7"},
                   {"data.split.key", "\"id\""},
                   {"model.kind", "\"mlp\""},
                   {"model.hidden", "[8, 4]"},
                   {"model.activation", "\"tanh\""},
                   {"model.loss", "\"logistic\""},
                   {"training.strategy", "\"fedavg\""},
                   {"training.local_epochs", "2"},
                   {"training.batch_size", "16"},
                   {"training.learning_rate", "0.1"},
                   {"training.momentum", "0.9"},
                   {"training.weight_decay", "0.01"},
                   {"aggregation.rule", "\"trimmed_mean\""},
                   {"aggregation.trim", "0.25"},
                   {"evaluation.every", "3"},
                   {"evaluation.metrics", "[\"auc\"]"},
                   {"participation.sites", "[\"south\", \"north\", \"west\"]"},
                   {"participation.min_sites", "3"},
                   {"participation.sites_per_round", "2"},
                   {"participation.quorum", "2"},
                   {"participation.required_sites", "[\"north\"]"},
                   {"participation.late_policy", "\"discard\""},
                   {"time.heartbeat", "\"5s\""},
                   {"time.no_progress", "\"1m\""},
                   {"time.round_deadline", "\"10m\""},
                   {"keep.checkpoints", "5"},
                   {"keep.best", "2"},
                   {"keep.updates", "1"},
                   {"keep.history_days", "30"},
                   {"keep.history_rounds", "100"},
                   {"simulation.sites", "\"data/*.csv\""}};

std::pair<std::string, std::string> SplitKey(const std::string& key) {
  const std::size_t dot = key.rfind('.');
  return {key.substr(0, dot), key.substr(dot + 1)};
}

// The keys as a file: one a line, under their tables.
std::string FileOf(const Keys& keys) {
  std::map<std::string, std::string> tables;
  for (const auto& [key, value] : keys) {
    const auto [table, name] = SplitKey(key);
    tables[table] += name + " = " + value + "\n";
  }
  std::string text;
  for (const auto& [table, lines] : tables) text += "[" + table + "]\n" + lines;
  return text;
}

// "run.toml:7", where a key stands in FileOf(keys).
std::string PlaceOf(const Keys& keys, const std::string& key) {
  const auto [table, name] = SplitKey(key);
  const std::string text = FileOf(keys);
  const std::size_t in_table = text.find("[" + table + "]\n");
  const std::size_t at = text.find("\n" + name + " = ", in_table) + 1;
  return "run.toml:" +
         std::to_string(
             1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

Keys With(Keys keys, const Keys& changes) {
  for (const auto& [key, value] : changes) keys[key] = value;
  return keys;
}

Result<RunPlan> Parse(const Keys& keys) { return ParseRunFile(FileOf(keys), "run.toml"); }

TEST(RunPlanTest, AFileWithTheLeastHasTheDocumentedDefaults) {
  ASSERT_OK_AND_ASSIGN(const RunPlan plan, Parse(kLeast));
  EXPECT_EQ(plan.spec.seed(), 0U);
  EXPECT_EQ(plan.min_round, Duration{0});
  EXPECT_THAT(plan.spec.data().label_classes(), ElementsAre("0", "1"));
  EXPECT_EQ(plan.spec.data().missing(), v1::DROP);
  EXPECT_TRUE(plan.spec.data().standardize());
  EXPECT_EQ(plan.spec.data().split().train(), 0.8);
  EXPECT_EQ(plan.spec.data().split().validation(), 0.0);
  EXPECT_EQ(plan.spec.data().split().test(), 0.2);
  EXPECT_EQ(plan.spec.training().strategy(), "fedavg");
  EXPECT_EQ(plan.spec.training().local_epochs(), 1);
  EXPECT_EQ(plan.spec.training().batch_size(), 32);
  EXPECT_EQ(plan.spec.training().momentum(), 0.0);
  EXPECT_EQ(plan.spec.training().weight_decay(), 0.0);
  EXPECT_FALSE(plan.spec.training().has_aggregation()) << "runs without it keep their hashes";
  EXPECT_EQ(plan.spec.evaluation().every(), 1);
  EXPECT_TRUE(plan.participation.all_sites);
  EXPECT_EQ(plan.time.heartbeat, Duration(20s));
  EXPECT_EQ(plan.time.no_progress, Duration(15min));
  EXPECT_EQ(plan.time.round_deadline, Duration(2h));
  EXPECT_EQ(plan.keep.checkpoints, 3);
  EXPECT_EQ(plan.keep.best, 1);
  EXPECT_EQ(plan.keep.updates, 0);
  EXPECT_EQ(plan.keep.history_days, 0);
  EXPECT_EQ(plan.keep.history_rounds, 0);
  EXPECT_EQ(plan.simulation.sites, "");
  EXPECT_EQ(plan.text, FileOf(kLeast));
}

TEST(RunPlanTest, EveryKeyIsRead) {
  ASSERT_OK_AND_ASSIGN(const RunPlan plan, Parse(kAll));
  const v1::RunSpec& spec = plan.spec;
  EXPECT_EQ(spec.seed(), 42U);
  EXPECT_EQ(plan.min_round, Duration(300ms));
  EXPECT_THAT(spec.data().features(), ElementsAre("age", "bmi"));
  EXPECT_EQ(spec.data().categories(0).column(), "sex");
  EXPECT_THAT(spec.data().categories(0).levels(), ElementsAre("f", "m"));
  EXPECT_THAT(spec.data().label_classes(), ElementsAre("alive", "dead"));
  EXPECT_EQ(spec.data().missing(), v1::INDICATOR);
  EXPECT_FALSE(spec.data().standardize());
  EXPECT_EQ(spec.data().split().validation(), 0.2);
  EXPECT_EQ(spec.data().split().seed(), 7U);
  EXPECT_EQ(spec.data().split().key(), "id");
  EXPECT_THAT(spec.model().hidden(), ElementsAre(8, 4));
  EXPECT_EQ(spec.model().activation(), "tanh");
  EXPECT_EQ(spec.training().momentum(), 0.9);
  EXPECT_EQ(spec.training().weight_decay(), 0.01);
  EXPECT_EQ(spec.training().aggregation().rule(), "trimmed_mean");
  EXPECT_EQ(spec.training().aggregation().trim(), 0.25);
  EXPECT_THAT(spec.evaluation().metrics(), ElementsAre("auc"));
  EXPECT_THAT(plan.participation.sites, ElementsAre("north", "south", "west"));
  EXPECT_EQ(plan.participation.sites_per_round, 2);
  EXPECT_THAT(plan.participation.required_sites, ElementsAre("north"));
  EXPECT_EQ(plan.time.JoinWait(), Duration(15s));
  EXPECT_EQ(plan.keep.updates, 1);
  EXPECT_EQ(plan.keep.history_days, 30);
  EXPECT_EQ(plan.keep.history_rounds, 100);
  EXPECT_EQ(plan.simulation.sites, "data/*.csv");
}

TEST(RunPlanTest, EveryKeyOfTheWrongTypeIsRefusedAtItsLine) {
  for (const auto& [key, value] : kAll) {
    const Keys keys = With(kAll, {{key, "{ a = 1 }"}});
    EXPECT_THAT(Parse(keys), Fails(Code::kInvalidArgument,
                                   HasSubstr(PlaceOf(keys, key) + ": " + key + ": must be")));
  }
}

TEST(RunPlanTest, EveryMisspeltKeyIsRefusedAtItsLineAndTheRightOneIsNamed) {
  for (const auto& [key, value] : kAll) {
    if (key.starts_with("data.categories.")) continue;  // any name is a column
    Keys keys = kAll;
    keys.erase(key);
    const std::string misspelt = key + "x";
    keys[misspelt] = value;
    EXPECT_THAT(Parse(keys), Fails(Code::kInvalidArgument,
                                   AllOf(HasSubstr(PlaceOf(keys, misspelt) + ": " + misspelt),
                                         HasSubstr("did you mean \"" + key + "\"?"))));
  }
}

TEST(RunPlanTest, EveryKeyThatIsRequiredIsMissedByName) {
  for (const auto& [key, value] : kLeast) {
    if (key == "data.features") continue;  // categories may do
    Keys keys = kLeast;
    keys.erase(key);
    EXPECT_THAT(Parse(keys), Fails(Code::kInvalidArgument, HasSubstr(key + ": is missing")));
  }
}

}  // namespace
}  // namespace skerry::coordinator
