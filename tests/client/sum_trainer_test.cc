// What a site sends to runs whose models sums alone fit.
#include "client/sum_trainer.h"

#include "learning/k_means/clusters.h"
#include "learning/trees/sums.h"
#include "trainer_fixture.h"

namespace skerry::client {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SumTrainerTest : public NativeTrainerTest {
 protected:
  SumTrainerTest() {
    policy_.min_examples = 10;
    spec_.mutable_data()->set_standardize(false);
    spec_.mutable_data()->set_missing(v1::KEEP);
    spec_.mutable_model()->set_kind("trees");
    v1::TreesSpec& trees = *spec_.mutable_model()->mutable_trees();
    trees.set_num_trees(2);
    trees.set_max_depth(3);
    trees.set_bins(8);
    trees.set_learning_rate(0.3);
    spec_.mutable_training()->clear_strategy();
    spec_.mutable_training()->set_num_rounds(2);
  }

  Result<WorkDone> Run(const WorkOrder& order) {
    NativeTrainer trainer("north", Source(), policy_);
    return trainer.Run(order);
  }

  // Age, bmi (in so many rows), admission and died.
  static std::string Rows(int count, int with_bmi) {
    std::string text = "age,bmi,admission,died\n";
    for (int i = 0; i < count; ++i) {
      text += std::to_string(40 + i) + "," + (i < with_bmi ? "23.25" : "") + "," +
              (i % 3 == 0 ? "surgical" : "medical") + "," + std::to_string(i % 2) + "\n";
    }
    return text;
  }

  SitePolicy policy_;
};

TEST_F(SumTrainerTest, TheFirstRoundCountsRowsByCell) {
  text_ = Rows(20, 12);
  const WorkOrder order = Order(v1::STATISTICS);
  EXPECT_EQ(NumExamples(Run(order)), 20);
  EXPECT_THAT(Section<int64_t>(order, learning::kTreeRows), ::testing::ElementsAre(20, 10));
  const std::vector<int64_t> cells = Section<int64_t>(order, learning::kTreeCells);
  ASSERT_EQ(cells.size(), 4U * 64);
  const auto rows_of = [&cells](std::ptrdiff_t input) {
    int64_t rows = 0;
    for (std::ptrdiff_t i = input * 64; i < (input + 1) * 64; ++i) {
      rows += cells[static_cast<std::size_t>(i)];
    }
    return rows;
  };
  EXPECT_EQ(rows_of(0), 20);
  EXPECT_EQ(rows_of(1), 12) << "missing cells are in none";
}

// Otherwise the coordinator takes a site for stuck that works, and nobody can stop it.
TEST_F(SumTrainerTest, ALongTaskTellsHowFarItIsAndStopsWhenItIsToldTo) {
  text_ = Rows(2000, 2000);
  for (const char* kind : {"trees", "k_means"}) {
    SCOPED_TRACE(kind);
    if (std::string(kind) == "k_means") {
      spec_.mutable_model()->clear_trees();
      spec_.mutable_model()->set_kind(kind);
      spec_.mutable_model()->mutable_k_means()->set_clusters(2);
      spec_.mutable_data()->set_missing(v1::DROP);
      spec_.mutable_data()->clear_label();
      spec_.mutable_data()->clear_label_classes();
    }
    WorkOrder order = Order(v1::TRAIN, kind);
    static_cast<void>(Run(order));
    EXPECT_GT(order.progress->total, 100) << "rows, before the model of zeros is refused";
    std::stop_source stop;
    order.stop = stop.get_token();
    stop.request_stop();
    EXPECT_THAT(Run(order), Fails(Code::kCancelled, HasSubstr("stopped")));
  }
}

TEST_F(SumTrainerTest, AnInputOfAFewRowsKeepsTheSiteAway) {
  text_ = Rows(20, 4);
  EXPECT_THAT(Run(Order(v1::STATISTICS)),
              Fails(Code::kPermissionDenied, AllOf(HasSubstr("bmi"), HasSubstr("min_examples"))));
  text_ = Rows(20, 0);
  EXPECT_OK(Run(Order(v1::STATISTICS))) << "of none there is nothing to tell";
}

TEST_F(SumTrainerTest, AllowedStrategiesAreForThoseWhoHaveOne) {
  policy_.allowed_strategies = {"fedavg"};
  EXPECT_OK(Run(Order(v1::STATISTICS)));
  policy_.allowed_models = {"logistic"};
  EXPECT_THAT(Run(Order(v1::STATISTICS)),
              Fails(Code::kPermissionDenied, HasSubstr("allowed_models")));
}

TEST_F(SumTrainerTest, MaxRoundsCountsTrees) {
  policy_.max_rounds = 2;
  WorkOrder order = Order(v1::STATISTICS);
  SetRound(order, 4 + 2 * 3 - 1);  // the last level of the second tree
  EXPECT_THAT(Run(order), Not(Fails(Code::kPermissionDenied, HasSubstr("max_rounds"))));
  SetRound(order, 4 + 2 * 3);
  EXPECT_THAT(Run(order), Fails(Code::kPermissionDenied, HasSubstr("max_rounds")));
}

TEST_F(SumTrainerTest, ATaskForATreeThatTheRunDoesNotHaveIsRefused) {
  WorkOrder order = Order(v1::TRAIN);
  SetRound(order, 1000);
  EXPECT_THAT(Run(order), Fails(Code::kInvalidArgument, HasSubstr("no such tree")));
}

TEST_F(SumTrainerTest, ModelsThatDoNotFitTheRunAreRefused) {
  // All of its units are 0.
  EXPECT_THAT(Run(Order(v1::TRAIN)), Fails(Code::kInvalidArgument, HasSubstr("does not fit")));
}

TEST_F(SumTrainerTest, ClustersGetEveryInputsSums) {
  spec_.mutable_model()->set_kind("k_means");
  spec_.mutable_model()->mutable_k_means()->set_clusters(2);
  spec_.mutable_data()->set_missing(v1::DROP);
  spec_.mutable_data()->clear_label();
  spec_.mutable_data()->clear_label_classes();
  text_ = Rows(20, 20);
  const WorkOrder order = Order(v1::STATISTICS);
  EXPECT_EQ(NumExamples(Run(order)), 20);
  EXPECT_GT(Section<double>(order, learning::kFeatureSums)[0], 800);
}

}  // namespace
}  // namespace skerry::client
