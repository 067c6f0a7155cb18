#include "learning/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "learning/random_data.h"

namespace skerry::learning {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// What one fused multiply-add of lanes.h is, by itself.
float PlainMulAdd(float a, float b, float c) {
#if defined(__AVX2__) && defined(__FMA__)
  return std::fma(a, b, c);
#else
  return c + a * b;
#endif
}

// The orders that kernels.h promises, as plain loops.
void PlainAffine(MatrixView x, MatrixView weight, const float* bias, float* out) {
  for (int64_t r = 0; r < x.rows; ++r) {
    for (int64_t o = 0; o < weight.rows; ++o) {
      float lane[8] = {};
      for (int64_t i = 0; i < x.columns; ++i) {
        lane[i % 8] =
            PlainMulAdd(x.data[r * x.columns + i], weight.data[o * x.columns + i], lane[i % 8]);
      }
      const float sum =
          ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
      out[r * weight.rows + o] = sum + bias[o];
    }
  }
}

// The sum over j of a(j) * b(j), in pieces.
template <class A, class B>
float PlainSum(int64_t terms, A a, B b) {
  float total = 0;
  for (int64_t begin = 0; begin < terms; begin += kSumPiece) {
    float piece = 0;
    for (int64_t j = begin; j < std::min(terms, begin + kSumPiece); ++j) {
      piece = PlainMulAdd(a(j), b(j), piece);
    }
    total = begin == 0 ? piece : total + piece;
  }
  return total;
}

void PlainWeightGradient(MatrixView delta, MatrixView x, float* out) {
  for (int64_t o = 0; o < delta.columns; ++o) {
    for (int64_t i = 0; i < x.columns; ++i) {
      out[o * x.columns + i] = PlainSum(
          x.rows, [&](int64_t r) { return delta.data[r * delta.columns + o]; },
          [&](int64_t r) { return x.data[r * x.columns + i]; });
    }
  }
}

void PlainInputGradient(MatrixView delta, MatrixView weight, float* out) {
  for (int64_t r = 0; r < delta.rows; ++r) {
    for (int64_t i = 0; i < weight.columns; ++i) {
      out[r * weight.columns + i] = PlainSum(
          weight.rows, [&](int64_t o) { return delta.data[r * delta.columns + o]; },
          [&](int64_t o) { return weight.data[o * weight.columns + i]; });
    }
  }
}

// A result with a word before and after it that must stay as it is.
class Guarded {
 public:
  explicit Guarded(int64_t size) : values_(static_cast<std::size_t>(size + 2), kGuard) {}
  float* data() { return values_.data() + 1; }
  bool intact() const { return values_.front() == kGuard && values_.back() == kGuard; }
  std::vector<uint32_t> bits() const { return Bits({values_.data() + 1, values_.size() - 2}); }

 private:
  static constexpr float kGuard = 12345.5F;
  std::vector<float> values_;
};

struct Shape {
  int64_t rows;
  int64_t inputs;
  int64_t outputs;
};

// Every remainder of the tiles: rows by 4, outputs by 3, inputs by 24 and by 8; 17 rows and more
// take the way through the copied panel, 257 and more terms are more than one piece of a sum.
std::vector<Shape> Shapes() {
  std::vector<Shape> shapes = {{2, 26, 257}, {19, 26, 600}};
  for (const int64_t rows : {0, 1, 2, 3, 4, 5, 17, 300}) {
    for (const int64_t inputs : {1, 5, 8, 13, 24, 30, 55}) {
      for (const int64_t outputs : {1, 2, 3, 4, 7, 19}) shapes.push_back({rows, inputs, outputs});
    }
  }
  return shapes;
}

// Random operands of one shape.
struct Operands {
  Shape shape;
  std::vector<float> x = RandomFloats(shape.rows * shape.inputs, 1);
  std::vector<float> weight = RandomFloats(shape.outputs * shape.inputs, 2);
  std::vector<float> bias = RandomFloats(shape.outputs, 3);
  std::vector<float> delta = RandomFloats(shape.rows * shape.outputs, 4);

