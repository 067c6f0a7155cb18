#include "cli/model_evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "testing/patients.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::cli {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class ModelEvaluationTest : public ::testing::Test {
 protected:
  static coordinator::RunPlan PlanOf(const std::string& file) {
    return coordinator::ParseRunFile(file, "run.toml").value();
  }
  // The model of a federation of these sites after so many rounds, as a file.
  std::string Train(std::vector<simulation::SimulatedSite> sites, int rounds,
                    const std::string& name) {
    simulation::SimulationOptions options;
    options.plan = PlanOf(testing::PatientsRunFile(rounds));
    options.sites = std::move(sites);
    return dir_.Write(name, simulation::Simulate(std::move(options)).value().model);
  }
  static const Score& Find(const std::vector<Score>& scores, const std::string& model,
                           const std::string& site, bool is_total = false) {
    for (const Score& score : scores) {
      if (score.model == model && score.site == site && score.is_total == is_total) return score;
    }
    ADD_FAILURE() << "no score of " << model << " at " << site;
    return scores.front();
  }

  const testing::TempDir dir_;
  const std::vector<simulation::SimulatedSite> sites_ = testing::PatientSites(3, 60, 9);
  const coordinator::RunPlan plan_ = PlanOf(testing::PatientsRunFile(1));
};

TEST_F(ModelEvaluationTest, EveryModelIsMeasuredAtEverySiteAndOnAllRowsTogether) {
  const std::string good = Train(sites_, 15, "good.safetensors");
  const std::string new_born = Train(sites_, 1, "young.safetensors");
  ASSERT_OK_AND_ASSIGN(const Comparison comparison,
                       CompareModels(plan_, sites_, {{"good", good}, {"young", new_born}}));
  EXPECT_THAT(comparison.metrics, ElementsAre("auc", "log_loss"));
  EXPECT_EQ(comparison.own.size(), 2U * (3 + 1)) << "each site, and a total";
  EXPECT_EQ(comparison.all.size(), 2U);
  const auto loss = [&](const Score& score) {
    for (const learning::Metric& metric : score.metrics) {
      if (metric.name == "log_loss") return metric.value;
    }
    return -1.0;
  };
  EXPECT_LT(loss(Find(comparison.own, "good", "", true)),
            loss(Find(comparison.own, "young", "", true)));
  EXPECT_EQ(loss(Find(comparison.own, "good", "", true)), loss(Find(comparison.all, "good", "")))
      << "one model for all sites: its total is over all rows";
  int64_t rows = 0;
  for (const simulation::SimulatedSite& site : sites_) {
    rows += Find(comparison.own, "good", site.name).metrics.front().num_examples;
  }
  EXPECT_EQ(Find(comparison.all, "good", "").metrics.front().num_examples, rows);
}

TEST_F(ModelEvaluationTest, EachSiteMayHaveItsOwnModel) {
  for (const simulation::SimulatedSite& site : sites_) {
    Train({site}, 5, "local-" + site.name + ".safetensors");
  }
  ASSERT_OK_AND_ASSIGN(
      const Comparison comparison,
      CompareModels(plan_, sites_, {{"local", dir_.File("local-{site}.safetensors")}}));
  EXPECT_EQ(comparison.own.size(), 4U);
  ASSERT_EQ(comparison.all.size(), 3U);
  EXPECT_EQ(comparison.all[1].model, "local of " + sites_[1].name);
}

TEST_F(ModelEvaluationTest, TextAndJsonSayTheSame) {
  const std::string model = Train(sites_, 3, "m.safetensors");
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, CompareModels(plan_, sites_, {{"fed", model}}));
  const Json json = Json::parse(ComparisonJson(comparison));
  ASSERT_EQ(json["own"].size(), 3U);
  ASSERT_EQ(json["total"].size(), 1U);
  EXPECT_EQ(json["own"][0]["site"], sites_[0].name);
  EXPECT_EQ(json["total"][0]["model"], "fed");
  EXPECT_FALSE(json["total"][0].contains("site"));
  const double auc = json["all"][0]["auc"];
  const std::string text = ComparisonText(comparison);
  EXPECT_THAT(text, AllOf(HasSubstr("auc fed"), HasSubstr("log_loss fed"), HasSubstr("total"),
                          HasSubstr(std::to_string(auc).substr(0, 5))));
}

TEST_F(ModelEvaluationTest, AFileThatIsMissingOrNoModelIsNamed) {
  EXPECT_THAT(CompareModels(plan_, sites_, {{"m", dir_.File("gone.safetensors")}}),
              Fails(Code::kNotFound, HasSubstr("gone.safetensors")));
  const std::string broken = dir_.Write("broken.safetensors", "not a model");
  EXPECT_THAT(CompareModels(plan_, sites_, {{"m", broken}}),
              Fails(Code::kDataLoss, HasSubstr("broken.safetensors")));
}

TEST_F(ModelEvaluationTest, ASiteWithoutTestRowsHasNoNumbers) {
  const std::string model = Train(sites_, 1, "m.safetensors");
  std::string all_train = testing::PatientsRunFile(1);
  all_train.replace(all_train.find("train = 0.7, test = 0.3"), 23, "train = 1.0, test = 0.0");
  ASSERT_OK_AND_ASSIGN(const Comparison comparison,
                       CompareModels(PlanOf(all_train), sites_, {{"m", model}}));
  EXPECT_THAT(ComparisonText(comparison), HasSubstr("-"));
  EXPECT_TRUE(Json::accept(ComparisonJson(comparison)));
}

}  // namespace
}  // namespace skerry::cli
