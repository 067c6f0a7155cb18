#include "learning/survival.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "learning/loss.h"
#include "learning/metrics.h"
#include "learning/model_cases.h"
#include "learning/network_specs.h"
#include "learning/random_data.h"
#include "learning/textbook_network.h"

namespace skerry::learning {
namespace {

struct Times {
  std::vector<float> risks;
  std::vector<float> labels;
};

// With ties in times and in risks.
Times RandomTimes(int64_t rows, uint64_t seed) {
  Times times = {RandomFloats(rows, seed), {}};
  const std::vector<float> days =
      RandomClasses(rows, static_cast<uint64_t>(rows) / 2 + 1, seed + 1);
  const std::vector<float> events = RandomClasses(rows, 3, seed + 2);
  for (std::size_t i = 0; i < days.size(); ++i) {
    times.labels.push_back(SurvivalLabel(static_cast<double>(days[i]), events[i] > 0));
    if (i % 5 == 0) times.risks[i] = 0.5F;
  }
  return times;
}

// By its definition: a sum over pairs.
double LossByPairs(const std::vector<double>& risks, const std::vector<float>& labels) {
  double loss = 0;
  for (std::size_t i = 0; i < risks.size(); ++i) {
    if (!IsEvent(labels[i])) continue;
    double at_risk = 0;
    for (std::size_t j = 0; j < risks.size(); ++j) {
      if (TimeOf(labels[j]) >= TimeOf(labels[i])) at_risk += std::exp(risks[j]);
    }
    loss += std::log(at_risk) - risks[i];
  }
  return loss / static_cast<double>(risks.size());
}

TEST(SurvivalTest, ALabelIsATimeAndWhetherItEndedInAnEvent) {
  EXPECT_TRUE(IsEvent(SurvivalLabel(3, true)));
  EXPECT_FALSE(IsEvent(SurvivalLabel(3, false)));
  EXPECT_EQ(TimeOf(SurvivalLabel(3, false)), 3.0F);
  EXPECT_TRUE(IsEvent(SurvivalLabel(0, true))) << "at once";
  EXPECT_FALSE(IsEvent(SurvivalLabel(0, false)));
}

TEST(CoxLossTest, IsTheSumOverRiskSetsAndItsSlope) {
  const Times times = RandomTimes(40, 3);
  std::vector<double> at(times.risks.begin(), times.risks.end());
  std::vector<float> derivatives(at.size());
  EXPECT_NEAR(CoxLoss(times.risks, times.labels, derivatives), LossByPairs(at, times.labels),
              1e-12);
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double middle = at[i];
    at[i] = middle + 1e-5;
    const double above = LossByPairs(at, times.labels);
    at[i] = middle - 1e-5;
    const double below = LossByPairs(at, times.labels);
    at[i] = middle;
    EXPECT_NEAR(static_cast<double>(derivatives[i]), (above - below) / 2e-5, 1e-8) << i;
  }
}

// What training descends: by the parameters of whole models, of a batch whose rows are at risk
// together.
struct CoxCase {
  const char* name;
  v1::ModelSpec spec;
  v1::ModelSpec textbook;  // the same as a network
};

class CoxModelTest : public ::testing::TestWithParam<CoxCase> {};

TEST_P(CoxModelTest, TheGradientIsTheSlopeOfTheSumOverPairs) {
  constexpr int64_t kRows = 30;
  const std::unique_ptr<Model> model = MakeModel(GetParam().spec, 6, 0).value();
  const std::vector<float> features = RandomFloats(kRows * 6, 31);
  const std::vector<float> labels = RandomTimes(kRows, 32).labels;
  const Batch batch = {kRows, features, labels};
  std::vector<float> parameters = RandomFloats(model->parameters().num_elements(), 33);
  for (float& value : parameters) value *= 0.4F;
  std::vector<double> at(parameters.begin(), parameters.end());
  const TextbookNetwork textbook(GetParam().textbook, {});
  const auto loss_at = [&] {
    std::vector<double> risks;
    for (const std::vector<double>& row : textbook.Outputs(at, batch)) risks.push_back(row[0]);
    return LossByPairs(risks, labels);
  };
  double loss = 0;
  const std::vector<float> gradient = GradientOf(*model, parameters, batch, &loss);
  EXPECT_NEAR(loss, loss_at(), 1e-5);
  double steepest = 0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double middle = at[i];
    at[i] = middle + 1e-5;
    const double above = loss_at();
    at[i] = middle - 1e-5;
    const double below = loss_at();
    at[i] = middle;
    const double slope = (above - below) / 2e-5;
    steepest = std::max(steepest, std::fabs(slope));
    EXPECT_NEAR(static_cast<double>(gradient[i]), slope, 1e-6) << i;
  }
  EXPECT_GT(steepest, 0.01);
}

