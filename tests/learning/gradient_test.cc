#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "learning/model.h"
#include "learning/model_cases.h"
#include "learning/random_data.h"

namespace skerry::learning {
namespace {

// A batch that owns its arrays.
struct Rows {
  std::vector<float> features;
  std::vector<float> labels;

  Rows(const Model& model, int64_t rows)
      : features(RandomFloats(rows * model.num_features(), 11)),
        labels(model.output_kind() == OutputKind::kValue
                   ? RandomFloats(rows, 12)
                   : RandomClasses(rows,
                                   static_cast<uint64_t>(std::max<int64_t>(2, model.num_outputs())),
                                   12)) {}
  Batch batch() const { return {static_cast<int64_t>(labels.size()), features, labels}; }
};

// The mean loss by the textbook, in double and with libm: nothing is shared with what it checks.
class TextbookLoss {
 public:
  TextbookLoss(const ModelCase& c, const Model& model, const Batch& batch)
      : widths_{model.num_features()},
        tanh_(c.activation == "tanh"),
        kind_(model.output_kind()),
        batch_(batch) {
    widths_.insert(widths_.end(), c.hidden.begin(), c.hidden.end());
    widths_.push_back(model.num_outputs());
  }

  double operator()(const std::vector<double>& parameters) const {
    double sum = 0;
    for (int64_t r = 0; r < batch_.rows; ++r) sum += RowLossOf(parameters, r);
    return sum / static_cast<double>(batch_.rows);
  }

 private:
  std::vector<double> Outputs(const std::vector<double>& parameters, int64_t row) const {
    const auto inputs = static_cast<std::size_t>(widths_[0]);
    const auto features = batch_.features.subspan(static_cast<std::size_t>(row) * inputs, inputs);
    std::vector<double> values(features.begin(), features.end());
    std::size_t at = 0;
    for (std::size_t layer = 1; layer < widths_.size(); ++layer) {
      const auto outputs = static_cast<std::size_t>(widths_[layer]);
      const std::size_t bias = at + outputs * values.size();
      std::vector<double> next(outputs);
      for (std::size_t o = 0; o < outputs; ++o) {
        next[o] = parameters[bias + o];
        for (const double value : values) next[o] += parameters[at++] * value;
        if (layer + 1 == widths_.size()) continue;
        next[o] = tanh_ ? std::tanh(next[o]) : std::max(next[o], 0.0);
      }
      at = bias + outputs;
      values = std::move(next);
    }
    return values;
  }

  double RowLossOf(const std::vector<double>& parameters, int64_t row) const {
    const std::vector<double> z = Outputs(parameters, row);
    const auto label = static_cast<double>(batch_.labels[static_cast<std::size_t>(row)]);
    if (kind_ == OutputKind::kValue) return (z[0] - label) * (z[0] - label) / 2;
    if (kind_ == OutputKind::kBinary) return std::log1p(std::exp(z[0])) - label * z[0];
    double sum = 0;
    for (const double logit : z) sum += std::exp(logit);
    return std::log(sum) - z[static_cast<std::size_t>(label)];
  }

  std::vector<int64_t> widths_;
  bool tanh_;
  OutputKind kind_;
  Batch batch_;
};

class GradientTest : public ::testing::TestWithParam<ModelCase> {
 protected:
  const std::unique_ptr<Model> model_ = MakeCase(GetParam(), 11);
  const Rows rows_{*model_, 9};
  const std::vector<float> parameters_ = [this] {
    std::vector<float> values = RandomFloats(model_->parameters().num_elements(), 13);
    for (float& value : values) value *= 0.5F;
    return values;
  }();
};

TEST_P(GradientTest, IsTheSlopeOfTheTextbookLoss) {
  const TextbookLoss textbook(GetParam(), *model_, rows_.batch());
  double loss = 0;
  const std::vector<float> gradient = GradientOf(*model_, parameters_, rows_.batch(), &loss);
  std::vector<double> at(parameters_.begin(), parameters_.end());
  EXPECT_NEAR(loss, textbook(at), 1e-5);
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double middle = at[i];
    at[i] = middle + kStep;
    const double above = textbook(at);
    at[i] = middle - kStep;
    const double below = textbook(at);
    at[i] = middle;
    ASSERT_NEAR(static_cast<double>(gradient[i]), (above - below) / (2 * kStep), 2e-5) << i;
  }
}

TEST_P(GradientTest, ComesWithTheMeanLossOfTheForwardPass) {
  double loss = 0;
  GradientOf(*model_, parameters_, rows_.batch(), &loss);
  std::vector<float> outputs(static_cast<std::size_t>(9 * model_->num_outputs()));
  const auto workspace = model_->NewWorkspace(9);
  model_->Forward(parameters_, rows_.batch(), outputs, *workspace);
  EXPECT_EQ(loss, MeanLoss(model_->output_kind(), model_->num_outputs(), outputs, rows_.labels));
}

// A copy of an array that begins `shift` floats after a 64-byte boundary.
class Shifted {
 public:
  Shifted(std::span<const float> values, std::size_t shift)
      : memory_(static_cast<float*>(std::aligned_alloc(64, (values.size() * 4 / 64 + 3) * 64))),
        values_(memory_ + shift, values.size()) {
    std::copy(values.begin(), values.end(), values_.begin());
  }
  ~Shifted() { std::free(memory_); }
  Shifted(const Shifted&) = delete;
  Shifted& operator=(const Shifted&) = delete;
  std::span<float> values() const { return values_; }

