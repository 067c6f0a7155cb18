#pragma once

#include <initializer_list>
#include <string>

#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// [[model.layers]] in a line each.
inline v1::LayerSpec LayerOf(const std::string& kind) {
  v1::LayerSpec layer;
  layer.set_kind(kind);
  return layer;
}
inline v1::LayerSpec Dense(int64_t units, const std::string& activation = "") {
  v1::LayerSpec layer = LayerOf("dense");
  layer.set_units(units);
  layer.set_activation(activation);
  return layer;
}
inline v1::LayerSpec Conv(int64_t units, int64_t kernel, const std::string& activation,
                          int64_t stride = 0, const std::string& padding = "") {
  v1::LayerSpec layer = LayerOf("conv");
  layer.set_units(units);
  layer.set_kernel(kernel);
  layer.set_activation(activation);
  layer.set_stride(stride);
  layer.set_padding(padding);
  return layer;
}
inline v1::LayerSpec Pool(int64_t kernel, int64_t stride = 0) {
  v1::LayerSpec layer = LayerOf("max_pool");
  layer.set_kernel(kernel);
  layer.set_stride(stride);
  return layer;
}
inline v1::LayerSpec Flatten() { return LayerOf("flatten"); }
inline v1::LayerSpec Dropout(double rate) {
  v1::LayerSpec layer = LayerOf("dropout");
  layer.set_rate(rate);
  return layer;
}
inline v1::LayerSpec BatchNorm(const std::string& activation = "") {
  v1::LayerSpec layer = LayerOf("batch_norm");
  layer.set_activation(activation);
  return layer;
}

inline v1::ModelSpec Network(std::initializer_list<int64_t> input_shape,
                             std::initializer_list<v1::LayerSpec> layers) {
  v1::ModelSpec spec;
  spec.set_kind("network");
  for (const int64_t length : input_shape) spec.add_input_shape(length);
  for (const v1::LayerSpec& layer : layers) *spec.add_layers() = layer;
  return spec;
}

inline v1::ModelSpec LeNet() {
  return Network({1, 28, 28}, {Conv(6, 5, "relu"), Pool(2), Conv(16, 5, "relu"), Pool(2), Flatten(),
                               Dense(120, "relu"), Dense(84, "relu"), Dense(10)});
}
// McMahan et al., "Communication-efficient learning of deep networks from decentralized data",
// 2017.
inline v1::ModelSpec McMahanCnn() {
  return Network({1, 28, 28},
                 {Conv(32, 5, "relu", 1, "same"), Pool(2), Conv(64, 5, "relu", 1, "same"), Pool(2),
                  Flatten(), Dense(512, "relu"), Dense(10)});
}

}  // namespace skerry::learning