v1::ModelSpec Cox(std::initializer_list<int64_t> hidden, const std::string& activation) {
  v1::ModelSpec spec;
  spec.set_kind("cox");
  for (const int64_t units : hidden) spec.add_hidden(units);
  spec.set_activation(activation);
  return spec;
}

v1::ModelSpec Normalised(const std::string& loss) {
  v1::ModelSpec spec = Network({6}, {Dense(4), BatchNorm("tanh"), Dense(1)});
  spec.set_loss(loss);
  return spec;
}

INSTANTIATE_TEST_SUITE_P(
    Models, CoxModelTest,
    ::testing::Values(CoxCase{"Linear", Cox({}, ""), Network({6}, {Dense(1)})},
                      CoxCase{"Relu", Cox({7}, "relu"), Network({6}, {Dense(7, "relu"), Dense(1)})},
                      CoxCase{"Tanh", Cox({5, 4}, "tanh"),
                              Network({6}, {Dense(5, "tanh"), Dense(4, "tanh"), Dense(1)})},
                      CoxCase{"Gelu", Cox({7}, "gelu"), Network({6}, {Dense(7, "gelu"), Dense(1)})},
                      CoxCase{"BatchNorm", Normalised("cox"), Normalised("")}),
    [](const auto& test) { return test.param.name; });

TEST(CoxLossTest, HugeRisksNeitherOverflowNorVanish) {
  const std::vector<float> risks = {1000, -1000, 0};
  const std::vector<float> labels = {SurvivalLabel(1, true), SurvivalLabel(2, true),
                                     SurvivalLabel(3, true)};
  std::vector<float> derivatives(3);
  // The risk set of the second is {-1000, 0}: log(1) + 1000.
  EXPECT_DOUBLE_EQ(CoxLoss(risks, labels, derivatives), 1000.0 / 3);
  EXPECT_FLOAT_EQ(derivatives[1], -1.0F / 3);
}

TEST(CoxLossTest, WithoutEventsThereIsNothingToLearn) {
  const std::vector<float> labels = {SurvivalLabel(1, false), SurvivalLabel(2, false)};
  std::vector<float> derivatives(2, 7.0F);
  EXPECT_EQ(CoxLoss(std::vector<float>{1, 2}, labels, derivatives), 0.0);
  EXPECT_EQ(derivatives, std::vector<float>({0, 0}));
  EXPECT_EQ(CoxLoss(std::span<const float>(), {}, {}), 0.0);
}

TEST(CoxLossTest, ARiskThatIsNoNumberShows) {
  const std::vector<float> risks = {1, std::numeric_limits<float>::quiet_NaN()};
  const std::vector<float> labels = {SurvivalLabel(1, true), SurvivalLabel(2, true)};
  EXPECT_TRUE(std::isnan(CoxLoss(risks, labels, {})));
}

TEST(ConcordanceTest, CountsAllPairs) {
  const Times times = RandomTimes(60, 9);
  Concordance expected;
  for (std::size_t i = 0; i < 60; ++i) {
    for (std::size_t j = 0; j < 60; ++j) {
      const float a = times.labels[i];
      const float b = times.labels[j];
      const bool first =
          IsEvent(a) && (TimeOf(a) < TimeOf(b) || (TimeOf(a) == TimeOf(b) && !IsEvent(b)));
      if (!first) continue;
      ++expected.comparable;
      if (times.risks[i] > times.risks[j]) ++expected.concordant;
      if (times.risks[i] == times.risks[j]) ++expected.tied;
    }
  }
  const Concordance found = CountPairs(times.risks, times.labels);
  EXPECT_EQ(found.comparable, expected.comparable);
  EXPECT_EQ(found.concordant, expected.concordant);
  EXPECT_EQ(found.tied, expected.tied);
  EXPECT_GT(found.tied, 0);
}

