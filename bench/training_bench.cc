// How fast one core trains: passes over random images by plain SGD, of three published networks.
// Prints a line of JSON. bench/peers/torch_training.py does the same with PyTorch.
//
//   skerry_training_bench 2nn|lenet|cnn ROWS EPOCHS BATCH_SIZE
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.h"
#include "learning/local_training.h"
#include "learning/model.h"
#include "learning/setup.h"

namespace skerry {
namespace {

constexpr int64_t kPixels = 784;
constexpr int64_t kClasses = 10;

v1::LayerSpec& AddLayer(v1::ModelSpec& spec, const std::string& kind, int64_t units,
                        const std::string& activation) {
  v1::LayerSpec& layer = *spec.add_layers();
  layer.set_kind(kind);
  layer.set_units(units);
  layer.set_activation(activation);
  return layer;
}

void AddConvolution(v1::ModelSpec& spec, int64_t channels, const std::string& padding) {
  v1::LayerSpec& layer = AddLayer(spec, "conv", channels, "relu");
  layer.set_kernel(5);
  layer.set_padding(padding);
  AddLayer(spec, "max_pool", 0, "").set_kernel(2);
}

v1::ModelSpec SpecOf(const std::string& name) {
  v1::ModelSpec spec;
  if (name == "2nn") {
    spec.set_kind("mlp");
    spec.add_hidden(200);
    spec.add_hidden(200);
    return spec;
  }
  spec.set_kind("network");
  for (const int64_t length : {1, 28, 28}) spec.add_input_shape(length);
  const bool lenet = name == "lenet";
  AddConvolution(spec, lenet ? 6 : 32, lenet ? "valid" : "same");
  AddConvolution(spec, lenet ? 16 : 64, lenet ? "valid" : "same");
  AddLayer(spec, "flatten", 0, "");
  AddLayer(spec, "dense", lenet ? 120 : 512, "relu");
  if (lenet) AddLayer(spec, "dense", 84, "relu");
  AddLayer(spec, "dense", kClasses, "");
  return spec;
}

learning::Dataset RandomImages(int64_t rows) {
  learning::Dataset data = {rows, kPixels, {}, {}};
  RandomStream stream(1, Purpose::kSimulation, 0, "images", 0);
  for (int64_t i = 0; i < rows * kPixels; ++i) {
    data.features.push_back(static_cast<float>(stream.Uniform()));
  }
  for (int64_t r = 0; r < rows; ++r) data.labels.push_back(static_cast<float>(stream.Below(10)));
  return data;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

Status Run(const std::string& name, int64_t rows, int64_t epochs, int64_t batch_size) {
  SKERRY_ASSIGN_OR_RETURN(const auto model, learning::MakeModel(SpecOf(name), kPixels, kClasses));
  const learning::Dataset data = RandomImages(rows);
  std::vector<float> parameters(static_cast<std::size_t>(model->parameters().num_elements()));
  model->Initialize(1, 0, parameters);
  learning::LocalTrainingOptions options;
  options.batch_size = batch_size;
  options.learning_rate = 0.01;
  options.local_epochs = 1;  // to warm up
  const auto train = [&] {
    return learning::TrainLocally(learning::LocalTask<float>{*model, data, options}, parameters, {},
                                  nullptr)
        .status();
  };
  SKERRY_RETURN_IF_ERROR(train());
  options.local_epochs = epochs;
  const double begin = CpuSeconds();
  SKERRY_RETURN_IF_ERROR(train());
  const double seconds = CpuSeconds() - begin;
  std::printf("{\"model\": \"%s\", \"examples_per_cpu_second\": %.0f}\n", name.c_str(),
              static_cast<double>(rows * epochs) / seconds);
  return OkStatus();
}

}  // namespace
}  // namespace skerry

int main(int argc, char** argv) {
  skerry::learning::FixKernels();
  if (argc != 5) {
    std::fprintf(stderr, "usage: skerry_training_bench 2nn|lenet|cnn ROWS EPOCHS BATCH_SIZE\n");
    return 2;
  }
  const skerry::Status status =
      skerry::Run(argv[1], std::atoll(argv[2]), std::atoll(argv[3]), std::atoll(argv[4]));
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
