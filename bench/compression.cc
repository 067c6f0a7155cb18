// How many bytes a round sends up, and what the model is worth, by the encoding of updates: the
// whole federation, simulated, on MNIST. Prints a line of JSON for each encoding.
//
//   compression_bench FOLDER [SITES IMAGES ROUNDS]
//
// FOLDER holds the four files of http://yann.lecun.com/exdb/mnist, unpacked.
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "base/version.h"
#include "client/data/table.h"
#include "learning/program.h"
#include "learning/setup.h"
#include "simulation/simulator.h"

namespace skerry {
namespace {

constexpr std::size_t kSide = 28;
constexpr std::size_t kPixels = kSide * kSide;

struct Images {
  std::string pixels;  // kPixels bytes each
  std::string labels;  // one byte each
};

Result<Images> ReadImages(const std::string& stem) {
  constexpr std::size_t kImageHeader = 16;
  constexpr std::size_t kLabelHeader = 8;
  PosixFiles files;
  SKERRY_ASSIGN_OR_RETURN(std::string pixels, ReadFile(files, stem + "-images-idx3-ubyte"));
  SKERRY_ASSIGN_OR_RETURN(std::string labels, ReadFile(files, stem + "-labels-idx1-ubyte"));
  if (pixels.size() < kImageHeader || labels.size() < kLabelHeader ||
      (pixels.size() - kImageHeader) / kPixels != labels.size() - kLabelHeader) {
    return DataLoss(stem + "-*: images and labels do not fit each other");
  }
  return Images{pixels.substr(kImageHeader), labels.substr(kLabelHeader)};
}

std::string PixelName(std::size_t pixel) { return "p" + std::to_string(pixel); }

// Every `stride`th image from `first` on, of which the columns are pixels and the label.
class ImageTable final : public client::Table {
 public:
  ImageTable(const Images& images, std::size_t first, std::size_t stride, std::size_t end,
             std::span<const std::string> columns)
      : images_(images), first_(first), stride_(stride), rows_((end - first - 1) / stride + 1) {
    for (const std::string& column : columns) {
      columns_.push_back(column == "label" ? kPixels
                                           : std::strtoull(column.c_str() + 1, nullptr, 10));
    }
    for (std::size_t i = 0; i < texts_.size(); ++i) texts_[i] = std::to_string(i);
  }

  std::size_t num_rows() const override { return rows_; }
  std::size_t num_columns() const override { return columns_.size(); }
  std::optional<std::string_view> Cell(std::size_t row, std::size_t column) const override {
    const std::size_t image = first_ + row * stride_;
    const std::size_t pixel = columns_[column];
    const char value =
        pixel == kPixels ? images_.labels[image] : images_.pixels[image * kPixels + pixel];
    return texts_[static_cast<unsigned char>(value)];
  }
  std::string Place(std::size_t row, std::size_t column) const override {
    return "image " + std::to_string(first_ + row * stride_) + ", column " + std::to_string(column);
  }

