// Closing a round, without the rest: K updates of N float32 in files, reduced block by block by the
// coordinator's own pass (coordinator/block_pass.h) into a file. One line for each rule and number
// of threads; the hash of the result must not depend on the threads.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/files.h"
#include "bench/peak_memory.h"
#include "coordinator/block_pass.h"
#include "coordinator/file_values.h"
#include "coordinator/update_statistics.h"
#include "crypto/sha256.h"
#include "learning/strategy.h"

namespace skerry::bench {
namespace {

struct Options {
  int64_t sites = 10;
  int64_t elements = 10'000'000;
  int repeats = 5;
  int64_t shift = 0;
  std::vector<int> threads = {1, 2};
  std::vector<std::string> rules = {"mean", "median", "trimmed_mean"};
  std::string folder = std::filesystem::temp_directory_path();
};

struct Measured {
  double seconds = 0;
  double cpu_seconds = 0;
  std::string hash;
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Element i of site k's update: of both signs, of many magnitudes, another one for each k and i.
float Value(uint64_t k, uint64_t i) {
  uint64_t x = (k << 40U) + i + 1;
  x = (x ^ (x >> 29U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 32U)) * 0x94d049bb133111ebU;
  const auto mantissa = static_cast<uint32_t>(x >> 41U);
  const uint32_t exponent = 110 + (static_cast<uint32_t>(x) & 15U);
  const uint32_t sign = static_cast<uint32_t>(x >> 8U) & 1U;
  return std::bit_cast<float>((sign << 31U) | (exponent << 23U) | mantissa);
}

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options),
        folder_(options.folder + "/skerry-aggregate-" + std::to_string(::getpid())) {}
  ~Bench() { std::filesystem::remove_all(folder_); }
  Bench(const Bench&) = delete;

  Status MakeUpdates() {
    SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(folder_));
    for (int64_t k = 0; k < options_.sites; ++k) {
      const std::string path = folder_ + "/update-" + std::to_string(k);
      SKERRY_ASSIGN_OR_RETURN(auto file, files_.Open(path, OpenMode::kCreate));
      SKERRY_RETURN_IF_ERROR(Fill(*file, static_cast<uint64_t>(k)));
      updates_.push_back(std::move(file));
      infos_.push_back({"site-" + std::to_string(k), 10 * (k + 1), 0});
    }
    return OkStatus();
  }

  // The best of all repeats.
  Result<Measured> Measure(const learning::Strategy& strategy, int threads) {
    ThreadPool pool(std::max(1, threads - 1));
    Measured best;
    for (int i = 0; i < options_.repeats; ++i) {
      SKERRY_ASSIGN_OR_RETURN(const Measured one, MeasureOnce(strategy, pool, threads));
      if (i == 0 || one.seconds < best.seconds) best = one;
    }
    return best;
  }

 private:
  Status Fill(File& file, uint64_t k) const {
    std::vector<float> block(64 * 1024);
    const auto size = static_cast<uint64_t>(options_.elements);
    for (uint64_t first = 0; first < size; first += block.size()) {
      const std::size_t n = std::min<std::size_t>(block.size(), size - first);
      for (std::size_t i = 0; i < n; ++i) block[i] = Value(k, first + i);
      SKERRY_RETURN_IF_ERROR(
          coordinator::WriteValues(file, Offset(first), std::span<const float>(block).first(n)));
    }
    return OkStatus();
  }

  uint64_t Offset(uint64_t element) const {
    return static_cast<uint64_t>(options_.shift) + element * sizeof(float);
  }

  Result<Measured> MeasureOnce(const learning::Strategy& strategy, Executor& executor,
                               int threads) {
    SKERRY_ASSIGN_OR_RETURN(auto model, files_.Open(folder_ + "/model", OpenMode::kCreate));
    const double cpu_before = CpuSeconds();
    const auto before = std::chrono::steady_clock::now();
    SKERRY_RETURN_IF_ERROR(Reduce(strategy, *model, executor, threads));
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - before;
    Measured measured;
    measured.seconds = wall.count();
    measured.cpu_seconds = CpuSeconds() - cpu_before;
    SKERRY_ASSIGN_OR_RETURN(measured.hash, HashOf(*model));
    return measured;
  }