 private:
  float* memory_;
  std::span<float> values_;
};

TEST_P(GradientTest, DoesNotDependOnAddresses) {
  const std::vector<uint32_t> expected = Bits(GradientOf(*model_, parameters_, rows_.batch()));
  const std::vector<float> zeros(parameters_.size());
  for (std::size_t shift = 0; shift < 16; ++shift) {
    SCOPED_TRACE(shift);
    const Shifted parameters(parameters_, shift);
    const Shifted features(rows_.features, (shift * 7 + 3) % 16);
    const Shifted labels(rows_.labels, (shift * 5 + 1) % 16);
    const Shifted gradient(zeros, (shift * 11 + 2) % 16);
    const auto workspace = model_->NewWorkspace(static_cast<int64_t>(9 + shift));
    model_->Gradient(parameters.values(), {9, features.values(), labels.values()},
                     gradient.values(), *workspace);
    EXPECT_EQ(Bits(gradient.values()), expected);
  }
}

TEST_P(GradientTest, IsTheSameOnEveryThread) {
  const std::vector<uint32_t> expected = Bits(GradientOf(*model_, parameters_, rows_.batch()));
  std::vector<std::vector<uint32_t>> found(6);
  std::vector<std::thread> threads;
  threads.reserve(found.size());
  for (auto& bits : found) {
    threads.emplace_back([&] { bits = Bits(GradientOf(*model_, parameters_, rows_.batch())); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& bits : found) EXPECT_EQ(bits, expected);
}

TEST_P(GradientTest, LeavesNothingBehindInTheWorkspace) {
  const std::vector<uint32_t> expected = Bits(GradientOf(*model_, parameters_, rows_.batch()));
  const Rows others(*model_, 20);
  const auto workspace = model_->NewWorkspace(20);
  std::vector<float> gradient(parameters_.size());
  model_->Gradient(parameters_, others.batch(), gradient, *workspace);
  model_->Gradient(parameters_, rows_.batch(), gradient, *workspace);
  EXPECT_EQ(Bits(gradient), expected);
}

TEST_P(GradientTest, OfNoRowsIsZero) {
  double loss = 1;
  const std::vector<float> gradient = GradientOf(*model_, parameters_, {0, {}, {}}, &loss);
  EXPECT_EQ(loss, 0.0);
  EXPECT_THAT(gradient, ::testing::Each(0.0F));
}

INSTANTIATE_TEST_SUITE_P(
    Models, GradientTest,
    ::testing::Values(ModelCase{"Linear", "linear", {}, "", "", 0},
                      ModelCase{"Logistic", "logistic", {}, "", "", 2},
                      ModelCase{"Softmax", "softmax", {}, "", "", 4},
                      ModelCase{"MlpReluSquared", "mlp", {7, 5}, "relu", "squared", 0},
                      ModelCase{"MlpReluLogistic", "mlp", {7, 5}, "relu", "logistic", 2},
                      ModelCase{"MlpReluSoftmax", "mlp", {7, 5}, "relu", "softmax", 3},
                      ModelCase{"MlpTanhSquared", "mlp", {7, 5}, "tanh", "squared", 0},
                      ModelCase{"MlpTanhLogistic", "mlp", {9}, "tanh", "logistic", 2},
                      ModelCase{"MlpTanhSoftmax", "mlp", {4, 6, 5}, "tanh", "softmax", 2}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace skerry::learning