  MatrixView x_view() const { return {x.data(), shape.rows, shape.inputs}; }
  MatrixView weight_view() const { return {weight.data(), shape.outputs, shape.inputs}; }
  MatrixView delta_view() const { return {delta.data(), shape.rows, shape.outputs}; }
  std::string text() const {
    return std::to_string(shape.rows) + " rows, " + std::to_string(shape.inputs) + " inputs, " +
           std::to_string(shape.outputs) + " outputs";
  }
};

// Runs `fast` and `plain` on every shape; both write `size` floats.
template <class Size, class Kernel, class Plain>
void ExpectEqualBits(Size size, Kernel fast, Plain plain) {
  for (const Shape& shape : Shapes()) {
    const Operands operands = {shape};
    Guarded found(size(shape));
    Guarded expected(size(shape));
    fast(operands, found.data());
    plain(operands, expected.data());
    ASSERT_EQ(found.bits(), expected.bits()) << operands.text();
    ASSERT_TRUE(found.intact()) << operands.text();
  }
}

TEST(MatrixKernelTest, AffineHasTheBitsOfPlainLoops) {
  ExpectEqualBits([](const Shape& s) { return s.rows * s.outputs; },
                  [](const Operands& o, float* out) {
                    Affine(o.x_view(), o.weight_view(), o.bias.data(), out);
                  },
                  [](const Operands& o, float* out) {
                    PlainAffine(o.x_view(), o.weight_view(), o.bias.data(), out);
                  });
}

TEST(MatrixKernelTest, WeightGradientHasTheBitsOfPlainLoops) {
  ExpectEqualBits(
      [](const Shape& s) { return s.outputs * s.inputs; },
      [](const Operands& o, float* out) { WeightGradient(o.delta_view(), o.x_view(), out); },
      [](const Operands& o, float* out) { PlainWeightGradient(o.delta_view(), o.x_view(), out); });
}

TEST(MatrixKernelTest, InputGradientHasTheBitsOfPlainLoops) {
  ExpectEqualBits(
      [](const Shape& s) { return s.rows * s.inputs; },
      [](const Operands& o, float* out) { InputGradient(o.delta_view(), o.weight_view(), out); },
      [](const Operands& o, float* out) {
        PlainInputGradient(o.delta_view(), o.weight_view(), out);
      });
}

TEST(MatrixKernelTest, ColumnSumsHaveTheBitsOfPlainLoops) {
  ExpectEqualBits([](const Shape& s) { return s.outputs; },
                  [](const Operands& o, float* out) { ColumnSums(o.delta_view(), out); },
                  [](const Operands& o, float* out) {
                    const std::vector<float> ones(static_cast<std::size_t>(o.shape.rows), 1.0F);
                    PlainWeightGradient({ones.data(), o.shape.rows, 1}, o.delta_view(), out);
                  });
}

TEST(MatrixKernelTest, ARowsResultDoesNotDependOnItsBatch) {
  constexpr int64_t kRows = 11;
  constexpr int64_t kInputs = 37;
  constexpr int64_t kOutputs = 5;
  const std::vector<float> x = RandomFloats(kRows * kInputs, 1);
  const std::vector<float> weight = RandomFloats(kOutputs * kInputs, 2);
  const std::vector<float> bias = RandomFloats(kOutputs, 3);
  std::vector<float> together(kRows * kOutputs);
  std::vector<float> alone(kRows * kOutputs);
  Affine({x.data(), kRows, kInputs}, {weight.data(), kOutputs, kInputs}, bias.data(),
         together.data());
  for (int64_t r = 0; r < kRows; ++r) {
    Affine({x.data() + r * kInputs, 1, kInputs}, {weight.data(), kOutputs, kInputs}, bias.data(),
           alone.data() + r * kOutputs);
  }
  EXPECT_EQ(Bits(together), Bits(alone));
}

TEST(KernelsTest, ReluKeepsNanAndTheSignOfZero) {
  std::vector<float> values = {-1.5F, -0.0F, 0.0F, 2.5F, kNan};
  Relu(values);
  EXPECT_EQ(Bits(values), Bits(std::vector<float>{0.0F, -0.0F, 0.0F, 2.5F, kNan}));
}

TEST(KernelsTest, ReluBackwardPassesOnWhereTheUnitWasActive) {
  const std::vector<float> values = {0.0F, 3.0F, 0.0F, 1.0F};
  std::vector<float> derivatives = {1.0F, 2.0F, kNan, 4.0F};
  ReluBackward(values, derivatives);
  EXPECT_EQ(derivatives, (std::vector<float>{0.0F, 2.0F, 0.0F, 4.0F}));
}

TEST(KernelsTest, TanhBackwardScalesByOneMinusTheSquare) {
  std::vector<float> values = {0.0F, 100.0F, -100.0F};
  Tanh(values);
  EXPECT_EQ(values, (std::vector<float>{0.0F, 1.0F, -1.0F}));
  values = {0.5F, 0.0F, 1.0F};
  std::vector<float> derivatives = {8.0F, 3.0F, 5.0F};
  TanhBackward(values, derivatives);
  EXPECT_EQ(derivatives, (std::vector<float>{6.0F, 3.0F, 0.0F}));
}

TEST(KernelsTest, SgdStepHasTheBitsOfPlainLoopsForEveryLength) {
  for (int64_t n = 0; n < 40; ++n) {
    SCOPED_TRACE(n);
    const SgdRates rates = {0.3F, 0.7F, 0.01F};
    const std::vector<float> gradient = RandomFloats(n, 1);
    std::vector<float> velocity = RandomFloats(n, 2);
    std::vector<float> parameters = RandomFloats(n, 3);
    std::vector<float> plain_velocity = velocity;
    std::vector<float> plain = parameters;
    SgdStep(rates, gradient, velocity, parameters);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      const float decay = 0.01F * plain[i];
      const float step = gradient[i] + decay;
      const float kept = 0.7F * plain_velocity[i];
      plain_velocity[i] = kept + step;
      const float change = 0.3F * plain_velocity[i];
      plain[i] = plain[i] - change;
    }
    EXPECT_EQ(Bits(velocity), Bits(plain_velocity));
    EXPECT_EQ(Bits(parameters), Bits(plain));
  }
}

TEST(KernelsTest, SgdWithoutVelocityIsSgdWithoutMomentum) {
  const std::vector<float> gradient = RandomFloats(21, 1);
  std::vector<float> velocity(21);
  std::vector<float> with = RandomFloats(21, 3);
  std::vector<float> without = with;
  SgdStep({0.3F, 0.0F, 0.01F}, gradient, velocity, with);
  SgdStep({0.3F, 0.0F, 0.01F}, gradient, {}, without);
  EXPECT_EQ(Bits(with), Bits(without));
}

}  // namespace
}  // namespace skerry::learning
