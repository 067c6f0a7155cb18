// kind = "network": layers as [[model.layers]] describes them.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "learning/models/activation.h"
#include "learning/models/layers.h"
#include "learning/models/network.h"

namespace skerry::learning {
namespace {

constexpr int64_t kMaxUnits = int64_t{1} << 24;  // values of one layer, for one row
constexpr int64_t kMaxTaps = int64_t{1} << 20;   // weights of one output channel
constexpr int kMaxLayers = 64;

// How the values of a row lie between two layers.
struct Shape {
  bool is_image = false;
  int64_t channels = 0;  // all values, when they are no image
  int64_t rows = 1;
  int64_t columns = 1;

  int64_t Size() const { return channels * rows * columns; }
  std::string Text() const {
    if (!is_image) return std::to_string(channels) + " values";
    return std::to_string(channels) + " x " + std::to_string(rows) + " x " +
           std::to_string(columns);
  }
};

class Builder {
 public:
  Builder(const ModelRequest& request, const Outputs& outputs)
      : request_(request), outputs_(outputs) {}

  Result<std::unique_ptr<Model>> Build() {
    SKERRY_RETURN_IF_ERROR(ReadInputShape());
    const auto& layers = request_.spec.layers();
    if (layers.empty() || layers.size() > kMaxLayers) {
      return InvalidArgument("model.layers: a network needs 1 to 64 layers, not " +
                             std::to_string(layers.size()))
          .WithHint("each stands under [[model.layers]]; the last is dense");
    }
    for (index_ = 0; index_ < layers.size(); ++index_) {
      spec_ = &layers[index_];
      SKERRY_RETURN_IF_ERROR(CheckKeys());
      SKERRY_RETURN_IF_ERROR(Add());
    }
    SKERRY_RETURN_IF_ERROR(CheckOutputs());
    return MakeNetwork(std::move(layers_), outputs_);
  }

 private:
  std::string Key(const char* key = nullptr) const {
    const std::string layer = "model.layers." + std::to_string(index_);
    return key == nullptr ? layer + " (" + spec_->kind().substr(0, 64) + ")" : layer + "." + key;
  }
  std::string Name(const char* prefix) const { return prefix + std::to_string(index_); }

  Status ReadInputShape() {
    const auto& shape = request_.spec.input_shape();
    shape_ = {false, request_.num_features};
    if (shape.empty()) return OkStatus();
    int64_t size = 1;
    for (const int64_t length : shape) {
      if (length < 1 || length > kMaxUnits) {
        return InvalidArgument("model.input_shape: each number must be 1 to 2^24, not " +
                               std::to_string(length));
      }
      size = std::min(size * length, kMaxUnits * 2);
    }
    if (shape.size() != 1 && shape.size() != 3) {
      return InvalidArgument("model.input_shape: must be [inputs] or [channels, rows, columns]");
    }
    if (size != request_.num_features) {
      return InvalidArgument("model.input_shape: " + std::to_string(size) +
                             " values, but data.features gives " +
                             std::to_string(request_.num_features) + " inputs");
    }
    if (shape.size() == 3) shape_ = {true, shape[0], shape[1], shape[2]};
    return OkStatus();
  }

  Status CheckKind() const {
    static const std::vector<std::string> kinds = {"dense",   "conv",    "max_pool",
                                                   "flatten", "dropout", "batch_norm"};
    if (std::find(kinds.begin(), kinds.end(), spec_->kind()) != kinds.end()) return OkStatus();
    return UnknownName(Key("kind"), spec_->kind(), kinds);
  }

  // A key that the kind of layer does not read is a mistake.
  Status CheckKeys() const {
    SKERRY_RETURN_IF_ERROR(CheckKind());
    struct Use {
      const char* key;
      bool is_set;
      std::vector<std::string> kinds;
    };
    const Use uses[] = {
        {"units", spec_->units() != 0, {"dense", "conv"}},
        {"activation", !spec_->activation().empty(), {"dense", "conv", "batch_norm"}},
        {"kernel", spec_->kernel() != 0, {"conv", "max_pool"}},
        {"stride", spec_->stride() != 0, {"conv", "max_pool"}},
        {"padding", !spec_->padding().empty(), {"conv"}},
        {"rate", spec_->rate() != 0, {"dropout"}}};
    for (const Use& use : uses) {
      const bool reads =
          std::find(use.kinds.begin(), use.kinds.end(), spec_->kind()) != use.kinds.end();
      if (!use.is_set || reads) continue;
      return InvalidArgument(Key(use.key) + ": a layer of kind " + QuotedName(spec_->kind()) +
                             " does not have this")
          .WithHint("remove the key; it is for " + Join(use.kinds, ", "));
    }
    return OkStatus();
  }

  Status Add() {
    const std::string& kind = spec_->kind();
    if (kind == "dense") return AddDense();
    if (kind == "conv") return AddConvolution();
    if (kind == "max_pool") return AddMaxPool();
    if (kind == "flatten") return Flatten();
    if (kind == "dropout") return AddDropout();
    return AddBatchNorm();
  }

