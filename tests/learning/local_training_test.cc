#include "learning/local_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "learning/random_data.h"
#include "learning/training_runs.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// Keeps the labels of every batch that it is shown, and has a constant loss.
class RecordingModel final : public Model {
 public:
  const Layout& parameters() const override { return layout_; }
  int64_t num_features() const override { return 2; }
  int64_t num_outputs() const override { return 1; }
  OutputKind output_kind() const override { return OutputKind::kValue; }
  void Initialize(uint64_t, int64_t, std::span<float>) const override {}
  std::unique_ptr<Workspace> NewWorkspace(int64_t) const override {
    return std::make_unique<Workspace>();
  }
  double Gradient(std::span<const float>, const Batch& batch, std::span<float> gradient,
                  Workspace&) const override {
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    std::vector<int> labels;
    for (int64_t r = 0; r < batch.rows; ++r) {
      const auto row = static_cast<std::size_t>(r);
      labels.push_back(static_cast<int>(batch.labels[row]));
      EXPECT_EQ(batch.features[2 * row], batch.labels[row]);
      EXPECT_EQ(batch.features[2 * row + 1], -batch.labels[row]);
    }
    batches.push_back(labels);
    return 0.5;
  }
  void Forward(std::span<const float>, const Batch&, std::span<float>, Workspace&) const override {}

  mutable std::vector<std::vector<int>> batches;

 private:
  const Layout layout_ = Layout::Create({{"w", DType::kF32, {1}}}).value();
};

// Row r has the features (r, -r) and the label r.
Dataset NumberedRows(int64_t rows) {
  Dataset data = {rows, 2, {}, {}};
  for (int64_t r = 0; r < rows; ++r) {
    const auto value = static_cast<float>(r);
    data.labels.push_back(value);
    data.features.insert(data.features.end(), {value, -value});
  }
  return data;
}

TEST(LocalTrainingTest, EveryEpochUsesEveryRowAndTheLastBatchIsShorter) {
  const RecordingModel model;
  std::vector<float> parameters(1);
  ASSERT_OK_AND_ASSIGN(
      const LocalTrainingResult result,
      Train(model, NumberedRows(7), {.local_epochs = 2, .batch_size = 3}, parameters));
  EXPECT_EQ(result.num_examples, 7);
  EXPECT_EQ(result.num_steps, 6);
  EXPECT_EQ(result.train_loss, 0.5);
  ASSERT_EQ(model.batches.size(), 6U);
  for (const std::size_t first : {0U, 3U}) {
    std::vector<int> rows;
    for (std::size_t b = first; b < first + 3; ++b) {
      EXPECT_EQ(model.batches[b].size(), b == first + 2 ? 1U : 3U);
      rows.insert(rows.end(), model.batches[b].begin(), model.batches[b].end());
    }
    EXPECT_THAT(rows, UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6));
  }
}

TEST(LocalTrainingTest, TheOrderOfAnEpochIsDrawnFromSeedRoundSiteAndEpoch) {
  const LocalTrainingOptions base = {
      .local_epochs = 2, .batch_size = 100, .seed = 4, .round = 9, .site = "north"};
  const auto epochs = [](const LocalTrainingOptions& options) {
    const RecordingModel model;
    std::vector<float> parameters(1);
    EXPECT_OK(Train(model, NumberedRows(30), options, parameters));
    return model.batches;
  };
  const auto orders = epochs(base);
  for (uint64_t epoch = 0; epoch < 2; ++epoch) {
    std::vector<uint32_t> expected(30);
    std::iota(expected.begin(), expected.end(), 0U);
    RandomStream stream(4, Purpose::kShuffle, 9, "north", epoch);
    Shuffle(stream, expected);
    EXPECT_EQ(orders[epoch], std::vector<int>(expected.begin(), expected.end()));
  }
  EXPECT_NE(orders[0], orders[1]);
  LocalTrainingOptions other = base;
  other.site = "south";
  EXPECT_NE(epochs(other), orders);
  other = base;
  other.round = 10;
  EXPECT_NE(epochs(other), orders);
  other = base;
  other.seed = 5;
  EXPECT_NE(epochs(other), orders);
}

TEST(LocalTrainingTest, MomentumAndWeightDecayOfTwoStepsByHand) {
  const auto model = MakeSmall("linear", 1, 0);
  const Dataset data = {1, 1, {1.0F}, {0.0F}};
  std::vector<float> parameters = {1.0F, 0.0F};
  ASSERT_OK_AND_ASSIGN(const LocalTrainingResult result, Train(*model, data,
                                                               {.local_epochs = 2,
                                                                .batch_size = 1,
                                                                .learning_rate = 0.5,
                                                                .momentum = 0.5,
                                                                .weight_decay = 0.5},
                                                               parameters));
  // Step 1: output 1, g = (1, 1), g' = (1.5, 1), v = (1.5, 1), w = (0.25, -0.5).
  // Step 2: output -0.25, g' = (-0.125, -0.5), v = (0.625, 0), w = (-0.0625, -0.5).
  EXPECT_THAT(parameters, ElementsAre(-0.0625F, -0.5F));
  EXPECT_EQ(result.train_loss, 0.25 * 0.25 / 2);
}

