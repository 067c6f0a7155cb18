#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "learning/dataset.h"
#include "learning/loss.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// A network by the textbook, in double, with libm and loops over everything: nothing but the
// dropout masks' random numbers is shared with what it checks.
class TextbookNetwork {
 public:
  TextbookNetwork(const v1::ModelSpec& spec, StepKey step) : spec_(spec), step_(step) {}

  // The outputs of all rows, as training sees them: [rows, outputs].
  std::vector<std::vector<double>> Outputs(const std::vector<double>& parameters,
                                           const Batch& batch) const {
    const auto width = batch.features.size() / static_cast<std::size_t>(batch.rows);
    std::vector<std::vector<double>> rows;
    for (std::size_t r = 0; r < static_cast<std::size_t>(batch.rows); ++r) {
      const auto row = batch.features.subspan(r * width, width);
      rows.emplace_back(row.begin(), row.end());
    }
    channels_ = spec_.input_shape_size() == 3 ? spec_.input_shape(0) : static_cast<int64_t>(width);
    height_ = spec_.input_shape_size() == 3 ? spec_.input_shape(1) : 1;
    columns_ = spec_.input_shape_size() == 3 ? spec_.input_shape(2) : 1;
    const double* p = parameters.data();
    for (int i = 0; i < spec_.layers_size(); ++i) p = Apply(spec_.layers(i), i, p, rows);
    return rows;
  }

 private:
  using Rows = std::vector<std::vector<double>>;

  const double* Apply(const v1::LayerSpec& layer, int index, const double* p, Rows& rows) const {
    const std::string& kind = layer.kind();
    if (kind == "dense") p = Dense(layer, p, rows);
    if (kind == "conv") p = Convolve(layer, p, rows);
    if (kind == "max_pool") Pool(layer, rows);
    if (kind == "dropout") Drop(layer, index, rows);
    if (kind == "batch_norm") p = Normalise(p, rows);
    if (kind == "flatten") {
      channels_ *= height_ * columns_;
      height_ = columns_ = 1;
    }
    for (auto& row : rows) {
      for (double& x : row) x = Activate(layer.activation(), x);
    }
    return p;
  }

  static double Activate(const std::string& name, double x) {
    if (name == "relu") return std::max(x, 0.0);
    if (name == "tanh") return std::tanh(x);
    if (name == "gelu") {
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    }
    return x;
  }

  const double* Dense(const v1::LayerSpec& layer, const double* p, Rows& rows) const {
    const auto inputs = static_cast<int64_t>(rows[0].size());
    for (auto& row : rows) {
      std::vector<double> out;
      for (int64_t o = 0; o < layer.units(); ++o) {
        double sum = p[layer.units() * inputs + o];
        for (int64_t i = 0; i < inputs; ++i) sum += p[o * inputs + i] * row[At(i)];
        out.push_back(sum);
      }
      row = std::move(out);
    }
    channels_ = layer.units();
    return p + layer.units() * (inputs + 1);
  }

  const double* Convolve(const v1::LayerSpec& layer, const double* p, Rows& rows) const {
    const int64_t k = layer.kernel();
    const int64_t s = std::max<int64_t>(layer.stride(), 1);
    const bool same = layer.padding() == "same";
    const auto out_size = [&](int64_t n) { return same ? (n + s - 1) / s : (n - k) / s + 1; };
    const auto before = [&](int64_t n) {
      return same ? std::max<int64_t>((out_size(n) - 1) * s + k - n, 0) / 2 : 0;
    };
    const int64_t taps = channels_ * k * k;
    for (auto& row : rows) {
      std::vector<double> out;
      for (int64_t o = 0; o < layer.units(); ++o) {
        for (int64_t y = 0; y < out_size(height_); ++y) {
          for (int64_t x = 0; x < out_size(columns_); ++x) {
            double sum = p[layer.units() * taps + o];
            for (int64_t t = 0; t < taps; ++t) {
              const int64_t in_y = y * s + t / k % k - before(height_);
              const int64_t in_x = x * s + t % k - before(columns_);
              if (in_y < 0 || in_y >= height_ || in_x < 0 || in_x >= columns_) continue;
              sum += p[o * taps + t] * row[At((t / (k * k) * height_ + in_y) * columns_ + in_x)];
            }
            out.push_back(sum);
          }
        }
      }
      row = std::move(out);
    }
    channels_ = layer.units();
    height_ = out_size(height_);
    columns_ = out_size(columns_);
    return p + layer.units() * (taps + 1);
  }

  void Pool(const v1::LayerSpec& layer, Rows& rows) const {
    const int64_t k = layer.kernel();
    const int64_t s = layer.stride() == 0 ? k : layer.stride();
    const int64_t height = (height_ - k) / s + 1;
    const int64_t columns = (columns_ - k) / s + 1;
    for (auto& row : rows) {
      std::vector<double> out;
      for (int64_t c = 0; c < channels_; ++c) {
        for (int64_t y = 0; y < height; ++y) {
          for (int64_t x = 0; x < columns; ++x) {
            double largest = -1e300;
            for (int64_t t = 0; t < k * k; ++t) {
              const int64_t at = (c * height_ + y * s + t / k) * columns_ + x * s + t % k;
              largest = std::max(largest, row[At(at)]);
            }
            out.push_back(largest);
          }
        }
      }
      row = std::move(out);
    }
    height_ = height;
    columns_ = columns;
  }

  void Drop(const v1::LayerSpec& layer, int index, Rows& rows) const {
    RandomStream stream(step_.seed, Purpose::kDropout, static_cast<uint64_t>(step_.round),
                        step_.site, static_cast<uint64_t>(step_.step * 256 + index));
    for (auto& row : rows) {
      for (double& x : row) {
        const bool dropped = stream.NextWord() < static_cast<uint32_t>(layer.rate() * 4294967296.0);
        x = dropped ? 0 : x / (1 - layer.rate());
      }
    }
  }

  const double* Normalise(const double* p, Rows& rows) const {
    const int64_t places = height_ * columns_;
    for (int64_t c = 0; c < channels_; ++c) {
      double sum = 0;
      double squares = 0;
      const auto n = static_cast<double>(rows.size()) * static_cast<double>(places);
      for (const auto& row : rows) {
        for (int64_t i = c * places; i < (c + 1) * places; ++i) sum += row[At(i)];
      }
      for (const auto& row : rows) {
        for (int64_t i = c * places; i < (c + 1) * places; ++i) {
          squares += std::pow(row[At(i)] - sum / n, 2);
        }
      }
      for (auto& row : rows) {
        for (int64_t i = c * places; i < (c + 1) * places; ++i) {
          row[At(i)] =
              (row[At(i)] - sum / n) / std::sqrt(squares / n + 1e-5) * p[c] + p[channels_ + c];
        }
      }
    }
    return p + 4 * channels_;
  }

  static std::size_t At(int64_t i) { return static_cast<std::size_t>(i); }

  const v1::ModelSpec spec_;
  const StepKey step_;
  mutable int64_t channels_ = 0;
  mutable int64_t height_ = 1;
  mutable int64_t columns_ = 1;
};

}  // namespace skerry::learning
