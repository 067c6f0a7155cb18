// A convolutional network on image files, between real processes.
#include <gtest/gtest.h>

#include "base/random.h"
#include "deployment.h"

namespace skerry::testing {
namespace {

constexpr int kImages = 60;
constexpr int kSide = 8;

std::string Number(int value) {
  return {0, 0, static_cast<char>(value >> 8), static_cast<char>(value & 0xFF)};
}

// Images of one bright half, and which.
struct Images {
  std::string pixels = std::string({0, 0, 8, 3}) + Number(kImages) + Number(kSide) + Number(kSide);
  std::string labels = std::string({0, 0, 8, 1}) + Number(kImages);
  std::string parts;

  Images() {
    RandomStream random(1, Purpose::kSimulation, 0, "images", 0);
    for (int i = 0; i < kImages; ++i) {
      const int label = static_cast<int>(random.Below(3));
      labels += static_cast<char>(label);
      parts += static_cast<char>(random.Below(2));
      for (int p = 0; p < kSide * kSide; ++p) {
        const bool bright = label == 0   ? p % kSide < kSide / 2
                            : label == 1 ? p / kSide < kSide / 2
                                         : p % kSide >= kSide / 2;
        pixels += static_cast<char>(random.Below(100) + (bright ? 150 : 0));
      }
    }
  }
};

constexpr const char* kRun = R"([run]
name = "shapes"
num_rounds = 4
seed = 9
[data]
source = "patients"
features = ["pixel{0..63}"]
label = "label"
label_classes = ["0", "1", "2"]
standardize = false
split = { train = 0.7, test = 0.3 }
[model]
kind = "network"
input_shape = [1, 8, 8]
layers = [
  { kind = "conv", units = 5, kernel = 3, padding = "same", activation = "relu" },
  { kind = "max_pool", kernel = 2 },
  { kind = "batch_norm" },
  { kind = "conv", units = 3, kernel = 3, activation = "gelu" },
  { kind = "flatten" },
  { kind = "dropout", rate = 0.2 },
  { kind = "dense", units = 3 },
]
[training]
learning_rate = 0.1
batch_size = 8
momentum = 0.9
weight_decay = 0.001
[simulation.idx]
images = "images"
labels = "labels"
parts = "parts"
divisor = 255
)";

TEST(NetworkTest, MakesTheSameModelDeployedAndSimulated) {
  Deployment federation({"site-0", "site-1"});
  const Images images;
  WriteAll(federation.File("images"), images.pixels);
  WriteAll(federation.File("labels"), images.labels);
  WriteAll(federation.File("parts"), images.parts);
  for (const char* part : {"0", "1"}) {
    Edit(federation.Kit(std::string("site-") + part) + "/agent.toml", "csv = ",
         "idx_images = \"" + federation.File("images") + "\"\nidx_labels = \"" +
             federation.File("labels") + "\"\nparts = \"" + federation.File("parts") +
             "\"\npart = " + part + "\ndivisor = 255 # ");
  }
  federation.StartAll();
  const std::string run = federation.Submit(kRun);
  ASSERT_EQ(federation.WaitForEnd(run), 0);
  WriteAll(federation.File("run.toml"), kRun);
  for (const char* threads : {"1", "2"}) {
    const Finished simulated =
        federation.Skerry({"simulate", federation.File("run.toml"), "--threads", threads, "--out",
                           federation.File("sim")});
    ASSERT_EQ(simulated.exit_code, 0) << simulated.err;
    EXPECT_EQ(Field(simulated.out, "sha256"), federation.ModelSha256(run)) << threads;
  }
}

}  // namespace
}  // namespace skerry::testing
