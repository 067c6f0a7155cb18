#include "learning/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "learning/aggregator.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// age, bmi; admission in {medical, surgical}, sex in {f}.
v1::DataSpec Spec(v1::MissingRule missing, bool standardize) {
  v1::DataSpec spec;
  spec.add_features("age");
  spec.add_features("bmi");
  v1::Category* admission = spec.add_categories();
  admission->set_column("admission");
  admission->add_levels("medical");
  admission->add_levels("surgical");
  v1::Category* sex = spec.add_categories();
  sex->set_column("sex");
  sex->add_levels("f");
  spec.set_missing(missing);
  spec.set_standardize(standardize);
  return spec;
}

std::vector<std::string> Names(const v1::DataSpec& spec) {
  std::vector<std::string> names;
  for (const FeatureColumn& column : FeatureColumns(spec)) names.push_back(column.name);
  return names;
}

// Four rows: age 1, 3, missing, missing; bmi 10 throughout; three medical, one missing; all f.
FeatureSums FourRows(std::size_t num_indicators) {
  FeatureSums sums = {4, {}, {2, 4, 3, 3, 4}, {4, 40, 3, 0, 4}, {10, 400, 3, 0, 4}};
  for (std::size_t i = 0; i < num_indicators; ++i) {
    sums.count.push_back(4);
    sums.sum.push_back(1);
    sums.sum_squares.push_back(1);
  }
  return sums;
}

TEST(FeatureColumnsTest, NumbersThenLevels) {
  const v1::DataSpec spec = Spec(v1::DROP, true);
  EXPECT_THAT(Names(spec),
              ElementsAre("age", "bmi", "admission=medical", "admission=surgical", "sex=f"));
  const FeatureColumn level = FeatureColumns(spec)[3];
  EXPECT_EQ(level.kind, FeatureColumn::Kind::kLevel);
  EXPECT_EQ(level.column, "admission");
  EXPECT_EQ(level.level, "surgical");
}

TEST(FeatureColumnsTest, IndicatorsFollowInTheOrderOfColumns) {
  EXPECT_THAT(
      Names(Spec(v1::INDICATOR, false)),
      ElementsAre("age", "bmi", "admission=medical", "admission=surgical", "sex=f",
                  "age is missing", "bmi is missing", "admission is missing", "sex is missing"));
  const FeatureColumn last = FeatureColumns(Spec(v1::INDICATOR, false)).back();
  EXPECT_EQ(last.kind, FeatureColumn::Kind::kMissing);
  EXPECT_EQ(last.column, "sex");
}

TEST(FeaturesTest, StatisticsAreNeededToStandardizeAndToFill) {
  EXPECT_FALSE(NeedsStatistics(Spec(v1::DROP, false)));
  EXPECT_TRUE(NeedsStatistics(Spec(v1::DROP, true)));
  EXPECT_TRUE(NeedsStatistics(Spec(v1::MEAN, false)));
  EXPECT_TRUE(NeedsStatistics(Spec(v1::INDICATOR, false)));
}

TEST(TransformTest, StandardizesNumbersAndFillsWithMeans) {
  ASSERT_OK_AND_ASSIGN(const InputTransform transform,
                       TransformFromSums(Spec(v1::MEAN, true), FourRows(0)));
  // age: mean 2, variance 5 - 4; bmi is constant.
  EXPECT_THAT(transform.fill, ElementsAre(2.0, 10.0, 1.0, 0.0, 1.0));
  EXPECT_THAT(transform.mean, ElementsAre(2.0, 10.0, 0.0, 0.0, 0.0));
  EXPECT_THAT(transform.scale, ElementsAre(1.0, 1.0, 1.0, 1.0, 1.0));
}

TEST(TransformTest, FillsWithoutStandardizing) {
  ASSERT_OK_AND_ASSIGN(const InputTransform transform,
                       TransformFromSums(Spec(v1::INDICATOR, false), FourRows(4)));
  InputTransform expected = InputTransform::Identity(9);
  expected.fill = {2.0, 10.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0};
  EXPECT_EQ(transform, expected);
}

TEST(TransformTest, DroppedRowsNeedNoFill) {
  ASSERT_OK_AND_ASSIGN(const InputTransform transform,
                       TransformFromSums(Spec(v1::DROP, true), FourRows(0)));
  EXPECT_THAT(transform.fill, ElementsAre(0.0, 0.0, 0.0, 0.0, 0.0));
  EXPECT_THAT(transform.mean, ElementsAre(2.0, 10.0, 0.0, 0.0, 0.0));
}

TEST(TransformTest, IsTheIdentityWhenNothingIsAskedFor) {
  ASSERT_OK_AND_ASSIGN(const InputTransform transform,
                       TransformFromSums(Spec(v1::DROP, false), FourRows(0)));
  EXPECT_EQ(transform, InputTransform::Identity(5));
}

TEST(TransformTest, ScaleIsTheStandardDeviationWithDivisorN) {
  v1::DataSpec spec;
  spec.add_features("x");
  spec.set_standardize(true);
  const FeatureSums sums = {4, {}, {4}, {1 + 2 + 4 + 9}, {1 + 4 + 16 + 81}};
  ASSERT_OK_AND_ASSIGN(const InputTransform transform, TransformFromSums(spec, sums));
  EXPECT_EQ(transform.mean[0], 4.0);
  EXPECT_DOUBLE_EQ(transform.scale[0], std::sqrt(9.5));
}

