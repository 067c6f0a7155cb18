#include "client/native_trainer.h"

#include <latch>
#include <new>
#include <thread>

#include "trainer_fixture.h"

namespace skerry::client {
namespace {

using skerry::testing::Fails;
using ::testing::HasSubstr;

TEST_F(NativeTrainerTest, ARunOfTheSameFileReadsTheDataAnew) {
  NativeTrainer trainer("north", Source(), {});
  EXPECT_EQ(NumExamples(trainer.Run(Statistics("icu-1"))), 40);
  num_rows_ = 50;
  EXPECT_EQ(NumExamples(trainer.Run(Statistics("icu-2"))), 50);
  num_rows_ = 60;
  EXPECT_EQ(NumExamples(trainer.Run(Statistics("icu-2", "another coordinator"))), 60);
}

TEST_F(NativeTrainerTest, ARunKeepsTheRowsThatItsFirstTaskRead) {
  NativeTrainer trainer("north", Source(), {});
  EXPECT_EQ(NumExamples(trainer.Run(Statistics("icu-1"))), 40);
  num_rows_ = 50;
  EXPECT_EQ(NumExamples(trainer.Run(Statistics("icu-1"))), 40);
  EXPECT_EQ(reads_, 1);
}

TEST_F(NativeTrainerTest, AfterATaskFailedTheDataAreReadAgain) {
  SitePolicy policy;
  policy.min_examples = 45;
  NativeTrainer trainer("north", Source(), policy);
  EXPECT_THAT(trainer.Run(Statistics("icu-1")),
              Fails(Code::kPermissionDenied, HasSubstr("there are 40 rows to train on")));
  num_rows_ = 50;
  EXPECT_EQ(NumExamples(trainer.Run(Statistics("icu-1"))), 50);
}

TEST_F(NativeTrainerTest, DataThatDoNotFitIntoMemoryFailTheTaskAndNotTheAgent) {
  bool too_large = true;
  NativeTrainer trainer("north",
                        {{"icu",
                          [&, read = Source()["icu"]](std::span<const std::string> columns) {
                            if (too_large) throw std::bad_alloc();
                            return read(columns);
                          }}},
                        {});
  EXPECT_THAT(trainer.Run(Statistics("icu-1")),
              Fails(Code::kFailedPrecondition, HasSubstr("more memory than this machine has")));
  too_large = false;
  EXPECT_EQ(NumExamples(trainer.Run(Statistics("icu-1"))), 40);
}

TEST_F(NativeTrainerTest, EvaluationStopsWhenItIsToldTo) {
  spec_.mutable_data()->mutable_split()->set_train(0.5);
  spec_.mutable_data()->mutable_split()->set_test(0.5);
  NativeTrainer trainer("north", Source(), {});
  WorkOrder order = Order(v1::EVALUATE);
  EXPECT_OK(trainer.Run(order));
  std::stop_source stop;
  order.stop = stop.get_token();
  stop.request_stop();
  EXPECT_EQ(trainer.Run(order).status().code(), Code::kCancelled);
}

TEST_F(NativeTrainerTest, TasksOfDifferentRunsWorkSideBySide) {
  // Neither source gives its rows before both are asked.
  std::latch both(2);
  std::map<std::string, RowReader> sources = {
      {"icu", [&, read = Source()["icu"]](std::span<const std::string> columns) {
         both.arrive_and_wait();
         return read(columns);
       }}};
  NativeTrainer trainer("north", std::move(sources), {}, 2);
  const WorkOrder one = Statistics("icu-1");
  const WorkOrder two = Statistics("icu-2");
  std::thread other([&] { EXPECT_EQ(NumExamples(trainer.Run(one)), 40); });
  EXPECT_EQ(NumExamples(trainer.Run(two)), 40);
  other.join();
  EXPECT_EQ(NumExamples(trainer.Run(one)), 40);
  EXPECT_EQ(reads_, 2) << "both are kept";
}

}  // namespace
}  // namespace skerry::client
