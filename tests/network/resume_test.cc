// Transfers that are cut in the middle send only what is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "linked_federation.h"

namespace skerry::testing {
namespace {

constexpr uint64_t kChunk = 1 << 20;
// Handshakes, control calls, frames, the hashes of chunks: what does not grow with the model.
constexpr uint64_t kOverhead = 256 * 1024;
constexpr const char* kPatient = "[time]\nheartbeat = \"1s\"\nround_deadline = \"10m\"\n";

// One site, on a link of 16 MB a second, and one training round with a model of 12 MB: it goes down
// once and up once.
class ResumeTest : public ::testing::Test {
 protected:
  void Begin() {
    ASSERT_NO_FATAL_FAILURE(federation_.Start());
    link().Throttle(16 << 20);
    run_ = federation_.Submit(TrainOnly(BigModel(RunFileWith(1, "0s", kPatient), "[3000, 1000]")));
  }
  void EndsInTheSameBits() {
    EXPECT_EQ(federation_.deployment().WaitForEnd(run_), 0) << federation_.Story();
    EXPECT_EQ(federation_.ModelSha256(run_), federation_.SimulatedSha256());
  }
  uint64_t ModelBytes() {
    return ReadAll(federation_.deployment().File("exported.safetensors")).size();
  }
  ChaosProxy& link() { return federation_.link("south"); }

  LinkedFederation federation_{{"south"}};
  std::string run_;
};

TEST_F(ResumeTest, AModelAndAResultThatAreCutInTheMiddleAreNotSentTwice) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  link().CutAfter(Way::kDown, 5 * kChunk);
  link().CutAfter(Way::kUp, 7 * kChunk);
  EndsInTheSameBits();
  EXPECT_EQ(link().num_cuts(), 2);
  const ConnectionTraffic sent = link().total();
  const uint64_t size = ModelBytes();
  std::printf("model of %.2f MB, one cut each way: %.2f MB down, %.2f MB up\n",
              static_cast<double>(size) / 1e6, static_cast<double>(sent.down_sent) / 1e6,
              static_cast<double>(sent.up_sent) / 1e6);
  EXPECT_GT(size, 11 * kChunk);
  EXPECT_GT(sent.down_sent, size);
  EXPECT_LT(sent.down_sent, size + 2 * kChunk + kOverhead);
  EXPECT_GT(sent.up_sent, size);
  EXPECT_LT(sent.up_sent, size + 2 * kChunk + kOverhead);
}

TEST_F(ResumeTest, AnUploadOnALinkThatGoesSilentGoesOnWhereItWasWhenTheLinkCarriesAgain) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  const uint64_t other = 64 * 1024;  // what went up before the result
  ASSERT_TRUE(Eventually([&] { return link().total().up_sent > 5 * kChunk + other; }));
  link().HalfOpen();
  link().Partition();
  const Stopwatch watch;
  const auto noticed = [&] {
    return federation_.deployment().client("south").Output().find("; trying again") !=
           std::string::npos;
  };
  ASSERT_TRUE(Eventually(noticed, std::chrono::seconds(50))) << federation_.Story();
  std::printf("a silent link in the middle of an upload: the client noticed after %.1f s\n",
              watch.Seconds());
  EXPECT_LT(watch.Seconds(), 30 + 3);
  link().Heal();
  EndsInTheSameBits();
  const ConnectionTraffic sent = link().total();
  EXPECT_LT(sent.up_sent, ModelBytes() + 2 * kChunk + kOverhead);
}

}  // namespace
}  // namespace skerry::testing
