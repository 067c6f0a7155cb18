// The loops that a round's time is made of, each by itself, in bytes per second: what is read, of
// all sites, for a reduction.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/random.h"
#include "crypto/sha256.h"
#include "learning/aggregators/all.h"
#include "learning/setup.h"

namespace skerry::bench {
namespace {

constexpr int64_t kElements = 16 * 1024;  // of a row: about a block of a round

std::vector<float> Values(int64_t count, uint64_t seed) {
  RandomStream random(seed, Purpose::kSimulation, 0, "", 0);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(random.Uniform() - 0.5);
  return values;
}

void CountBytes(benchmark::State& state, int64_t bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * bytes);
}

void Reduce(benchmark::State& state, const std::string& rule) {
  v1::AggregationSpec spec;
  spec.set_rule(rule);
  spec.set_trim(0.1);
  const auto aggregator = learning::MakeAggregator(spec).value();
  std::vector<std::vector<float>> values;
  std::vector<learning::UpdateInfo> infos;
  for (int64_t k = 0; k < state.range(0); ++k) {
    values.push_back(Values(kElements, static_cast<uint64_t>(k)));
    infos.push_back({"site", k + 1, 0});
  }
  const std::vector<std::span<const float>> rows(values.begin(), values.end());
  const learning::Coefficients coefficients = aggregator->Weigh(infos).value();
  std::vector<double> out(kElements);
  for (auto _ : state) {
    aggregator->Reduce(rows, coefficients, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  CountBytes(state, 4 * kElements * state.range(0));
}
BENCHMARK_CAPTURE(Reduce, mean, "mean")->Arg(2)->Arg(10)->Arg(50);
BENCHMARK_CAPTURE(Reduce, median, "median")->Arg(3)->Arg(10)->Arg(16)->Arg(17)->Arg(50)->Arg(64);
BENCHMARK_CAPTURE(Reduce, trimmed_mean, "trimmed_mean")->Arg(10)->Arg(50);

void CheckF32(benchmark::State& state) {
  const std::vector<float> values = Values(4 * kElements, 1);
  for (auto _ : state) benchmark::DoNotOptimize(learning::CheckF32(values));
  CountBytes(state, 16 * kElements);
}
BENCHMARK(CheckF32);

const std::string& Mebibyte() {
  static const std::string bytes(1 << 20, 'x');
  return bytes;
}

void Crc32cOfAMebibyte(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Crc32c(Mebibyte()));
  CountBytes(state, 1 << 20);
}
BENCHMARK(Crc32cOfAMebibyte);

void Sha256OfAMebibyte(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(crypto::Sha256(Mebibyte()));
  CountBytes(state, 1 << 20);
}
BENCHMARK(Sha256OfAMebibyte);

void PhiloxBlocks(benchmark::State& state) {
  uint32_t counter = 0;
  for (auto _ : state) benchmark::DoNotOptimize(Philox({1, 2}, {++counter, 0, 0, 0}));
  CountBytes(state, 16);
}
BENCHMARK(PhiloxBlocks);

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  skerry::learning::FixKernels();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
