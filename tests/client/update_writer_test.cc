// Updates as a trainer encodes them, and as a coordinator reads them.
#include "client/update_writer.h"

#include <cmath>

#include "client/site_state_file.h"
#include "coordinator/update_reader.h"
#include "trainer_fixture.h"

namespace skerry::client {
namespace {

using skerry::testing::Fails;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class UpdateWriterTest : public NativeTrainerTest {
 protected:
  void Compress(v1::Encoding::Kind kind, int64_t block, double ratio) {
    spec_.mutable_compression()->set_update(kind);
    spec_.mutable_compression()->set_block(block);
    spec_.mutable_compression()->set_ratio(ratio);
  }
  WorkOrder Training(std::shared_ptr<File> state = nullptr) {
    WorkOrder order = Order(v1::TRAIN);
    if (spec_.compression().update() == v1::Encoding::TOP_K) {
      order.next_state = std::make_shared<BytesFile>();
      order.site_state = std::move(state);
    }
    return order;
  }
  static std::vector<float> Update(const WorkOrder& order) {
    const auto layout = learning::ResultLayout::FromProto(order.task->result_layout());
    EXPECT_OK(layout);
    const std::size_t section = *layout->Find(learning::kUpdateSection);
    const coordinator::UpdateReader reader(*layout, section);
    EXPECT_OK(reader.Check(*order.result));
    std::vector<float> values(
        static_cast<std::size_t>(layout->sections()[section].layout.num_elements()));
    EXPECT_OK(reader.Read(*order.result, 0, values));
    return values;
  }
  std::vector<float> Trained(const WorkOrder& order) {
    NativeTrainer trainer("north", Source(), {});
    EXPECT_OK(trainer.Run(order));
    return Update(order);
  }
  std::vector<float> Exact() {
    v1::CompressionSpec none;
    std::swap(none, *spec_.mutable_compression());
    std::vector<float> update = Trained(Training());
    std::swap(none, *spec_.mutable_compression());
    return update;
  }
};

TEST_F(UpdateWriterTest, AnEncodedUpdateIsCloseToTheExactOne) {
  const std::vector<float> exact = Exact();
  double norm = 0;
  for (const float value : exact) norm = std::max(norm, std::abs(static_cast<double>(value)));
  ASSERT_GT(norm, 0);
  const std::pair<v1::Encoding::Kind, double> kinds[] = {
      {v1::Encoding::F16, 0x1p-11}, {v1::Encoding::BF16, 0x1p-8}, {v1::Encoding::INT8, 1.01 / 127}};
  for (const auto& [kind, error] : kinds) {
    Compress(kind, kind == v1::Encoding::BF16 ? 0 : 4, 0);
    const std::vector<float> update = Trained(Training());
    ASSERT_EQ(update.size(), exact.size());
    for (std::size_t i = 0; i < exact.size(); ++i) EXPECT_NEAR(update[i], exact[i], norm * error);
  }
}

TEST_F(UpdateWriterTest, TheSameTaskGivesTheSameBytes) {
  Compress(v1::Encoding::INT8, 256, 0);
  EXPECT_EQ(Trained(Training()), Trained(Training()));
}

TEST_F(UpdateWriterTest, WhatTopKDoesNotSendStaysAndCountsInNextTime) {
  const std::vector<float> exact = Exact();
  Compress(v1::Encoding::TOP_K, 0, 0.3);
  const WorkOrder first = Training();
  const std::vector<float> sent = Trained(first);
  ASSERT_OK_AND_ASSIGN(const std::vector<float> residual,
                       ReadSiteState(*first.next_state, "residual", exact.size()));
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_EQ(sent[i] + residual[i], exact[i]);
    EXPECT_TRUE(sent[i] == 0 || residual[i] == 0);
  }
  const WorkOrder second = Training(first.next_state);
  const std::vector<float> sent_then = Trained(second);
  ASSERT_OK_AND_ASSIGN(const std::vector<float> residual_then,
                       ReadSiteState(*second.next_state, "residual", exact.size()));
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_EQ(sent_then[i] + residual_then[i], exact[i] + residual[i]);
  }
  EXPECT_NE(residual_then, residual) << "it grows where nothing is sent";
}

TEST_F(UpdateWriterTest, ADamagedResidualIsSaidAndIsNone) {
  Compress(v1::Encoding::TOP_K, 0, 0.3);
  const WorkOrder first = Training();
  const std::vector<float> sent = Trained(first);
  ASSERT_OK_AND_ASSIGN(const uint64_t size, first.next_state->Size());
  ASSERT_OK(first.next_state->WriteAt(size - 2, "X"));
  const WorkOrder second = Training(first.next_state);
  NativeTrainer trainer("north", Source(), {});
  ASSERT_OK_AND_ASSIGN(const WorkDone done, trainer.Run(second));
  EXPECT_THAT(done.remarks, ElementsAre(HasSubstr("is damaged")));
  EXPECT_EQ(Update(second), sent);
}

TEST_F(UpdateWriterTest, AStateOfAnotherModelOrNoneIsNotRead) {
  BytesFile file;
  ASSERT_OK(WriteSiteState(file, "residual", std::vector<float>{1, 2, 3}));
  ASSERT_OK_AND_ASSIGN(const std::vector<float> values, ReadSiteState(file, "residual", 3));
  EXPECT_THAT(values, ElementsAre(1, 2, 3));
  EXPECT_THAT(ReadSiteState(file, "residual", 4), Fails(Code::kDataLoss, HasSubstr("not of this")));
  EXPECT_THAT(ReadSiteState(file, "other", 3), Fails(Code::kDataLoss, HasSubstr("not of this")));
  EXPECT_EQ(ReadSiteState(BytesFile(), "residual", 3).status().code(), Code::kDataLoss);
}

TEST_F(UpdateWriterTest, AnUpdateThatDivergedIsTheSitesFailure) {
  Compress(v1::Encoding::TOP_K, 0, 0.3);
  const WorkOrder order = Training();
  ASSERT_OK_AND_ASSIGN(ResultWriter writer, ResultWriter::Create(order));
  std::vector<float> update(Exact().size());
  update.back() = std::nanf("");
  WorkDone done;
  EXPECT_THAT(WriteUpdate(order, "north", update, writer, done),
              Fails(Code::kInvalidArgument, HasSubstr("of the update is nan")));
  EXPECT_FALSE(done.has_next_state);
  update.pop_back();
  EXPECT_THAT(WriteUpdate(order, "north", update, writer, done),
              Fails(Code::kInvalidArgument, HasSubstr("does not fit its run")));
}

}  // namespace
}  // namespace skerry::client
