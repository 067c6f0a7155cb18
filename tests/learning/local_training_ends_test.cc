// How local training ends before its time, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "learning/local_training.h"
#include "learning/training_runs.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(LocalTrainingTest, ProgressCountsEveryStepUpToTheTotal) {
  const auto model = MakeSmall("logistic", 3, 2);
  std::vector<float> parameters(4);
  std::vector<int64_t> done;
  const StepProgress progress = [&](int64_t steps, int64_t total) {
    EXPECT_EQ(total, 6);
    done.push_back(steps);
  };
  ASSERT_OK(TrainLocally(*model, RandomRows(11, 3, 2), {.local_epochs = 2, .batch_size = 4},
                         parameters, {}, progress));
  EXPECT_THAT(done, ElementsAre(1, 2, 3, 4, 5, 6));
}

// Risk sets that end where a batch does would make another function of it.
TEST(LocalTrainingTest, TheLossOverAllRowsOfASurvivalModelHasThemAllAtRiskTogether) {
  v1::ModelSpec spec;
  spec.set_kind("cox");
  const auto model = MakeModel(spec, 3, 0).value();
  Dataset rows = RandomRows(700, 3, 2);
  for (std::size_t r = 0; r < rows.labels.size(); ++r) {
    rows.labels[r] = static_cast<float>(1 + r * 7 % 97) * (r % 3 == 0 ? -1.0F : 1.0F);
  }
  std::vector<float> parameters(static_cast<std::size_t>(model->parameters().num_elements()), 0.3F);
  std::vector<float> risks(rows.labels.size());
  const auto workspace = model->NewWorkspace(rows.rows);
  model->Forward(parameters, AllRows(rows), risks, *workspace);
  const double together = MeanLoss(OutputKind::kRisk, 1, std::span<const float>(risks),
                                   std::span<const float>(rows.labels));
  EXPECT_DOUBLE_EQ(LossOverRows(*model, rows, std::span<const float>(parameters)), together);
}

TEST(LocalTrainingTest, TheLossOverAllRowsTellsHowFarItIsAndStops) {
  const auto model = MakeSmall("logistic", 3, 2);
  const std::vector<float> parameters(4);
  int64_t asked = 0;
  const RowProgress progress = [&](int64_t done, int64_t total) {
    EXPECT_EQ(total, 700);
    ++asked;
    return done >= 512 ? Cancelled("enough") : OkStatus();
  };
  EXPECT_THAT(
      LossOverRows(*model, RandomRows(700, 3, 2), std::span<const float>(parameters), progress),
      Fails(Code::kCancelled, HasSubstr("enough")));
  EXPECT_EQ(asked, 3);
}

TEST(LocalTrainingTest, AStopEndsItBeforeTheNextStep) {
  const auto model = MakeSmall("logistic", 3, 2);
  std::vector<float> parameters(4);
  std::stop_source source;
  int64_t steps = 0;
  const StepProgress progress = [&](int64_t done, int64_t) {
    steps = done;
    if (done == 3) source.request_stop();
  };
  EXPECT_THAT(TrainLocally(*model, RandomRows(11, 3, 2), {.local_epochs = 5, .batch_size = 4},
                           parameters, source.get_token(), progress),
              Fails(Code::kCancelled, HasSubstr("after step 3 of 15")));
  EXPECT_EQ(steps, 3);
}

TEST(LocalTrainingTest, DivergenceEndsItWithAHint) {
  const auto model = MakeSmall("linear", 3, 0);
  std::vector<float> parameters(4);
  int64_t steps = 0;
  const StepProgress progress = [&](int64_t done, int64_t) { steps = done; };
  EXPECT_THAT(TrainLocally(*model, RandomRows(20, 3, 2),
                           {.local_epochs = 500, .batch_size = 5, .learning_rate = 100.0},
                           parameters, {}, progress),
              Fails(Code::kOutOfRange,
                    AllOf(HasSubstr("diverged in step"), HasSubstr("training.learning_rate"))));
  EXPECT_LT(steps, 100);
}

TEST(LocalTrainingTest, DivergenceInTheLastStepIsFoundToo) {
  const auto model = MakeSmall("linear", 1, 0);
  const Dataset data = {1, 1, {1e30F}, {1.0F}};
  std::vector<float> parameters(2);
  EXPECT_THAT(Train(*model, data, {.batch_size = 1, .learning_rate = 1e30}, parameters),
              Fails(Code::kOutOfRange, HasSubstr("step 1 of 1")));
}

TEST(LocalTrainingTest, OptionsAreCheckedByName) {
  const auto model = MakeSmall("logistic", 3, 2);
  const Dataset data = RandomRows(5, 3, 2);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<LocalTrainingOptions, const char*>> wrong = {
      {{.local_epochs = 0}, "training.local_epochs"},
      {{.local_epochs = int64_t{1} << 60}, "training.local_epochs"},
      {{.batch_size = -1}, "training.batch_size"},
      {{.learning_rate = 0}, "training.learning_rate"},
      {{.learning_rate = nan}, "training.learning_rate"},
      {{.learning_rate = inf}, "training.learning_rate"},
      {{.momentum = 1}, "training.momentum"},
      {{.momentum = nan}, "training.momentum"},
      {{.weight_decay = -0.1}, "training.weight_decay"},
      {{.weight_decay = inf}, "training.weight_decay"}};
  for (const auto& [options, key] : wrong) {
    std::vector<float> parameters(4);
    EXPECT_THAT(Train(*model, data, options, parameters),
                Fails(Code::kInvalidArgument, HasSubstr(key)));
    EXPECT_THAT(parameters, ElementsAre(0, 0, 0, 0));
  }
}

TEST(LocalTrainingTest, ABatchMayBeLargerThanTheData) {
  const auto model = MakeSmall("logistic", 3, 2);
  std::vector<float> parameters(4);
  ASSERT_OK_AND_ASSIGN(const LocalTrainingResult result,
                       Train(*model, RandomRows(5, 3, 2),
                             {.batch_size = std::numeric_limits<int64_t>::max()}, parameters));
  EXPECT_EQ(result.num_steps, 1);
}

TEST(LocalTrainingTest, DataMustFitTheModel) {
  const auto model = MakeSmall("logistic", 3, 2);
  std::vector<float> parameters(4);
  EXPECT_THAT(Train(*model, RandomRows(0, 3, 2), {}, parameters),
              Fails(Code::kFailedPrecondition, HasSubstr("no rows")));
  EXPECT_THAT(Train(*model, RandomRows(5, 4, 2), {}, parameters),
              Fails(Code::kInvalidArgument, HasSubstr("4 inputs")));
  Dataset data = RandomRows(5, 3, 2);
  data.labels[3] = 0.5F;
  EXPECT_THAT(Train(*model, data, {}, parameters),
              Fails(Code::kInvalidArgument, HasSubstr("row 3")));
  data = RandomRows(5, 3, 3);
  data.labels[4] = 3.0F;
  const auto softmax = MakeSmall("softmax", 3, 3);
  std::vector<float> more(12);
  EXPECT_THAT(Train(*softmax, data, {}, more), Fails(Code::kInvalidArgument, HasSubstr("row 4")));
}

}  // namespace
}  // namespace skerry::learning