TEST(TransformTest, AConstantInputKeepsScaleOneWhateverTheRoundingOfItsSums) {
  v1::DataSpec spec;
  spec.add_features("x");
  spec.set_standardize(true);
  for (const double value : {0.1, 1.0 / 3, 123456.789, 1e-9, 0.0}) {
    FeatureSums sums = {1000, {}, {1000}, {0}, {0}};
    for (int i = 0; i < 1000; ++i) {
      sums.sum[0] += value;
      sums.sum_squares[0] += value * value;
    }
    ASSERT_OK_AND_ASSIGN(const InputTransform transform, TransformFromSums(spec, sums));
    EXPECT_EQ(transform.scale[0], 1.0) << value;
    EXPECT_NEAR(transform.mean[0], value, 1e-12 * value);
  }
}

TEST(TransformTest, AnInputThatIsMissingEverywhereIsNamed) {
  FeatureSums sums = FourRows(0);
  sums.count[1] = 0;
  EXPECT_THAT(TransformFromSums(Spec(v1::MEAN, false), sums),
              Fails(Code::kFailedPrecondition, HasSubstr("\"bmi\" is missing in every row")));
  sums = FourRows(0);
  sums.count[2] = sums.count[3] = 0;
  EXPECT_THAT(TransformFromSums(Spec(v1::MEAN, false), sums),
              Fails(Code::kFailedPrecondition, HasSubstr("\"admission=medical\"")));
  EXPECT_OK(TransformFromSums(Spec(v1::DROP, true), sums));
}

TEST(TransformTest, StatisticsOfOtherInputsAreRefused) {
  EXPECT_THAT(TransformFromSums(Spec(v1::INDICATOR, false), FourRows(0)),
              Fails(Code::kInvalidArgument, HasSubstr("5 inputs do not fit the 9")));
}

FeatureSums SomeSums() { return {5, {2, 3}, {5, 4}, {1.5, -2}, {3, 4}}; }

TEST(FeatureSumsTest, TheValuesFitTheSections) {
  const std::vector<Section> sections = FeatureSections(2, 2);
  ASSERT_OK(ResultLayout::Create(sections));
  EXPECT_EQ(sections[0].name, "features.counts");
  EXPECT_EQ(sections[1].name, "features.sums");
  EXPECT_EQ(sections[0].layout.num_elements(),
            static_cast<int64_t>(CountValues(SomeSums()).size()));
  EXPECT_EQ(sections[1].layout.num_elements(), static_cast<int64_t>(SumValues(SomeSums()).size()));
  EXPECT_FALSE(FeatureSections(2, 0)[0].layout.Find("class_counts").has_value());
}

TEST(FeatureSumsTest, ComeBackAsTheyWere) {
  const FeatureSums sums = SomeSums();
  ASSERT_OK_AND_ASSIGN(const FeatureSums read,
                       FeatureSumsFromValues(2, 2, CountValues(sums), SumValues(sums)));
  EXPECT_EQ(read.num_examples, 5);
  EXPECT_THAT(read.class_counts, ElementsAre(2, 3));
  EXPECT_THAT(read.count, ElementsAre(5, 4));
  EXPECT_THAT(read.sum, ElementsAre(1.5, -2.0));
  EXPECT_THAT(read.sum_squares, ElementsAre(3.0, 4.0));
}

TEST(FeatureSumsTest, SitesAddUpToTheirRowsTogether) {
  const FeatureSums sums = SomeSums();
  std::vector<int64_t> counts = CountValues(sums);
  std::vector<double> values = SumValues(sums);
  ASSERT_OK(AddI64(CountValues(sums), counts));
  AddF64(SumValues(sums), values);
  ASSERT_OK_AND_ASSIGN(const FeatureSums both, FeatureSumsFromValues(2, 2, counts, values));
  EXPECT_EQ(both.num_examples, 10);
  EXPECT_THAT(both.sum, ElementsAre(3.0, -4.0));
}

TEST(FeatureSumsTest, ContradictionsAreRefused) {
  const auto read = [](auto change) {
    FeatureSums sums = SomeSums();
    change(sums);
    return FeatureSumsFromValues(2, 2, CountValues(sums), SumValues(sums));
  };
  const auto refused = [](const char* text) {
    return Fails(Code::kInvalidArgument, HasSubstr(text));
  };
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_THAT(read([](auto& s) { s.count.pop_back(); }), refused("do not fit"));
  EXPECT_THAT(read([](auto& s) { s.sum.push_back(1); }), refused("do not fit"));
  EXPECT_THAT(read([](auto& s) { s.num_examples = -5; }), refused("negative"));
  EXPECT_THAT(read([](auto& s) { s.class_counts[0] = 3; }), refused("classes"));
  EXPECT_THAT(read([](auto& s) { s.class_counts[0] = 1; }), refused("classes"));
  EXPECT_THAT(read([](auto& s) { s.class_counts = {-1, 6}; }), refused("classes"));
  EXPECT_THAT(read([](auto& s) { s.count[1] = 6; }), refused("input 1 counts 6 of 5"));
  EXPECT_THAT(read([](auto& s) { s.count[0] = -1; }), refused("input 0"));
  EXPECT_THAT(read([&](auto& s) { s.sum[1] = -inf; }), refused("input 1"));
  EXPECT_THAT(read([](auto& s) { s.sum_squares[0] = std::nan(""); }), refused("input 0"));
  EXPECT_THAT(read([](auto& s) { s.sum_squares[0] = -1; }), refused("negative"));
  EXPECT_THAT(read([](auto& s) { s.count[1] = 0; }), refused("missing in every row"));
}

}  // namespace
}  // namespace skerry::learning
