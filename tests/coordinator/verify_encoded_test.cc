// `skerry run verify` of runs whose updates travel encoded: the kept ones are decoded and summed
// again.
#include <cstring>

#include "learning/compression/dense.h"
#include "learning/compression/top_k.h"
#include "verify_fixture.h"

namespace skerry::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class VerifyEncodedTest : public VerifyFixture, public ::testing::WithParamInterface<const char*> {
 protected:
  static constexpr int kRounds = 3;

  void WholeRun() {
    Begin("updates = 9\ncheckpoints = 9\n[compression]\nupdate = " + std::string(GetParam()) + "\n",
          kRounds);
    while (h.coordinator->FindRun(run_)->last_committed_round() < kRounds) {
      const v1::Task task_a = Take(a);
      const v1::Task task_b = Take(b);
      SubmitEncoded(a, task_a, {1, -2, 3});
      SubmitEncoded(b, task_b, {0.3F, 0.25F, -0.125F});
    }
    Settle();
  }

  void SubmitEncoded(FakeSite& site, const v1::Task& task, std::vector<float> values) {
    const std::string bytes = Encode(task, std::move(values));
    const auto receipt = site.SubmitRaw(FakeSite::Header(task, bytes), bytes);
    ASSERT_OK(receipt);
    AddReceipt(site.name(), receipt->task_id(), HexEncode(receipt->content_hash()));
  }

  static std::string Encode(const v1::Task& task, std::vector<float> values) {
    const auto layout = learning::ResultLayout::FromProto(task.result_layout()).value();
    const learning::Encoding& encoding = layout.sections().front().encoding;
    std::string bytes(static_cast<std::size_t>(layout.size_bytes()), '\0');
    if (encoding.kind != learning::Encoding::Kind::kTopK) {
      EXPECT_OK(learning::EncodeDense(encoding, {1, 2, "site"}, 0, values, bytes));
      return bytes;
    }
    std::vector<uint32_t> indices(static_cast<std::size_t>(encoding.kept));
    std::vector<float> kept(indices.size());
    learning::TakeTopK(values, indices, kept);
    const std::size_t half = bytes.size() / 2;
    std::memcpy(bytes.data(), indices.data(), half);
    std::memcpy(bytes.data() + half, kept.data(), half);
    return bytes;
  }
};

TEST_P(VerifyEncodedTest, AGoodRunIsComputedAgainToTheSameModels) {
  WholeRun();
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_THAT(report.not_verified, IsEmpty());
  EXPECT_EQ(report.models_recomputed, kRounds + 1);
  EXPECT_EQ(report.results_counted, 2 * kRounds);
}

TEST_P(VerifyEncodedTest, AChangedKeptUpdateIsFound) {
  WholeRun();
  RunRows rows = Rows();
  const std::string task = std::to_string(TaskOf(rows, 2, "b").task_id);
  const auto file = h.files.Open("state/spool/" + task + ".result", OpenMode::kReadWrite);
  ASSERT_OK(file);
  const uint64_t last = *(*file)->Size() - 1;
  char byte = 0;
  ASSERT_OK((*file)->ReadAt(last, {&byte, 1}));
  byte = static_cast<char>(byte ^ 1);
  ASSERT_OK((*file)->WriteAt(last, {&byte, 1}));
  EXPECT_THAT(Verify().faults, ElementsAre(HasSubstr("the kept result of b (task " + task + ")")));
}

INSTANTIATE_TEST_SUITE_P(Encodings, VerifyEncodedTest,
                         ::testing::Values("\"f16\"", "\"bf16\"", "\"int8\"\nblock = 2",
                                           "\"top_k\"\nratio = 0.7"));

}  // namespace
}  // namespace skerry::coordinator
