#include "client/data/site_data.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "client/data/spec.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using learning::InputTransform;
using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const std::string kHeader = "age,bmi,admission,died\n";

// The rows of the training split as texts "age bmi medical surgical ... -> label", in their order.
std::vector<std::string> Rows(const SiteData& data, const InputTransform& transform) {
  const learning::Dataset rows = data.Prepare(SplitPart::kTrain, transform);
  const auto width = static_cast<std::size_t>(rows.num_features);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < rows.labels.size(); ++i) {
    std::string text;
    for (std::size_t j = 0; j < width; ++j) text += FormatExact(rows.features[i * width + j]) + " ";
    texts.push_back(text + "-> " + FormatExact(rows.labels[i]));
  }
  return texts;
}

std::vector<std::string> Rows(const SiteData& data) {
  return Rows(data, InputTransform::Identity(data.num_inputs()));
}

// A filling that shows: input j becomes -(j + 1) where it is missing.
InputTransform Marks(std::size_t num_inputs) {
  InputTransform transform = InputTransform::Identity(num_inputs);
  for (std::size_t j = 0; j < num_inputs; ++j) transform.fill[j] = -static_cast<double>(j + 1);
  return transform;
}

TEST(SiteDataTest, TheColumnsOfARunAreEachReadOnce) {
  v1::DataSpec spec = TestSpec();
  EXPECT_THAT(SiteData::Columns(spec), ElementsAre("age", "bmi", "admission", "died"));
  spec.mutable_split()->set_key("id");
  EXPECT_THAT(SiteData::Columns(spec), ElementsAre("age", "bmi", "admission", "died", "id"));
  spec.mutable_split()->set_key("age");
  spec.add_features("bmi");
  EXPECT_THAT(SiteData::Columns(spec), ElementsAre("age", "bmi", "admission", "died"));
}

TEST(SiteDataTest, CellsBecomeInputsInTheDeclaredOrder) {
  ASSERT_OK_AND_ASSIGN(
      const SiteData data,
      TestData("died,admission,other,bmi,age\n1,surgical,x,31.5,68\n0,medical,,+2.45e1,-0.5\n",
               TestSpec()));
  EXPECT_EQ(data.num_inputs(), 4u);
  EXPECT_THAT(Rows(data), UnorderedElementsAre("68 31.5 0 1 -> 1", "-0.5 24.5 1 0 -> 0"));
}

TEST(SiteDataTest, ALabelWithoutClassesIsANumber) {
  v1::DataSpec spec = TestSpec();
  spec.clear_label_classes();
  ASSERT_OK_AND_ASSIGN(const SiteData data,
                       TestData(kHeader + "1,2,medical,30.25\n3,4,medical,30.25\n", spec));
  EXPECT_THAT(Rows(data), UnorderedElementsAre("1 2 1 0 -> 30.25", "3 4 1 0 -> 30.25"));
  EXPECT_THAT(data.Sums().class_counts, IsEmpty());
  EXPECT_THAT(
      TestData(kHeader + "1,2,medical,yes\n", spec),
      Fails(Code::kInvalidArgument, AllOf(HasSubstr("data source icu: column died: not a number"),
                                          HasSubstr("icu.csv:2, column died: the cell is"))));
}

TEST(SiteDataTest, ALabelWithClassesIsTheirNumberByTheirExactText) {
  v1::DataSpec spec = TestSpec();
  spec.clear_label_classes();
  spec.add_label_classes("survived");
  spec.add_label_classes("died");
  ASSERT_OK_AND_ASSIGN(
      const SiteData data,
      TestData(kHeader + "1,2,medical,died\n3,4,medical,survived\n5,6,medical,died\n", spec));
  EXPECT_THAT(Rows(data), UnorderedElementsAre("1 2 1 0 -> 1", "3 4 1 0 -> 0", "5 6 1 0 -> 1"));
  EXPECT_THAT(data.Sums().class_counts, ElementsAre(1, 2));
  EXPECT_THAT(
      TestData(kHeader + "1,2,medical,Died\n", spec),
      Fails(Code::kInvalidArgument,
            AllOf(HasSubstr("column died: not one of the declared classes (icu.csv:2, column died"),
                  HasSubstr("the nearest is \"died\""), HasSubstr("label_classes"))));
  // TestSpec() has the classes "0" and "1": a number equal to one is not its text.
  EXPECT_THAT(TestData(kHeader + "1,2,medical,1.0\n", TestSpec()),
              Fails(Code::kInvalidArgument, HasSubstr("column died")));
}