TEST(ConcordanceTest, TravelsAsCounts) {
  const Times times = RandomTimes(60, 9);
  const EvaluationSums sums = Evaluate(OutputKind::kRisk, 1, times.risks, times.labels);
  const EvaluationValues values = ToValues(OutputKind::kRisk, sums);
  const Result<EvaluationSums> read = FromValues(OutputKind::kRisk, values);
  ASSERT_TRUE(read.ok());
  const std::vector<Metric> metrics = ToMetrics(OutputKind::kRisk, "test", *read);
  ASSERT_EQ(metrics.size(), 2U);
  EXPECT_EQ(metrics[0].name, "test.c_index");
  EXPECT_DOUBLE_EQ(metrics[0].value, (static_cast<double>(sums.pairs.concordant) +
                                      0.5 * static_cast<double>(sums.pairs.tied)) /
                                         static_cast<double>(sums.pairs.comparable));
  EvaluationValues more = values;
  more.counts[2] = more.counts[1] + 1;
  EXPECT_FALSE(FromValues(OutputKind::kRisk, more).ok()) << "more in order than there are";
  more = values;
  more.counts[1] = 60 * 59 / 2 + 1;
  EXPECT_FALSE(FromValues(OutputKind::kRisk, more).ok()) << "more pairs than the rows make";
}

// R's survival::lung, rows with ph.ecog and inst: coxph(Surv(time, status) ~ age + sex + ph.ecog,
// ties = "breslow") has this log likelihood at these coefficients, and this concordance.
class LungTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("SKERRY_DATA");
    if (folder == nullptr) GTEST_SKIP() << "SKERRY_DATA is not set";
    const std::string path = std::string(folder) + "/r_survival/lung.csv";
    std::ifstream file(path);
    if (!file) GTEST_SKIP() << path << " is not there";
    Read(file);
  }

  void Read(std::istream& file) {
    std::string line;
    std::getline(file, line);
    std::vector<std::string> names = Cells(line);
    const auto at = [&](const std::vector<std::string>& cells, const char* name) {
      const auto found = std::find(names.begin(), names.end(), name);
      return found == names.end() ? std::string("NA")
                                  : cells[static_cast<std::size_t>(found - names.begin())];
    };
    while (std::getline(file, line)) {
      const std::vector<std::string> cells = Cells(line);
      if (at(cells, "ph.ecog") == "NA" || at(cells, "inst") == "NA") continue;
      const double risk = 0.01120492442 * std::stod(at(cells, "age")) -
                          0.55582545135 * std::stod(at(cells, "sex")) +
                          0.46837865830 * std::stod(at(cells, "ph.ecog"));
      risks_.push_back(static_cast<float>(risk));
      labels_.push_back(SurvivalLabel(std::stod(at(cells, "time")), at(cells, "status") == "2"));
    }
  }

  static std::vector<std::string> Cells(const std::string& line) {
    std::vector<std::string> cells;
    std::stringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) {
      std::erase(cell, '"');
      std::erase(cell, '\r');
      cells.push_back(cell);
    }
    return cells;
  }

  std::vector<float> risks_;
  std::vector<float> labels_;
};

TEST_F(LungTest, TheLossIsMinusRsLogLikelihood) {
  ASSERT_EQ(labels_.size(), 226U);
  EXPECT_NEAR(CoxLoss(risks_, labels_, {}) * 226, 724.3808608, 2e-4);
  const std::vector<float> zeros(226);
  EXPECT_NEAR(CoxLoss(zeros, labels_, {}) * 226, 739.5882579, 1e-6);
}

TEST_F(LungTest, TheCIndexIsRs) {
  const Concordance pairs = CountPairs(risks_, labels_);
  EXPECT_NEAR((static_cast<double>(pairs.concordant) + 0.5 * static_cast<double>(pairs.tied)) /
                  static_cast<double>(pairs.comparable),
              0.6376020, 2e-6);
}

}  // namespace
}  // namespace skerry::learning
