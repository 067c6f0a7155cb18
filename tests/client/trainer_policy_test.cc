// What [policy] keeps at the site.
#include <cmath>
#include <functional>
#include <limits>

#include "trainer_fixture.h"

namespace skerry::client {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class TrainerPolicyTest : public NativeTrainerTest {
 protected:
  TrainerPolicyTest() { policy_.min_examples = 10; }

  // A numeric label, and a part of the rows to test on.
  void LearnANumber(double test) {
    spec_.mutable_data()->clear_label_classes();
    spec_.mutable_data()->mutable_split()->set_train(1 - test);
    spec_.mutable_data()->mutable_split()->set_test(test);
    spec_.mutable_model()->set_kind("linear");
  }

  Result<WorkDone> Run(const WorkOrder& order) {
    NativeTrainer trainer("north", Source(), policy_);
    return trainer.Run(order);
  }

  // So many rows, `filled` of which have a bmi.
  static std::string Rows(int count, int filled) {
    std::string text = "age,bmi,admission,died\n";
    for (int i = 0; i < count; ++i) {
      text += std::to_string(40 + i) + "," + (i < filled ? "23.25" : "") + "," +
              (i == 0 ? "surgical" : "medical") + "," + std::to_string(i % 2) + "\n";
    }
    return text;
  }