TEST(SiteDataTest, ALevelIsLookedForByTheBeginningOfAnEndlessCell) {
  const std::string cell = "medcial" + std::string(1 << 20, ' ') + "x";
  const Status status = TestData(kHeader + "1,2," + cell + ",0\n", TestSpec()).status();
  EXPECT_THAT(status, Fails(Code::kInvalidArgument, HasSubstr("not one of the declared levels")));
  EXPECT_LT(status.hint().size(), 500u);
}

TEST(SiteDataTest, UnderDropARowWithAnyMissingCellIsLeftOut) {
  ASSERT_OK_AND_ASSIGN(const SiteData data,
                       TestData(kHeader + "1,2,medical,0\n,2,medical,1\n1,NA,medical,1\n"
                                          "1,2,?,1\n1,2,medical,\n3,4,surgical,1\n",
                                TestSpec()));
  EXPECT_THAT(Rows(data), UnorderedElementsAre("1 2 1 0 -> 0", "3 4 0 1 -> 1"));
}

TEST(SiteDataTest, UnderDropTheOtherCellsOfADroppedRowMayBeAnything) {
  ASSERT_OK_AND_ASSIGN(
      const SiteData data,
      TestData(kHeader + "unknown,,medical,0\n1,2,medical,0\n3,4,surgical,1\n", TestSpec()));
}

TEST(SiteDataTest, UnderMeanMissingCellsTakeTheFillOfTheirInputs) {
  v1::DataSpec spec = TestSpec();
  spec.set_missing(v1::MEAN);
  ASSERT_OK_AND_ASSIGN(const SiteData data,
                       TestData(kHeader + ",2,medical,0\n3,NA,?,1\n5,6,surgical,1\n", spec));
  EXPECT_EQ(data.num_inputs(), 4u);
  EXPECT_THAT(Rows(data, Marks(4)),
              UnorderedElementsAre("-1 2 1 0 -> 0", "3 -2 -3 -4 -> 1", "5 6 0 1 -> 1"));
}

TEST(SiteDataTest, UnderIndicatorEachColumnHasOneMoreInput) {
  v1::DataSpec spec = TestSpec();
  spec.set_missing(v1::INDICATOR);
  ASSERT_OK_AND_ASSIGN(const SiteData data,
                       TestData(kHeader + ",2,medical,0\n3,NA,?,1\n5,6,surgical,1\n", spec));
  EXPECT_EQ(data.num_inputs(), 7u);
  EXPECT_THAT(
      Rows(data, Marks(7)),
      UnorderedElementsAre("-1 2 1 0 1 0 0 -> 0", "3 -2 -3 -4 0 1 1 -> 1", "5 6 0 1 0 0 0 -> 1"));
}

TEST(SiteDataTest, AMissingLabelIsAnErrorUnlessRowsAreDropped) {
  for (const v1::MissingRule rule : {v1::MEAN, v1::INDICATOR}) {
    v1::DataSpec spec = TestSpec();
    spec.set_missing(rule);
    EXPECT_THAT(TestData(kHeader + "1,2,medical,0\n3,4,medical,NA\n", spec),
                Fails(Code::kInvalidArgument,
                      AllOf(HasSubstr("column died: the label is missing (icu.csv:3, column died"),
                            HasSubstr("missing = \"drop\""))));
  }
}

