#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes_file.h"
#include "base/memory_files.h"
#include "client/data/spec.h"
#include "client/native_trainer.h"
#include "coordinator/fixed_values.h"
#include "learning/program.h"
#include "storage/safetensors.h"
#include "testing/status_matchers.h"

namespace skerry::client {

// A site whose one data source is a text, and a run that begins with its statistics.
class NativeTrainerTest : public ::testing::Test {
 protected:
  NativeTrainerTest() {
    *spec_.mutable_data() = TestSpec();
    spec_.mutable_data()->set_standardize(true);
    spec_.mutable_model()->set_kind("logistic");
    spec_.mutable_training()->set_num_rounds(1);
    spec_.mutable_training()->set_local_epochs(1);
    spec_.mutable_training()->set_batch_size(16);
    spec_.mutable_training()->set_learning_rate(0.1);
    spec_.mutable_training()->set_strategy("fedavg");
  }

  std::map<std::string, RowReader> Source() {
    return {{"icu", [this](std::span<const std::string>) {
               ++reads_;
               return ReadTestCsv(text_.empty() ? TestFile(TestRows(num_rows_, 1)) : text_,
                                  spec_.data());
             }}};
  }

  static void SetRound(WorkOrder& order, int64_t round) {
    auto task = std::make_shared<v1::Task>(*order.task);
    task->set_round(round);
    order.task = std::move(task);
  }

  WorkOrder Statistics(const std::string& run_id, const std::string& coordinator_id = "c") {
    return Order(v1::STATISTICS, run_id, coordinator_id);
  }

  // The first task of a kind that the run's program makes, over a model of zeros.
  WorkOrder Order(v1::TaskKind kind, const std::string& run_id = "icu-1",
                  const std::string& coordinator_id = "c") {
    const auto program = learning::MakeProgram(spec_);
    EXPECT_OK(program);
    std::vector<learning::RoundOutcome> committed;
    std::optional<learning::RoundSpec> round = (*program)->Next(committed);
    while (round && round->kind != kind) {
      committed.push_back({round->round, {}});
      round = (*program)->Next(committed);
    }
    EXPECT_TRUE(round.has_value());
    const auto task = std::make_shared<v1::Task>();
    task->set_run_id(run_id);
    task->set_run_spec_sha256("the same for every run");
    task->set_kind(kind);
    task->set_round(round->round);
    task->set_evaluate(round->evaluate);
    task->set_learning_rate(round->learning_rate);
    *task->mutable_result_layout() = round->result_layout.ToProto();
    WorkOrder order;
    order.task = task;
    order.coordinator_id = coordinator_id;
    order.spec = std::make_shared<v1::RunSpec>(spec_);
    if (kind != v1::STATISTICS) order.model = ModelOfZeros(**program);
    Result<std::unique_ptr<File>> result = files_.Open(run_id, OpenMode::kCreate);
    EXPECT_OK(result);
    order.result = *std::move(result);
    order.progress = std::make_shared<WorkProgress>();
    return order;
  }

  static std::shared_ptr<File> ModelOfZeros(const learning::Program& program) {
    const learning::FixedTensors fixed = program.InitialFixed();
    std::vector<learning::TensorSpec> tensors = fixed.layout.tensors();
    const auto& parameters = program.parameters().tensors();
    tensors.insert(tensors.end(), parameters.begin(), parameters.end());
    std::string bytes =
        storage::SafetensorsHeader(learning::Layout::Create(std::move(tensors)).value(), {});
    bytes += coordinator::FixedBytes(fixed);
    bytes.append(static_cast<std::size_t>(program.parameters().size_bytes()), '\0');
    return std::make_shared<BytesFile>(std::move(bytes));
  }

  // The values of a section of a result.
  template <class T>
  static std::vector<T> Section(const WorkOrder& order, const std::string& name) {
    const auto layout = learning::ResultLayout::FromProto(order.task->result_layout());
    EXPECT_OK(layout);
    const auto index = layout->Find(name);
    EXPECT_TRUE(index.has_value()) << name;
    const auto size = static_cast<std::size_t>(layout->sections()[*index].layout.size_bytes());
    std::vector<T> values(size / sizeof(T));
    const Result<std::size_t> n =
        order.result->ReadAt(static_cast<uint64_t>(layout->offset_bytes(*index)),
                             {reinterpret_cast<char*>(values.data()), size});
    EXPECT_OK(n);
    EXPECT_EQ(*n, size);
    return values;
  }

  static int64_t NumExamples(const Result<WorkDone>& done) {
    EXPECT_OK(done);
    return done.ok() ? done->num_examples : -1;
  }

  MemoryFiles files_;
  v1::RunSpec spec_;
  int num_rows_ = 40;
  std::string text_;  // of the source; empty: so many rows
  std::atomic<int> reads_ = 0;
};

}  // namespace skerry::client
