#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "learning/metrics.h"
#include "learning/random_scores.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::HasSubstr;

constexpr OutputKind kKinds[] = {OutputKind::kValue, OutputKind::kBinary, OutputKind::kClasses};

TEST(EvaluationSectionsTest, FitTheValuesOfTheirKind) {
  for (const OutputKind kind : kKinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    const std::vector<Section> sections = EvaluationSections(kind, "validation");
    ASSERT_OK(ResultLayout::Create(sections));
    EXPECT_EQ(sections[0].name, "evaluation.validation.counts");
    EXPECT_EQ(sections[0].rule, Rule::kSumI64);
    EXPECT_EQ(sections[1].name, "evaluation.validation.sums");
    EXPECT_EQ(sections[1].rule, Rule::kSumF64);
    const std::vector<float> outputs = {0.5F, -0.5F};
    const std::vector<float> labels = {1.0F};
    const int64_t width = kind == OutputKind::kClasses ? 2 : 1;
    const EvaluationValues values = ToValues(
        kind,
        Evaluate(kind, width, std::span(outputs).first(static_cast<std::size_t>(width)), labels));
    EXPECT_EQ(sections[0].layout.num_elements(), static_cast<int64_t>(values.counts.size()));
    EXPECT_EQ(sections[1].layout.num_elements(), static_cast<int64_t>(values.sums.size()));
    EXPECT_EQ(sections[0].layout.Find("positive_histogram").has_value(),
              kind == OutputKind::kBinary);
  }
}

TEST(EvaluationValuesTest, ComeBackAsTheyWere) {
  const EvaluationSums sums = Scores(300, 0.3, 1.0F, 1.0F, 5).Sums();
  ASSERT_OK_AND_ASSIGN(const EvaluationSums read,
                       FromValues(OutputKind::kBinary, ToValues(OutputKind::kBinary, sums)));
  EXPECT_EQ(read.num_examples, sums.num_examples);
  EXPECT_EQ(read.num_correct, sums.num_correct);
  EXPECT_EQ(read.num_positive, sums.num_positive);
  EXPECT_EQ(read.positive_histogram, sums.positive_histogram);
  EXPECT_EQ(read.negative_histogram, sums.negative_histogram);
  EXPECT_EQ(read.loss, sums.loss);
}

TEST(EvaluationValuesTest, ContradictionsAreRefused) {
  const EvaluationValues good =
      ToValues(OutputKind::kBinary, Scores(50, 0.5, 1.0F, 1.0F, 5).Sums());
  const auto read = [&](auto change) {
    EvaluationValues values = good;
    change(values);
    return FromValues(OutputKind::kBinary, values);
  };
  const auto refused = [](const char* text) {
    return Fails(Code::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_OK(read([](auto&) {}));
  EXPECT_THAT(read([](auto& v) { v.counts.pop_back(); }), refused("does not fit"));
  EXPECT_THAT(read([](auto& v) { v.sums.push_back(0); }), refused("does not fit"));
  EXPECT_THAT(read([](auto& v) { v.counts[0] = -1; }), refused("negative"));
  EXPECT_THAT(read([](auto& v) { v.counts[1] = 51; }), refused("51 right answers for 50 rows"));
  EXPECT_THAT(read([](auto& v) { v.counts[1] = -1; }), refused("right answers"));
  EXPECT_THAT(read([](auto& v) { v.counts[2] = 51; }), refused("class 1"));
  EXPECT_THAT(read([](auto& v) { ++v.counts[3]; }), refused("histogram"));
  EXPECT_THAT(read([](auto& v) { v.counts[3] += 5, v.counts[4] -= 5; }), refused("histogram"));
  EXPECT_THAT(read([](auto& v) { --v.counts[2]; }), refused("histogram"));
  EXPECT_THAT(read([](auto& v) { v.sums[0] = std::nan(""); }), refused("finite"));
  EXPECT_THAT(read([](auto& v) { v.sums[0] = std::numeric_limits<double>::infinity(); }),
              refused("finite"));
  EXPECT_THAT(read([](auto& v) { v.sums[0] = -1; }), refused("negative"));
  EXPECT_THAT(read([](auto& v) { v.counts.assign(v.counts.size(), 0); }), refused("no rows"));
}

TEST(EvaluationValuesTest, HugeCountsDoNotOverflow) {
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  EvaluationValues values =
      ToValues(OutputKind::kBinary, Evaluate(OutputKind::kBinary, 1, std::span<const float>(), {}));
  for (std::size_t i = 0; i < values.counts.size(); ++i) values.counts[i] = kHuge;
  EXPECT_THAT(FromValues(OutputKind::kBinary, values),
              Fails(Code::kInvalidArgument, HasSubstr("histogram")));
}

}  // namespace
}  // namespace skerry::learning