  Status CheckRange(const char* key, int64_t value, int64_t least, int64_t most) const {
    if (value >= least && value <= most) return OkStatus();
    return InvalidArgument(Key(key) + ": must be " + std::to_string(least) + " to " +
                           std::to_string(most) + ", not " + std::to_string(value));
  }
  Status NeedsImage() const {
    if (shape_.is_image) return OkStatus();
    return InvalidArgument(Key() + ": needs an image, but gets " + shape_.Text())
        .WithHint(index_ == 0 ? "set model.input_shape = [channels, rows, columns]"
                              : "move it before the layers that make a flat list");
  }
  // Of a window, within the rows and columns that there are (and zeros, if there are any).
  Status CheckWindow(bool padded) const {
    SKERRY_RETURN_IF_ERROR(CheckRange("kernel", spec_->kernel(), 1, kMaxUnits));
    SKERRY_RETURN_IF_ERROR(CheckRange("stride", spec_->stride(), 0, kMaxUnits));
    if (padded || spec_->kernel() <= std::min(shape_.rows, shape_.columns)) return OkStatus();
    return InvalidArgument(Key() + ": a window of " + std::to_string(spec_->kernel()) +
                           " does not fit into " + shape_.Text())
        .WithHint("lower kernel, or pool less before it");
  }
  Status Activate() {
    if (spec_->activation().empty()) return OkStatus();
    SKERRY_ASSIGN_OR_RETURN(auto layer,
                            MakeActivation(Key("activation"), spec_->activation(), shape_.Size()));
    layers_.push_back(std::move(layer));
    return OkStatus();
  }

  Status AddDense() {
    if (shape_.is_image) {
      return InvalidArgument(Key() + ": needs a flat list, but gets an image of " + shape_.Text())
          .WithHint("put a layer of kind \"flatten\" before it");
    }
    SKERRY_RETURN_IF_ERROR(CheckRange("units", spec_->units(), 1, kMaxUnits));
    layers_.push_back(MakeDenseLayer(Name("layers."), shape_.Size(), spec_->units()));
    shape_ = {false, spec_->units()};
    return Activate();
  }

  Status AddConvolution() {
    static const std::vector<std::string> paddings = {"valid", "same"};
    SKERRY_RETURN_IF_ERROR(NeedsImage());
    if (spec_->padding() != "" && spec_->padding() != "valid" && spec_->padding() != "same") {
      return UnknownName(Key("padding"), spec_->padding(), paddings);
    }
    SKERRY_RETURN_IF_ERROR(CheckRange("units", spec_->units(), 1, kMaxUnits));
    const bool same = spec_->padding() == "same";
    SKERRY_RETURN_IF_ERROR(CheckWindow(same));
    constexpr int64_t kMaxKernel = 1024;
    SKERRY_RETURN_IF_ERROR(CheckRange("kernel", spec_->kernel(), 1, kMaxKernel));
    if (shape_.channels > kMaxTaps / (spec_->kernel() * spec_->kernel())) {
      return InvalidArgument(Key() + ": more than 2^20 weights of one output");
    }
    const ConvolutionShape shape = {shape_.channels,
                                    shape_.rows,
                                    shape_.columns,
                                    spec_->units(),
                                    spec_->kernel(),
                                    std::max<int64_t>(spec_->stride(), 1),
                                    same};
    const Convolution convolution(shape);
    layers_.push_back(MakeConvolutionLayer(Name("layers."), shape));
    SKERRY_RETURN_IF_ERROR(
        SetImage(spec_->units(), convolution.out_rows(), convolution.out_columns()));
    return Activate();
  }

  Status AddMaxPool() {
    SKERRY_RETURN_IF_ERROR(NeedsImage());
    SKERRY_RETURN_IF_ERROR(CheckWindow(false));
    const int64_t stride = spec_->stride() == 0 ? spec_->kernel() : spec_->stride();
    const PoolShape shape = {shape_.channels, shape_.rows, shape_.columns, spec_->kernel(), stride};
    layers_.push_back(MakeMaxPoolLayer(shape));
    return SetImage(shape_.channels, shape.out_rows(), shape.out_columns());
  }

  Status SetImage(int64_t channels, int64_t rows, int64_t columns) {
    if (channels > kMaxUnits / (rows * columns)) {
      return InvalidArgument(Key() + ": more than 2^24 values for one row");
    }
    shape_ = {true, channels, rows, columns};
    return OkStatus();
  }

  Status Flatten() {
    SKERRY_RETURN_IF_ERROR(NeedsImage());
    shape_ = {false, shape_.Size()};
    return OkStatus();
  }

  Status AddDropout() {
    if (!(spec_->rate() > 0 && spec_->rate() < 1)) {
      return InvalidArgument(Key("rate") + ": must be over 0 and below 1, not " +
                             FormatExact(spec_->rate()));
    }
    layers_.push_back(MakeDropoutLayer(shape_.Size(), spec_->rate(), index_));
    return OkStatus();
  }

  Status AddBatchNorm() {
    layers_.push_back(
        MakeBatchNormLayer(Name("bn."), shape_.channels, shape_.rows * shape_.columns));
    return Activate();
  }

  Status CheckOutputs() {
    index_ = request_.spec.layers_size() - 1;
    spec_ = &request_.spec.layers(index_);
    if (shape_.is_image || spec_->kind() != "dense" || !spec_->activation().empty()) {
      return InvalidArgument(Key() + ": the last layer must be dense, without an activation")
          .WithHint("its outputs are values or logits: the loss knows what to do with them");
    }
    if (shape_.Size() == outputs_.count) return OkStatus();
    return InvalidArgument(Key("units") + ": the last layer must have " +
                           std::to_string(outputs_.count) + " for this label and loss, not " +
                           std::to_string(shape_.Size()));
  }

  const ModelRequest& request_;
  const Outputs outputs_;
  Shape shape_;
  int index_ = 0;
  const v1::LayerSpec* spec_ = nullptr;
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace

Result<std::unique_ptr<Model>> MakeLayeredNetwork(const ModelRequest& request) {
  SKERRY_ASSIGN_OR_RETURN(const Outputs outputs, OutputsOfLoss(request));
  return Builder(request, outputs).Build();
}

}  // namespace skerry::learning
