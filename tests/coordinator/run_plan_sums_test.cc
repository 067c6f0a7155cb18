// Run files of models that sums alone fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "coordinator/run_plan.h"
#include "learning/program.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Text(const std::string& data, const std::string& model) {
  return "[run]\nname = \"t\"\nnum_rounds = 5\n[data]\nsource = \"icu\"\nfeatures = [\"age\"]\n" +
         data + model;
}

const std::string kLabel = "label = \"died\"\nlabel_classes = [\"0\", \"1\"]\n";
const std::string kTrees = "[model]\nkind = \"trees\"\n";
const std::string kKMeans = "[model]\nkind = \"k_means\"\n[model.k_means]\nclusters = 3\n";

Result<RunPlan> Parse(const std::string& data, const std::string& model) {
  return ParseRunFile(Text(data, model), "run.toml");
}

TEST(RunPlanSumsTest, TreesHaveDefaultsThatSuitMostData) {
  ASSERT_OK_AND_ASSIGN(const RunPlan plan, Parse(kLabel, kTrees));
  const v1::TreesSpec& trees = plan.spec.model().trees();
  EXPECT_EQ(trees.num_trees(), 5);
  EXPECT_EQ(trees.max_depth(), 4);
  EXPECT_EQ(trees.bins(), 64);
  EXPECT_EQ(trees.learning_rate(), 0.1);
  EXPECT_EQ(trees.l2(), 1);
  EXPECT_EQ(trees.min_child_weight(), 1);
  EXPECT_EQ(plan.spec.data().missing(), v1::KEEP);
  EXPECT_FALSE(plan.spec.data().standardize());
  EXPECT_EQ(plan.spec.training().strategy(), "");
}

TEST(RunPlanSumsTest, TheLabelSaysWhichLossTreesHave) {
  EXPECT_OK(Parse("label = \"age_at_death\"\n", kTrees));
  EXPECT_OK(Parse("label = \"died\"\n", kTrees + "loss = \"logistic\"\n"));
  EXPECT_THAT(Parse(kLabel, kTrees + "loss = \"squared\"\n"),
              Fails(Code::kInvalidArgument, HasSubstr("model.loss")));
  EXPECT_THAT(Parse("label = \"died\"\nlabel_classes = [\"a\", \"b\", \"c\"]\n", kTrees),
              Fails(Code::kInvalidArgument, HasSubstr("2 classes")));
}

TEST(RunPlanSumsTest, WhatAModelOfSumsDoesNotReadIsRefused) {
  const auto refuses = [](const std::string& data, const std::string& model,
                          const std::string& key) {
    EXPECT_THAT(Parse(data, model),
                Fails(Code::kInvalidArgument, AllOf(HasSubstr(key), HasSubstr("run.toml"))));
  };
  refuses(kLabel, kTrees + "[training]\nlearning_rate = 0.1\n", "training");
  refuses(kLabel, kTrees + "[aggregation]\nrule = \"median\"\n", "aggregation");
  refuses(kLabel, kTrees + "[compression]\nupdate = \"f16\"\n", "compression");
  refuses(kLabel + "standardize = true\n", kTrees, "data.standardize");
  refuses(kLabel + "missing = \"mean\"\n", kTrees, "data.missing");
  refuses(kLabel, kTrees + "hidden = [3]\n", "model.hidden");
  refuses(kLabel,
          "[model]\nkind = \"logistic\"\n[model.trees]\nbins = 3\n[training]\n"
          "learning_rate = 0.1\n",
          "model.trees");
  refuses(kLabel + "missing = \"keep\"\n",
          "[model]\nkind = \"logistic\"\n[training]\nlearning_rate = 0.1\n", "data.missing");
  refuses("label = \"died\"\n", kKMeans, "data.label");
  refuses("", kKMeans + "[evaluation]\nmetrics = [\"auc\"]\n", "evaluation.metrics");
}

TEST(RunPlanSumsTest, WhatIsOutOfRangeNamesItsKey) {
  for (const char* key : {"max_depth = 0", "max_depth = 13", "bins = 1", "bins = 257",
                          "learning_rate = 0.0", "learning_rate = 1.5", "l2 = -1.0",
                          "min_gain = -0.1", "min_child_weight = -1.0", "l2 = nan"}) {
    const std::string text = key;
    EXPECT_THAT(
        Parse(kLabel, kTrees + "[model.trees]\n" + text + "\n"),
        Fails(Code::kInvalidArgument, HasSubstr("model.trees." + text.substr(0, text.find(' ')))))
        << key;
  }
  EXPECT_THAT(Parse("", "[model]\nkind = \"k_means\"\n[model.k_means]\nclusters = 1\n"),
              Fails(Code::kInvalidArgument, HasSubstr("model.k_means.clusters")));
  EXPECT_THAT(Parse("", "[model]\nkind = \"k_means\"\n[model.k_means]\nclusters = 100\n"),
              Fails(Code::kInvalidArgument, HasSubstr("run.num_rounds")));
}

TEST(RunPlanSumsTest, ModelsThatAreTooLargeAreRefused) {
  std::string features = "features = [\"age\"";
  for (int i = 0; i < 200; ++i) features += ", \"x" + std::to_string(i) + "\"";
  const std::string text = "[run]\nname = \"t\"\nnum_rounds = 5\n[data]\nsource = \"icu\"\n" +
                           features + "]\n" + kLabel + kTrees +
                           "[model.trees]\nmax_depth = 12\nbins = 256\n";
  EXPECT_THAT(ParseRunFile(text, "run.toml"),
              Fails(Code::kInvalidArgument, HasSubstr("2^24 sums")));
}

TEST(RunPlanSumsTest, EachRoundOfATreeAsksForTheNodesOfItsLevel) {
  ASSERT_OK_AND_ASSIGN(const RunPlan plan, Parse(kLabel, kTrees + "[model.trees]\nmax_depth = 2\n"
                                                                  "bins = 8\n"));
  ASSERT_OK_AND_ASSIGN(const auto program, learning::MakeProgram(plan.spec));
  EXPECT_EQ(program->num_rounds(), 4 + 5 * 2 - 1);
  const auto bytes = [&](int64_t round) {
    const learning::RoundOutcome before[] = {{round - 1, {}}};
    const auto spec = program->Next(before);
    const auto section = spec->result_layout.Find("trees.sums");
    return section ? spec->result_layout.sections()[*section].size_bytes() : 0;
  };
  EXPECT_EQ(bytes(3), 0);
  EXPECT_EQ(bytes(4), 1 * 1 * 9 * 2 * 8);
  EXPECT_EQ(bytes(5), 2 * 1 * 9 * 2 * 8);
  EXPECT_EQ(bytes(6), 1 * 1 * 9 * 2 * 8);
  const learning::RoundOutcome last[] = {{4 + 5 * 2, {}}};
  EXPECT_FALSE(program->Next(last).has_value());
}

}  // namespace
}  // namespace skerry::coordinator
