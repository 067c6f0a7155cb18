#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "cli/output.h"

// What commands write of the rounds of a run: lines, CSV, pictures.
namespace skerry::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::RoundSummary RoundOf(int64_t round, const std::string& kind = "train",
                         const std::string& phase = "committed") {
  v1::RoundSummary summary;
  summary.set_round(round);
  summary.set_kind(kind);
  summary.set_phase(phase);
  summary.set_base_version(round - 1);
  summary.set_model_version(kind == "train" ? round : -1);
  summary.set_seconds(0.1);
  v1::SiteInRound& site = *summary.add_sites();
  site.set_site("north");
  site.set_counted(true);
  return summary;
}

void AddMetric(v1::RoundSummary& round, const std::string& name, double value,
               const std::string& site = "") {
  v1::Metric& metric = *round.add_metrics();
  metric.set_name(name);
  metric.set_value(value);
  metric.set_site(site);
}

TEST(RoundsOutputTest, TheCsvHasAColumnForEachMetricOfTheFederation) {
  v1::RoundSummary first = RoundOf(1);
  AddMetric(first, "test.auc", 0.1 + 0.2);
  AddMetric(first, "test.auc", 0.5, "north");
  v1::RoundSummary second = RoundOf(2);
  AddMetric(second, "train.loss", 0.25);
  v1::RoundSummary end = RoundOf(3, "evaluate");
  EXPECT_EQ(RoundsCsv({first, second, RoundOf(3, "train", "abandoned"), end}),
            "round,kind,base_version,model_version,sites_counted,seconds,test.auc,train.loss\n"
            "1,train,0,1,1,0.1,0.30000000000000004,\n"
            "2,train,1,2,1,0.1,,0.25\n"
            "3,evaluate,2,-1,1,0.1,,\n");
}

TEST(RoundsOutputTest, TheCsvOfNoRoundsIsItsHeader) {
  EXPECT_EQ(RoundsCsv({}), "round,kind,base_version,model_version,sites_counted,seconds\n");
}

TEST(RoundsOutputTest, MetricsStandOnOneLineWithoutThoseOfSites) {
  v1::RoundSummary round = RoundOf(1);
  AddMetric(round, "test.auc", 0.77119);
  AddMetric(round, "test.auc", 0.1, "north");
  AddMetric(round, "test.log_loss", 0.5);
  EXPECT_EQ(MetricsLine(round), "test.auc 0.7712  test.log_loss 0.5000");
  EXPECT_EQ(MetricsLine(RoundOf(1)), "");
}

TEST(RoundsOutputTest, TheRoundIsCountedUpToTheNumberOfTrainingRounds) {
  v1::RunSummary run;
  run.set_num_rounds(50);
  EXPECT_EQ(RoundLabel(run), "round 0 of 50");
  run.set_round(51);
  EXPECT_EQ(RoundLabel(run), "round 50 of 50");
}

TEST(RoundsOutputTest, ThePictureShowsEachMetricOverTheModelsItWasMeasuredOn) {
  std::vector<v1::RoundSummary> rounds;
  for (int64_t i = 1; i <= 3; ++i) {
    rounds.push_back(RoundOf(i));
    AddMetric(rounds.back(), "test.auc", 0.5 + 0.1 * static_cast<double>(i));
    AddMetric(rounds.back(), "validation.auc", 0.5);
    AddMetric(rounds.back(), "test.log_loss", 1.0 / static_cast<double>(i));
    AddMetric(rounds.back(), "train.loss", 2.0 / static_cast<double>(i));
    AddMetric(rounds.back(), "test.auc", 0.0, "north");
  }
  rounds.push_back(RoundOf(4, "train", "abandoned"));
  AddMetric(rounds.back(), "test.auc", 9.0);
  const std::string svg = RoundsSvg("icu & co", rounds);
  EXPECT_THAT(svg, HasSubstr(">icu &amp; co</text>"));
  EXPECT_THAT(svg, HasSubstr("font-weight=\"bold\">auc</text>"));
  EXPECT_THAT(svg, HasSubstr("font-weight=\"bold\">log_loss</text>"));
  EXPECT_THAT(svg, HasSubstr("viewBox=\"0 0 1040 360\""))
      << "two panels, train.loss beside log_loss";
  EXPECT_THAT(svg, HasSubstr(">validation</text>"));
  EXPECT_THAT(svg, HasSubstr(">train</text>"));
}

TEST(RoundsOutputTest, AMetricThatIsNoNumberHarmsNeitherCsvNorPicture) {
  v1::RoundSummary round = RoundOf(1);
  AddMetric(round, "train.loss", std::numeric_limits<double>::infinity());
  EXPECT_THAT(RoundsCsv({round}), HasSubstr("1,train,0,1,1,0.1,inf\n"));
  EXPECT_THAT(RoundsSvg("t", {round}), Not(HasSubstr("inf\"")));
}

}  // namespace
}  // namespace skerry::cli