 private:
  const Images& images_;
  const std::size_t first_;
  const std::size_t stride_;
  const std::size_t rows_;
  std::vector<std::size_t> columns_;
  std::array<std::string, 256> texts_;
};

std::string RunFile(int rounds, const std::string& compression) {
  std::vector<std::string> pixels;
  for (std::size_t i = 0; i < kPixels; ++i) pixels.push_back('"' + PixelName(i) + '"');
  return "[run]\nname = \"mnist\"\nnum_rounds = " + std::to_string(rounds) +
         "\nseed = 1\n[data]\nsource = \"mnist\"\nstandardize = true\nlabel = \"label\"\n"
         "label_classes = [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\"]\n"
         "features = [" +
         Join(pixels, ", ") +
         "]\nsplit = { train = 0.8, test = 0.2 }\n[model]\nkind = \"mlp\"\nhidden = [32]\n"
         "[training]\nlearning_rate = 0.05\nbatch_size = 32\n[evaluation]\nevery = 0\n"
         "metrics = [\"accuracy\"]\n[compression]\n" +
         compression;
}

struct Options {
  std::string folder;
  int sites = 20;
  int images = 20'000;
  int rounds = 20;
};

std::vector<simulation::SimulatedSite> Sites(const Images& images, const Options& options) {
  std::vector<simulation::SimulatedSite> sites;
  for (int site = 0; site < options.sites; ++site) {
    sites.push_back(
        {"site-" + std::to_string(100 + site),
         [&images, site,
          options](std::span<const std::string> columns) -> Result<std::unique_ptr<client::Table>> {
           return std::unique_ptr<client::Table>(std::make_unique<ImageTable>(
               images, static_cast<std::size_t>(site), static_cast<std::size_t>(options.sites),
               static_cast<std::size_t>(options.images), columns));
         }});
  }
  return sites;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

// The bytes of one update, without what surrounds them on the wire.
Result<int64_t> UpdateBytes(const v1::RunSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(const auto program, learning::MakeTrainingProgram(spec));
  const std::vector<learning::RoundOutcome> committed = {{0, {}}};
  const auto round = program->Next(committed);
  const auto section = round->result_layout.Find(learning::kUpdateSection);
  return round->result_layout.sections()[*section].size_bytes();
}

double Accuracy(const simulation::SimulationResult& result) {
  double accuracy = -1;
  for (const v1::RoundSummary& round : result.rounds) {
    for (const v1::Metric& metric : round.metrics()) {
      if (metric.name() == "test.accuracy" && metric.site().empty()) accuracy = metric.value();
    }
  }
  return accuracy;
}

Status Measure(const Images& images, const Options& options, const std::string& name,
               const std::string& compression) {
  simulation::SimulationOptions simulated;
  SKERRY_ASSIGN_OR_RETURN(
      simulated.plan, coordinator::ParseRunFile(RunFile(options.rounds, compression), "run.toml"));
  SKERRY_ASSIGN_OR_RETURN(const int64_t bytes, UpdateBytes(simulated.plan.spec));
  simulated.sites = Sites(images, options);
  simulated.num_threads = 2;
  simulated.version = kVersion;
  const double cpu = CpuSeconds();
  SKERRY_ASSIGN_OR_RETURN(const simulation::SimulationResult result,
                          simulation::Simulate(std::move(simulated)));
  if (result.run.state() != "completed") return Internal(result.run.reason());
  std::printf(
      "{\"encoding\": \"%s\", \"bytes_up_per_round\": %lld, \"accuracy\": %.4f, "
      "\"cpu_seconds\": %.1f}\n",
      name.c_str(), static_cast<long long>(bytes * options.sites), Accuracy(result),
      CpuSeconds() - cpu);
  std::fflush(stdout);
  return OkStatus();
}

Status Run(const Options& options) {
  SKERRY_ASSIGN_OR_RETURN(const Images images, ReadImages(options.folder + "/train"));
  const std::pair<const char*, const char*> encodings[] = {
      {"f32", "update = \"f32\"\n"},
      {"f16", "update = \"f16\"\n"},
      {"bf16", "update = \"bf16\"\n"},
      {"int8", "update = \"int8\"\n"},
      {"top_k 10 %", "update = \"top_k\"\nratio = 0.1\n"},
      {"top_k 1 %", "update = \"top_k\"\nratio = 0.01\n"}};
  for (const auto& [name, compression] : encodings) {
    SKERRY_RETURN_IF_ERROR(Measure(images, options, name, compression));
  }
  return OkStatus();
}

}  // namespace
}  // namespace skerry

int main(int argc, char** argv) {
  skerry::learning::FixKernels();
  skerry::Options options;
  if (argc != 2 && argc != 5) {
    std::fprintf(stderr, "usage: compression_bench FOLDER [SITES IMAGES ROUNDS]\n");
    return 2;
  }
  options.folder = argv[1];
  if (argc == 5) {
    options.sites = std::atoi(argv[2]);
    options.images = std::atoi(argv[3]);
    options.rounds = std::atoi(argv[4]);
  }
  const skerry::Status status = skerry::Run(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
