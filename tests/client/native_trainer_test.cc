#include "client/native_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "base/bytes_file.h"
#include "base/memory_files.h"
#include "client/data/spec.h"
#include "learning/program.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using skerry::testing::Fails;
using ::testing::HasSubstr;

// A site whose one data source is a text, and a run that begins with its statistics.
class NativeTrainerTest : public ::testing::Test {
 protected:
  NativeTrainerTest() {
    *spec_.mutable_data() = TestSpec();
    spec_.mutable_data()->set_standardize(true);
    spec_.mutable_model()->set_kind("logistic");
    spec_.mutable_training()->set_num_rounds(1);
    spec_.mutable_training()->set_strategy("fedavg");
  }

  std::map<std::string, RowReader> Source() {
    return {{"icu", [this](std::span<const std::string>) {
               ++reads_;
               return ReadTestCsv(TestFile(TestRows(num_rows_, 1)), spec_.data());
             }}};
  }

  WorkOrder Statistics(const std::string& run_id, const std::string& coordinator_id = "c") {
    const auto program = learning::MakeTrainingProgram(spec_);
    EXPECT_OK(program);
    WorkOrder order;
    order.task.set_run_id(run_id);
    order.task.set_run_spec_sha256("the same for every run");
    order.task.set_kind(v1::STATISTICS);
    *order.task.mutable_result_layout() = (*program)->Next({})->result_layout.ToProto();
    order.coordinator_id = coordinator_id;
    order.spec = std::make_shared<v1::RunSpec>(spec_);
    Result<std::unique_ptr<File>> result = files_.Open(run_id, OpenMode::kCreate);
    EXPECT_OK(result);
    order.result = *std::move(result);
    order.progress = std::make_shared<WorkProgress>();
    return order;
  }

  static int64_t NumExamples(const Result<WorkDone>& done) {
    EXPECT_OK(done);
    return done.ok() ? done->num_examples : -1;
  }

  MemoryFiles files_;
  v1::RunSpec spec_;
  int num_rows_ = 40;
  std::atomic<int> reads_ = 0;
};

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
              Fails(Code::kPermissionDenied, HasSubstr("there are 40 training rows")));
  num_rows_ = 50;
  EXPECT_EQ(NumExamples(trainer.Run(Statistics("icu-1"))), 50);
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