TEST(SiteDataTest, UnderKeepAMissingCellStaysMissing) {
  v1::DataSpec spec = TestSpec();
  spec.set_missing(v1::KEEP);
  ASSERT_OK_AND_ASSIGN(const SiteData data,
                       TestData("age,bmi,admission,died\n60,,medical,0\n50,20,,1\n", spec));
  EXPECT_EQ(data.num_rows(SplitPart::kTrain), 2U);
  EXPECT_THAT(data.Sums().count, ElementsAre(2, 1, 1, 1));
  learning::InputTransform transform = learning::InputTransform::Identity(4);
  transform.fill.assign(4, std::numeric_limits<double>::quiet_NaN());
  const learning::Dataset rows = data.Prepare(SplitPart::kTrain, transform);
  EXPECT_EQ(std::count_if(rows.features.begin(), rows.features.end(),
                          [](float x) { return std::isnan(x); }),
            3);
}

TEST(SiteDataTest, ARunWithoutALabelReadsNone) {
  v1::DataSpec spec = TestSpec();
  spec.clear_label();
  spec.clear_label_classes();
  EXPECT_THAT(SiteData::Columns(spec), ElementsAre("age", "bmi", "admission"));
  ASSERT_OK_AND_ASSIGN(const SiteData data,
                       TestData("age,bmi,admission\n60,25,medical\n50,,medical\n", spec));
  EXPECT_EQ(data.num_rows(SplitPart::kTrain), 1U) << "rows with missing cells are dropped as ever";
  EXPECT_OK(data.CheckClasses());
}

TEST(SiteDataTest, WithoutARuleAMissingCellIsAnError) {
  v1::DataSpec spec = TestSpec();
  spec.set_missing(v1::MISSING_UNSPECIFIED);
  EXPECT_OK(TestData(kHeader + "1,2,medical,0\n3,4,medical,1\n", spec));
  EXPECT_THAT(TestData(kHeader + "1,2,medical,0\n3,,medical,1\n", spec),
              Fails(Code::kInvalidArgument,
                    HasSubstr("column bmi: the cell is missing, and the run has no rule "
                              "for that (icu.csv:3, column bmi")));
}

TEST(SiteDataTest, ARuleThatThisVersionDoesNotKnowIsNoRule) {
  v1::DataSpec spec = TestSpec();
  spec.set_missing(static_cast<v1::MissingRule>(99));
  EXPECT_THAT(TestData(kHeader + "1,2,medical,0\n3,,medical,1\n", spec),
              Fails(Code::kInvalidArgument, HasSubstr("column bmi: the cell is missing")));
}

TEST(SiteDataTest, AMissingKeyIsAnErrorUnderEveryRule) {
  for (const v1::MissingRule rule : {v1::DROP, v1::MEAN, v1::INDICATOR}) {
    v1::DataSpec spec = TestSpec();
    spec.set_missing(rule);
    spec.mutable_split()->set_key("id");
    EXPECT_THAT(
        TestData("id,age,bmi,admission,died\np1,1,2,medical,0\n,3,,medical,1\n", spec),
        Fails(Code::kInvalidArgument,
              HasSubstr("column id: the key of the split is missing (icu.csv:3, column id")));
  }
}

TEST(SiteDataTest, ACellThatIsNoNumberNamesItsPlaceAndTheWayOut) {
  EXPECT_THAT(
      TestData(kHeader + "1,2,medical,0\n68 y,2,medical,1\n", TestSpec()),
      Fails(Code::kInvalidArgument, AllOf(HasSubstr("data source icu: column age: not a number"),
                                          HasSubstr("icu.csv:3, column age: the cell is \"68 y\""),
                                          HasSubstr("missing_values"))));
  EXPECT_THAT(TestData(kHeader + "1,\"24,5\",medical,0\n", TestSpec()),
              Fails(Code::kInvalidArgument, HasSubstr("write decimals with a point")));
  EXPECT_THAT(TestData(kHeader + "1,2e30,medical,0\n", TestSpec()),
              Fails(Code::kInvalidArgument, HasSubstr("between -1e30 and 1e30")));
}