  SitePolicy policy_;
};

TEST_F(TrainerPolicyTest, ATestSplitOfAFewRowsIsNotEvaluated) {
  LearnANumber(0.1);
  const WorkOrder order = Order(v1::EVALUATE);
  ASSERT_OK_AND_ASSIGN(const WorkDone done, Run(order));
  EXPECT_THAT(Section<int64_t>(order, "evaluation.test.counts"), Each(0));
  EXPECT_THAT(Section<double>(order, "evaluation.test.sums"), Each(0.0));
  ASSERT_EQ(done.remarks.size(), 1u);
  EXPECT_THAT(done.remarks[0], AllOf(HasSubstr("does not evaluate"), HasSubstr("test rows")));
}

TEST_F(TrainerPolicyTest, ATestSplitOfEnoughRowsIs) {
  LearnANumber(0.5);
  const WorkOrder order = Order(v1::EVALUATE);
  ASSERT_OK_AND_ASSIGN(const WorkDone done, Run(order));
  EXPECT_THAT(Section<int64_t>(order, "evaluation.test.counts"), Each(::testing::Ge(10)));
  EXPECT_THAT(done.remarks, ::testing::IsEmpty());
}

TEST_F(TrainerPolicyTest, TooFewRowsAreNeitherReadNorCountedInWhatLeaves) {
  text_ = "age,bmi,admission,died\n1,2,not a level,0\n";
  const Status status = Run(Statistics("icu-1")).status();
  EXPECT_THAT(status, Fails(Code::kPermissionDenied, HasSubstr("policy.min_examples")));
  EXPECT_THAT(status.message(), Not(HasSubstr("1"))) << "nor does it look at the cells";
  EXPECT_THAT(status.hint(), HasSubstr("there are 1 row"));
}

TEST_F(TrainerPolicyTest, TheClassesOfTooFewTrainingRowsAreNotSpokenOf) {
  text_ = Rows(40, 40);
  spec_.mutable_data()->mutable_split()->set_train(0.05);
  spec_.mutable_data()->mutable_split()->set_test(0.95);
  const Status status = Run(Statistics("icu-1")).status();
  EXPECT_THAT(status, Fails(Code::kPermissionDenied, HasSubstr("policy.min_examples")));
}

TEST_F(TrainerPolicyTest, AnInputThatIsFilledInForAFewRowsIsRefusedByName) {
  spec_.mutable_data()->set_missing(v1::MEAN);
  text_ = Rows(40, 1);
  for (const v1::TaskKind kind : {v1::STATISTICS, v1::TRAIN}) {
    const Status status = Run(Order(kind)).status();
    EXPECT_THAT(status, Fails(Code::kPermissionDenied, HasSubstr("it is for 1 row")));
    EXPECT_THAT(status.message(), AllOf(HasSubstr("\"bmi\""), Not(HasSubstr("1"))));
  }
  text_ = Rows(40, 0);
  EXPECT_OK(Run(Statistics("icu-1"))) << "nothing is told of nothing";
  text_ = Rows(40, 10);
  EXPECT_OK(Run(Statistics("icu-1")));
}

// A coordinator that has been taken over may send any task.
TEST_F(TrainerPolicyTest, ARoundThatNoRunHasIsRefusedBeforeAnythingIsComputed) {
  spec_.mutable_training()->clear_local_epochs();
  spec_.mutable_training()->set_local_steps(3);
  WorkOrder order = Order(v1::TRAIN);
  const auto run = [&](v1::TaskKind kind, int64_t round) {
    v1::Task task = *order.task;
    task.set_kind(kind);
    task.set_round(round);
    order.task = std::make_shared<const v1::Task>(std::move(task));
    return Run(order);
  };
  for (const int64_t round :
       {int64_t{0}, int64_t{-1}, int64_t{-1} << 40, (int64_t{1} << 31) + 1,
        std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    EXPECT_THAT(run(v1::TRAIN, round), Fails(Code::kInvalidArgument, HasSubstr("round"))) << round;
  }
  EXPECT_OK(run(v1::TRAIN, int64_t{1} << 31));
  EXPECT_THAT(run(v1::STATISTICS, -1), Fails(Code::kInvalidArgument, HasSubstr("round")));
}

TEST_F(TrainerPolicyTest, ARunThatACoordinatorShouldHaveRefusedIsRefusedHereToo) {
  const WorkOrder good = Order(v1::TRAIN);
  const auto run = [&](const std::function<void(v1::RunSpec&)>& spoil) {
    WorkOrder order = good;
    auto spec = std::make_shared<v1::RunSpec>(spec_);
    spoil(*spec);
    order.spec = std::move(spec);
    return Run(order);
  };
  EXPECT_OK(run([](v1::RunSpec&) {}));
  EXPECT_THAT(run([](v1::RunSpec& spec) {
                spec.mutable_training()->set_strategy("scaffold");
                spec.mutable_training()->set_momentum(0.9);
              }),
              Fails(Code::kInvalidArgument, HasSubstr("clash")));
  EXPECT_THAT(run([](v1::RunSpec& spec) {
                spec.mutable_training()->set_strategy("feddyn");
                spec.mutable_training()->set_alpha(-1);
              }),
              Fails(Code::kInvalidArgument, HasSubstr("training.alpha")));
  EXPECT_OK(run([](v1::RunSpec& spec) { spec.mutable_training()->set_strategy("their own"); }))
      << "a coordinator may have a strategy of its own";
}

TEST_F(TrainerPolicyTest, ARareLevelDoesNotKeepASiteOut) {
  spec_.mutable_data()->set_missing(v1::MEAN);
  text_ = Rows(40, 40);
  const WorkOrder order = Statistics("icu-1");
  EXPECT_OK(Run(order));
  EXPECT_EQ(Section<double>(order, "features.sums")[3], 1) << "surgical";
}

TEST_F(TrainerPolicyTest, SumsThatNoTransformNeedsDoNotLeave) {
  text_ = Rows(40, 40);
  const WorkOrder order = Statistics("icu-1");
  EXPECT_OK(Run(order));
  const std::vector<double> sums = Section<double>(order, "features.sums");
  ASSERT_EQ(sums.size(), 8u);
  EXPECT_EQ(sums[1], 40 * 23.25);
  EXPECT_THAT(std::vector<double>(sums.begin() + 2, sums.begin() + 4), ElementsAre(0, 0))
      << "rows with missing cells are dropped: no level is ever filled in";
}

TEST_F(TrainerPolicyTest, TheTasksRoundCountsAsMuchAsTheRunFile) {
  policy_.max_rounds = 1;
  LearnANumber(0.5);
  EXPECT_OK(Run(Order(v1::TRAIN)));
  EXPECT_OK(Run(Order(v1::EVALUATE))) << "of the last model: one more";
  WorkOrder late = Order(v1::TRAIN);
  SetRound(late, 2);
  EXPECT_THAT(Run(late), Fails(Code::kPermissionDenied, HasSubstr("policy.max_rounds is 1")));
}

}  // namespace
}  // namespace skerry::client
