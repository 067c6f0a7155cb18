#include <algorithm>

#include "base/exact_math.h"
#include "learning/models/layers.h"

namespace skerry::learning {
namespace {

constexpr double kEpsilon = 1e-5;
constexpr double kMomentum = 0.1;

class BatchNormLayer final : public Layer {
 public:
  BatchNormLayer(std::string name, int64_t channels, int64_t places)
      : name_(std::move(name)), channels_(channels), places_(places) {}

  int64_t inputs() const override { return channels_ * places_; }
  int64_t outputs() const override { return channels_ * places_; }
  std::vector<InitialTensor> Tensors() const override {
    const auto tensor = [this](const char* part, float value, bool statistic) {
      return InitialTensor{{name_ + part, DType::kF32, {channels_}}, 0, value, statistic};
    };
    return {tensor(".weight", 1, false), tensor(".bias", 0, false),
            tensor(".running_mean", 0, true), tensor(".running_variance", 1, true)};
  }
  std::unique_ptr<Scratch> NewScratch(int64_t) const override {
    auto memory = std::make_unique<Memory>();
    memory->mean.resize(Channels());
    memory->variance.resize(Channels());
    memory->running.resize(2 * Channels());
    return memory;
  }

  void Forward(const Pass& pass) const override;
  void Backward(const WayBack& back) const override;
  void FinishStep(float* parameters, const Scratch* scratch) const override {
    const auto& memory = static_cast<const Memory&>(*scratch);
    std::copy(memory.running.begin(), memory.running.end(), parameters + 2 * channels_);
  }

 private:
  struct Memory final : Scratch {
    std::vector<double> mean;  // of the batch, per channel
    std::vector<double> variance;
    std::vector<float> running;  // mean and variance, as they are after the step
  };

  std::size_t Channels() const { return static_cast<std::size_t>(channels_); }

  // Calls with the places of a channel, image by image.
  template <class Visit>
  void ForEach(int64_t rows, int64_t channel, Visit visit) const {
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t first = (r * channels_ + channel) * places_;
      for (int64_t p = first; p < first + places_; ++p) visit(p);
    }
  }

  void Measure(const Pass& pass, int64_t channel, Memory& memory) const;
  void Move(const Pass& pass, int64_t channel, Memory& memory) const;

  const std::string name_;
  const int64_t channels_;
  const int64_t places_;
};

// In two passes: the mean first.
void BatchNormLayer::Measure(const Pass& pass, int64_t channel, Memory& memory) const {
  const auto count = static_cast<double>(pass.rows * places_);
  double sum = 0;
  ForEach(pass.rows, channel, [&](int64_t i) { sum += static_cast<double>(pass.in[i]); });
  const double mean = sum / count;
  double squares = 0;
  ForEach(pass.rows, channel, [&](int64_t i) {
    const double apart = static_cast<double>(pass.in[i]) - mean;
    squares += apart * apart;
  });
  memory.mean[static_cast<std::size_t>(channel)] = mean;
  memory.variance[static_cast<std::size_t>(channel)] = squares / count;
}

void BatchNormLayer::Move(const Pass& pass, int64_t channel, Memory& memory) const {
  const auto c = static_cast<std::size_t>(channel);
  const auto count = static_cast<double>(pass.rows * places_);
  const auto moved = [](float from, double to) {
    return static_cast<float>((1 - kMomentum) * static_cast<double>(from) + kMomentum * to);
  };
  const float* running = pass.parameters + 2 * channels_;
  memory.running[c] = moved(running[channel], memory.mean[c]);
  const float variance = running[channels_ + channel];
  // One value alone has no variance.
  memory.running[c + Channels()] =
      count < 2 ? variance : moved(variance, memory.variance[c] * count / (count - 1));
}

void BatchNormLayer::Forward(const Pass& pass) const {
  const float* running = pass.parameters + 2 * channels_;
  for (int64_t channel = 0; channel < channels_; ++channel) {
    double mean = static_cast<double>(running[channel]);
    // What noise or a mean of sites made negative is no variance.
    double variance = std::max(static_cast<double>(running[channels_ + channel]), 0.0);
    if (pass.training != nullptr) {
      auto& memory = static_cast<Memory&>(*pass.scratch);
      Measure(pass, channel, memory);
      Move(pass, channel, memory);
      mean = memory.mean[static_cast<std::size_t>(channel)];
      variance = memory.variance[static_cast<std::size_t>(channel)];
    }
    const double scale =
        static_cast<double>(pass.parameters[channel]) / exact::Sqrt(variance + kEpsilon);
    const auto shift = static_cast<double>(pass.parameters[channels_ + channel]);
    ForEach(pass.rows, channel, [&](int64_t i) {
      pass.out[i] = static_cast<float>((static_cast<double>(pass.in[i]) - mean) * scale + shift);
    });
  }
}

void BatchNormLayer::Backward(const WayBack& back) const {
  const auto& memory = static_cast<const Memory&>(*back.scratch);
  const auto count = static_cast<double>(back.rows * places_);
  std::fill_n(back.gradient + 2 * channels_, 2 * channels_, 0.0F);
  for (int64_t channel = 0; channel < channels_; ++channel) {
    const double mean = memory.mean[static_cast<std::size_t>(channel)];
    const double inverse =
        1.0 / exact::Sqrt(memory.variance[static_cast<std::size_t>(channel)] + kEpsilon);
    const auto normal = [&](int64_t i) {
      return (static_cast<double>(back.in[i]) - mean) * inverse;
    };
    double sum = 0;
    double product = 0;
    ForEach(back.rows, channel, [&](int64_t i) {
      const auto derivative = static_cast<double>(back.out_derivatives[i]);
      sum += derivative;
      product += derivative * normal(i);
    });
    back.gradient[channel] = static_cast<float>(product);
    back.gradient[channels_ + channel] = static_cast<float>(sum);
    if (back.in_derivatives == nullptr) continue;
    const double scale = static_cast<double>(back.parameters[channel]) * inverse;
    ForEach(back.rows, channel, [&](int64_t i) {
      const auto derivative = static_cast<double>(back.out_derivatives[i]);
      back.in_derivatives[i] =
          static_cast<float>(scale * (derivative - sum / count - normal(i) * product / count));
    });
  }
}

}  // namespace

std::unique_ptr<Layer> MakeBatchNormLayer(const std::string& name, int64_t channels,
                                          int64_t places) {
  return std::make_unique<BatchNormLayer>(name, channels, places);
}

}  // namespace skerry::learning