TEST(SiteDataTest, ALevelThatIsNotDeclaredNamesTheNearestOne) {
  EXPECT_THAT(TestData(kHeader + "1,2,medcial,0\n", TestSpec()),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("column admission: not one of the declared levels (icu.csv:2"),
                          HasSubstr("the nearest is \"medical\""))));
}

TEST(SiteDataTest, MessagesHoldNeitherContentsNorPlacesOfCells) {
  for (const std::string row : {"secret,2,medical,0", "1,2,secret,0", "1,2,medical,secret"}) {
    const Status status = TestData(kHeader + row + "\n", TestSpec()).status();
    EXPECT_THAT(status.message(), Not(HasSubstr("secret")));
    EXPECT_THAT(status.message(), Not(HasSubstr("csv:")));
    EXPECT_THAT(status.hint(), AllOf(HasSubstr("icu.csv:2, column "), HasSubstr("\"secret\"")));
  }
}

TEST(SiteDataTest, NoRowsLeftIsAFailedPrecondition) {
  EXPECT_THAT(
      TestData(kHeader + "1,,medical,0\n,2,medical,1\n", TestSpec()),
      Fails(Code::kFailedPrecondition,
            HasSubstr("data source icu: every row has a missing cell (2 rows were dropped")));
}

TEST(SiteDataTest, NoRowsForTrainingIsAFailedPrecondition) {
  v1::DataSpec spec = TestSpec();
  spec.mutable_split()->set_train(1e-9);
  spec.mutable_split()->set_test(1 - 1e-9);
  EXPECT_THAT(
      TestData(kHeader + "1,2,medical,0\n3,4,medical,1\n", spec),
      Fails(Code::kFailedPrecondition,
            HasSubstr("no row falls to training (2 rows were read and 0 rows were dropped")));
  spec.mutable_split()->set_train(0);
  spec.mutable_split()->set_test(1);
  ASSERT_OK_AND_ASSIGN(const SiteData data,
                       TestData(kHeader + "1,2,medical,0\n3,4,medical,1\n", spec));
  EXPECT_EQ(data.num_rows(SplitPart::kTrain), 0u);
  EXPECT_EQ(data.num_rows(SplitPart::kTest), 2u);
  EXPECT_EQ(data.Sums().num_examples, 0);
}

TEST(SiteDataTest, TrainingRowsOfOneClassAreAFailedPrecondition) {
  ASSERT_OK_AND_ASSIGN(const SiteData one,
                       TestData(kHeader + "1,2,medical,1\n3,4,medical,1\n", TestSpec()));
  EXPECT_THAT(one.CheckClasses(), Fails(Code::kFailedPrecondition, HasSubstr("one class only")));
  ASSERT_OK_AND_ASSIGN(const SiteData two,
                       TestData(kHeader + "1,2,medical,1\n3,4,medical,0\n", TestSpec()));
  EXPECT_OK(two.CheckClasses());
  v1::DataSpec spec = TestSpec();
  spec.clear_label_classes();
  ASSERT_OK_AND_ASSIGN(const SiteData numeric, TestData(kHeader + "1,2,medical,7\n", spec));
  EXPECT_OK(numeric.CheckClasses());
}

TEST(SiteDataTest, OfMoreThanTwoClassesASiteMayLackAny) {
  v1::DataSpec spec = TestSpec();
  spec.add_label_classes("2");
  ASSERT_OK_AND_ASSIGN(const SiteData one,
                       TestData(kHeader + "1,2,medical,1\n3,4,medical,1\n", spec));
  EXPECT_OK(one.CheckClasses());
}

