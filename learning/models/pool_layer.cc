#include <algorithm>

#include "learning/models/layers.h"

namespace skerry::learning {
namespace {

// NaN takes over.
inline float Larger(float a, float b) { return b > a || b != b ? b : a; }

class MaxPoolLayer final : public Layer {
 public:
  explicit MaxPoolLayer(const PoolShape& shape) : shape_(shape) {}
  int64_t inputs() const override { return shape_.channels * shape_.rows * shape_.columns; }
  int64_t outputs() const override {
    return shape_.channels * shape_.out_rows() * shape_.out_columns();
  }

  void Forward(const Pass& pass) const override {
    ForEachRow(pass.rows, [&](int64_t in, int64_t out) {
      if (IsHalving()) {
        HalvedRow(pass.in + in, pass.out + out);
      } else {
        PooledRow(pass.in + in, pass.out + out);
      }
    });
  }
  void Backward(const WayBack& back) const override {
    if (back.in_derivatives == nullptr) return;
    std::fill_n(back.in_derivatives, back.rows * inputs(), 0.0F);
    ForEachRow(back.rows, [&](int64_t in, int64_t out) {
      if (IsHalving()) {
        HalvedRowBackward(back, in, out);
      } else {
        PooledRowBackward(back, in, out);
      }
    });
  }

 private:
  bool IsHalving() const { return shape_.kernel == 2 && shape_.stride == 2; }

  // Calls with where each row of outputs, and its first window, begin.
  template <class Visit>
  void ForEachRow(int64_t images, Visit visit) const {
    int64_t out = 0;
    for (int64_t channel = 0; channel < images * shape_.channels; ++channel) {
      for (int64_t y = 0; y < shape_.out_rows(); ++y, out += shape_.out_columns()) {
        visit((channel * shape_.rows + y * shape_.stride) * shape_.columns, out);
      }
    }
  }

  void HalvedRow(const float* in, float* out) const {
    const float* below = in + shape_.columns;
    for (int64_t x = 0; x < shape_.out_columns(); ++x) {
      out[x] = Larger(Larger(in[2 * x], in[2 * x + 1]), Larger(below[2 * x], below[2 * x + 1]));
    }
  }
  void HalvedRowBackward(const WayBack& back, int64_t in, int64_t out) const {
    const float* above = back.in + in;
    const float* below = above + shape_.columns;
    const float* largest = back.out + out;
    const float* derivative = back.out_derivatives + out;
    float* to_above = back.in_derivatives + in;
    float* to_below = to_above + shape_.columns;
    for (int64_t x = 0; x < shape_.out_columns(); ++x) {
      const float v = largest[x];
      float rest = derivative[x];  // until somebody has taken it
      const auto take = [&](float value) {
        const float taken = value == v ? rest : 0.0F;
        rest = value == v ? 0.0F : rest;
        return taken;
      };
      to_above[2 * x] = take(above[2 * x]);
      to_above[2 * x + 1] = take(above[2 * x + 1]);
      to_below[2 * x] = take(below[2 * x]);
      to_below[2 * x + 1] = take(below[2 * x + 1]);
    }
  }

  void PooledRow(const float* in, float* out) const {
    for (int64_t x = 0; x < shape_.out_columns(); ++x) {
      const float* window = in + x * shape_.stride;
      float largest = window[0];
      for (int64_t i = 0; i < shape_.kernel; ++i) {
        for (int64_t j = 0; j < shape_.kernel; ++j) {
          largest = Larger(largest, window[i * shape_.columns + j]);
        }
      }
      out[x] = largest;
    }
  }
  void PooledRowBackward(const WayBack& back, int64_t in, int64_t out) const {
    for (int64_t x = 0; x < shape_.out_columns(); ++x) {
      const float largest = back.out[out + x];
      const int64_t window = in + x * shape_.stride;
      bool taken = false;
      for (int64_t i = 0; i < shape_.kernel && !taken; ++i) {
        for (int64_t j = 0; j < shape_.kernel && !taken; ++j) {
          const int64_t at = window + i * shape_.columns + j;
          taken = back.in[at] == largest;
          if (taken) back.in_derivatives[at] += back.out_derivatives[out + x];
        }
      }
    }
  }

  const PoolShape shape_;
};

}  // namespace

std::unique_ptr<Layer> MakeMaxPoolLayer(const PoolShape& shape) {
  return std::make_unique<MaxPoolLayer>(shape);
}

}  // namespace skerry::learning