  Status Reduce(const learning::Strategy& strategy, File& model, Executor& executor, int threads) {
    const learning::RoundScalars scalars;
    const coordinator::UpdateReader reader(Offset(0), options_.elements);
    std::vector<coordinator::Update> updates;
    for (const auto& file : updates_) updates.push_back({file.get(), &reader});
    SKERRY_ASSIGN_OR_RETURN(const learning::Coefficients coefficients,
                            coordinator::WeighUpdates(strategy, infos_,
                                                      {.updates = updates,
                                                       .num_elements = options_.elements,
                                                       .compute = executor,
                                                       .num_threads = threads}));
    return coordinator::RunBlockPass({.num_elements = options_.elements,
                                      .strategy = strategy,
                                      .coefficients = coefficients,
                                      .scalars = scalars,
                                      .sections = {std::move(updates)},
                                      .base_model = {},
                                      .initial = &Zeros,
                                      .base_state = {}},
                                     {.model = {&model, 0}, .state = {}}, executor, threads);
  }

  static void Zeros(int64_t /*first*/, std::span<double> out) {
    std::fill(out.begin(), out.end(), 0.0);
  }

  static Result<std::string> HashOf(const File& file) {
    crypto::Sha256Stream hash;
    std::vector<char> block(64 * 1024);
    for (uint64_t offset = 0;; offset += block.size()) {
      SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(offset, block));
      hash.Update({block.data(), n});
      if (n < block.size()) return std::move(hash).Finish().Hex();
    }
  }

  const Options options_;
  const std::string folder_;
  PosixFiles files_;
  std::vector<std::unique_ptr<File>> updates_;
  std::vector<learning::UpdateInfo> infos_;
};

void Print(const Options& options, const std::string& rule, int threads, const Measured& m) {
  const double gigabytes = 4e-9 * static_cast<double>(options.sites * options.elements);
  std::printf("%-16s K=%-4ld threads=%d  %.4f s  %.4f cpu-s  %6.2f GB/s  rss %.1f MB  %.16s\n",
              rule.c_str(), static_cast<long>(options.sites), threads, m.seconds, m.cpu_seconds,
              gigabytes / m.seconds, PeakMebibytes() * 1.048576, m.hash.c_str());
  std::fflush(stdout);
}

Status Run(const Options& options) {
  Bench bench(options);
  SKERRY_RETURN_IF_ERROR(bench.MakeUpdates());
  for (const std::string& rule : options.rules) {
    v1::TrainingSpec spec;
    spec.set_strategy("fedavg");
    spec.mutable_aggregation()->set_rule(rule);
    spec.mutable_aggregation()->set_trim(0.1);
    spec.mutable_aggregation()->set_attackers(1);
    spec.mutable_aggregation()->set_radius(1.0);
    SKERRY_ASSIGN_OR_RETURN(const auto strategy, learning::MakeStrategy(spec));
    std::string hash;
    for (const int threads : options.threads) {
      SKERRY_ASSIGN_OR_RETURN(const Measured measured, bench.Measure(*strategy, threads));
      Print(options, rule, threads, measured);
      if (!hash.empty() && hash != measured.hash) {
        return Internal(rule + ": the result depends on the number of threads");
      }
      hash = measured.hash;
    }
  }
  return OkStatus();
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Reduces updates from files as a coordinator does, and says how long it takes.");
  app.add_option("--sites", options.sites, "K");
  app.add_option("--elements", options.elements, "float32 values of an update");
  app.add_option("--repeats", options.repeats, "of which the best counts");
  app.add_option("--shift", options.shift, "bytes before an update in its file");
  app.add_option("--threads", options.threads, "one or several numbers")->delimiter(',');
  app.add_option("--rules", options.rules, "[aggregation] rule, one or several")->delimiter(',');
  app.add_option("--folder", options.folder, "where the files are made, and removed again");
  CLI11_PARSE(app, argc, argv);
  const Status status = Run(options);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) { return skerry::bench::Main(argc, argv); }