TEST(SiteDataTest, AnEventGoesIntoTheSignOfATime) {
  v1::DataSpec spec = TestSpec();
  spec.clear_label_classes();
  spec.clear_features();
  spec.add_features("age");
  spec.set_event("bmi");
  ASSERT_OK_AND_ASSIGN(const SiteData data,
                       TestData(kHeader + "1,1,medical,30\n2,0,medical,40\n3,0,medical,0\n", spec));
  EXPECT_EQ(data.num_inputs(), 3u) << "age and two levels; the event is no input";
  const learning::Dataset rows =
      data.Prepare(SplitPart::kTrain, learning::InputTransform::Identity(3));
  std::map<float, float> label_of_age;
  for (std::size_t r = 0; r < 3; ++r) label_of_age[rows.features[3 * r]] = rows.labels[r];
  EXPECT_EQ(label_of_age[1], 30.0F);
  EXPECT_EQ(label_of_age[2], -40.0F);
  EXPECT_TRUE(std::signbit(label_of_age[3])) << "censored at once";

  EXPECT_THAT(TestData(kHeader + "1,2,medical,30\n", spec),
              Fails(Code::kInvalidArgument, HasSubstr("an event must be 0 or 1")));
  EXPECT_THAT(TestData(kHeader + "1,1,medical,-30\n", spec),
              Fails(Code::kInvalidArgument, HasSubstr("a time must not be negative")));
  spec.set_missing(v1::MEAN);
  EXPECT_THAT(TestData(kHeader + "1,,medical,30\n", spec),
              Fails(Code::kInvalidArgument, HasSubstr("whether there was an event is missing")));
}

TEST(SiteDataTest, SumsCoverTheTrainingRowsWhereACellIsNotMissing) {
  v1::DataSpec spec = TestSpec();
  spec.set_missing(v1::INDICATOR);
  ASSERT_OK_AND_ASSIGN(const SiteData data,
                       TestData(kHeader + ",2,medical,0\n3,0.5,?,1\n5,6,surgical,1\n", spec));
  const learning::FeatureSums sums = data.Sums();
  EXPECT_EQ(sums.num_examples, 3);
  EXPECT_THAT(sums.class_counts, ElementsAre(1, 2));
  EXPECT_THAT(sums.count, ElementsAre(2, 3, 2, 2, 3, 3, 3));
  EXPECT_THAT(sums.sum, ElementsAre(8, 8.5, 1, 1, 1, 0, 1));
  EXPECT_THAT(sums.sum_squares, ElementsAre(34, 40.25, 1, 1, 1, 0, 1));
}

TEST(SiteDataTest, PrepareRoundsOnceFromDouble) {
  v1::DataSpec spec = TestSpec();
  spec.clear_categories();
  ASSERT_OK_AND_ASSIGN(const SiteData data,
                       TestData("age,bmi,died\n16777217,0.1,0\n16777217,0.1,1\n", spec));
  const InputTransform transform{.fill = {0, 0}, .mean = {16777216, 0.3}, .scale = {1, 0.7}};
  const learning::Dataset rows = data.Prepare(SplitPart::kTrain, transform);
  ASSERT_EQ(rows.features.size(), 4u);
  EXPECT_EQ(rows.features[0], 1.0f);  // 16777217 is no float
  EXPECT_EQ(rows.features[1], static_cast<float>((0.1 - 0.3) / 0.7));
}

TEST(SiteDataTest, SpecsThatRepeatAColumnAreRead) {
  v1::DataSpec spec = TestSpec();
  spec.add_features("age");
  v1::Category& again = *spec.add_categories();
  again.set_column("admission");
  again.add_levels("medical");
  again.add_levels("surgical");
  again.add_levels("other");
  ASSERT_OK_AND_ASSIGN(const SiteData data,
                       TestData(kHeader + "1,2,medical,0\n3,4,surgical,1\n", spec));
  EXPECT_THAT(Rows(data), UnorderedElementsAre("1 2 1 1 0 1 0 0 -> 0", "3 4 3 0 1 0 1 0 -> 1"));
}

}  // namespace
}  // namespace skerry::client