TEST(LocalTrainingTest, TheSameArgumentsGiveTheSameBitsOnAnyThread) {
  for (const char* kind : {"softmax", "mlp"}) {
    SCOPED_TRACE(kind);
    const auto model = MakeSmall(kind, 13, 3);
    const Dataset data = RandomRows(101, 13, 3);
    const LocalTrainingOptions options = {.local_epochs = 3,
                                          .batch_size = 10,
                                          .momentum = 0.9,
                                          .weight_decay = 0.001,
                                          .seed = 7,
                                          .round = 2,
                                          .site = "west"};
    std::vector<std::vector<float>> results(5);
    const auto run = [&](std::vector<float>& parameters) {
      parameters.resize(static_cast<std::size_t>(model->parameters().num_elements()));
      model->Initialize(3, 0, parameters);
      EXPECT_OK(Train(*model, data, options, parameters));
    };
    run(results[0]);
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < results.size(); ++i) {
      threads.emplace_back([&, i] { run(results[i]); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& result : results) EXPECT_EQ(Bits(result), Bits(results[0]));
    std::vector<float> initial(results[0].size());
    model->Initialize(3, 0, initial);
    EXPECT_NE(Bits(results[0]), Bits(initial));
  }
}

// Histories are replayed by later versions: what changes these numbers must say so in the release
// notes. One constant holds for every compiler and optimisation level.
TEST(LocalTrainingTest, TheBitsStayFromVersionToVersion) {
#if !defined(__AVX2__) || !defined(__FMA__)
  GTEST_SKIP() << "targets without AVX2 and FMA round products twice";
#endif
  const std::vector<std::pair<const char*, uint64_t>> expected = {{"relu", 0x62d0f442c85c7ee5},
                                                                  {"tanh", 0xcda124861e89e6b6}};
  const Dataset data = RandomRows(101, 37, 5);
  for (const auto& [activation, hash] : expected) {
    v1::ModelSpec spec;
    spec.set_kind("mlp");
    spec.set_activation(activation);
    spec.add_hidden(29);
    const std::unique_ptr<Model> model = MakeModel(spec, 37, 5).value();
    std::vector<float> parameters(static_cast<std::size_t>(model->parameters().num_elements()));
    model->Initialize(3, 0, parameters);
    ASSERT_OK(Train(*model, data,
                    {.local_epochs = 3, .batch_size = 10, .momentum = 0.9, .site = "north"},
                    parameters));
    const std::string bytes(reinterpret_cast<const char*>(parameters.data()),
                            parameters.size() * sizeof(float));
    EXPECT_EQ(StableHash(bytes), hash) << activation;
  }
}

// One 0/1 input: 3 of 10 rows are positive where it is 0 and 6 of 10 where it is 1, so that the
// optimum is bias = logit(0.3) and bias + weight = logit(0.6).
TEST(LocalTrainingTest, LogisticRegressionReachesItsOptimum) {
  const auto model = MakeSmall("logistic", 1, 2);
  Dataset data = {20, 1, {}, {}};
  for (int r = 0; r < 20; ++r) {
    data.features.push_back(r < 10 ? 0.0F : 1.0F);
    data.labels.push_back(r < 3 || r >= 14 ? 1.0F : 0.0F);
  }
  std::vector<float> parameters(2);
  ASSERT_OK_AND_ASSIGN(
      const LocalTrainingResult result,
      Train(*model, data,
            {.local_epochs = 2000, .batch_size = 20, .learning_rate = 2.0, .momentum = 0.5},
            parameters));
  const auto logit = [](double p) { return std::log(p / (1 - p)); };
  EXPECT_NEAR(parameters[1], logit(0.3), 1e-5);
  EXPECT_NEAR(parameters[0], logit(0.6) - logit(0.3), 1e-5);
  const double entropy =
      -(0.3 * std::log(0.3) + 0.7 * std::log(0.7) + 0.6 * std::log(0.6) + 0.4 * std::log(0.4)) / 2;
  EXPECT_NEAR(result.train_loss, entropy, 1e-7);
}

TEST(LocalTrainingTest, MiniBatchesLowerTheLossOfAnMlp) {
  const auto model = MakeSmall("mlp", 4, 2);
  Dataset data = RandomRows(200, 4, 2);
  for (std::size_t r = 0; r < 200; ++r) {  // a label that no linear model can tell
    data.labels[r] = data.features[4 * r] * data.features[4 * r + 1] > 0 ? 1.0F : 0.0F;
  }
  std::vector<float> parameters(static_cast<std::size_t>(model->parameters().num_elements()));
  model->Initialize(1, 0, parameters);
  ASSERT_OK_AND_ASSIGN(const LocalTrainingResult first,
                       Train(*model, data, {.batch_size = 10, .learning_rate = 0.2}, parameters));
  ASSERT_OK_AND_ASSIGN(
      const LocalTrainingResult last,
      Train(*model, data, {.local_epochs = 60, .batch_size = 10, .learning_rate = 0.2},
            parameters));
  EXPECT_GT(first.train_loss, 0.6);
  EXPECT_LT(last.train_loss, 0.3);
}

}  // namespace
}  // namespace skerry::learning
