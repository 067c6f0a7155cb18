// The loops that a round's time is made of, each by itself, in bytes per second: what is read, of
// all sites, for a reduction.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/random.h"
#include "crypto/chunk_digest.h"
#include "crypto/sha256.h"
#include "learning/aggregators/all.h"
#include "learning/compression/dense.h"
#include "learning/compression/top_k.h"
#include "learning/finite.h"
#include "learning/model.h"
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

// How updates travel, in bytes of float32 per second.
learning::Encoding EncodingOf(learning::Encoding::Kind kind) {
  learning::Encoding encoding;
  encoding.kind = kind;
  const bool scaled = kind != learning::Encoding::Kind::kBF16;
  if (scaled) encoding.block = 256;
  return encoding;
}

std::vector<char> Encode(const learning::Encoding& encoding, const std::vector<float>& values) {
  std::vector<char> bytes(static_cast<std::size_t>(learning::EncodedBytes(encoding, kElements)));
  SKERRY_CHECK(learning::EncodeDense(encoding, {1, 2, "site"}, 0, values, bytes).ok());
  return bytes;
}

void EncodeUpdate(benchmark::State& state, learning::Encoding::Kind kind) {
  const learning::Encoding encoding = EncodingOf(kind);
  const std::vector<float> values = Values(kElements, 1);
  std::vector<char> bytes = Encode(encoding, values);
  for (auto _ : state) {
    benchmark::DoNotOptimize(learning::EncodeDense(encoding, {1, 2, "site"}, 0, values, bytes));
    benchmark::ClobberMemory();
  }
  CountBytes(state, 4 * kElements);
}
BENCHMARK_CAPTURE(EncodeUpdate, f16, learning::Encoding::Kind::kF16);
BENCHMARK_CAPTURE(EncodeUpdate, bf16, learning::Encoding::Kind::kBF16);
BENCHMARK_CAPTURE(EncodeUpdate, int8, learning::Encoding::Kind::kInt8);

void CheckUpdate(benchmark::State& state, learning::Encoding::Kind kind) {
  const learning::Encoding encoding = EncodingOf(kind);
  const std::vector<char> bytes = Encode(encoding, Values(kElements, 1));
  for (auto _ : state) benchmark::DoNotOptimize(learning::CheckDense(encoding, 0, bytes));
  CountBytes(state, 4 * kElements);
}
BENCHMARK_CAPTURE(CheckUpdate, f16, learning::Encoding::Kind::kF16);
BENCHMARK_CAPTURE(CheckUpdate, int8, learning::Encoding::Kind::kInt8);

void DecodeUpdate(benchmark::State& state, learning::Encoding::Kind kind) {
  const learning::Encoding encoding = EncodingOf(kind);
  const std::vector<char> bytes = Encode(encoding, Values(kElements, 1));
  std::vector<float> values(kElements);
  for (auto _ : state) {
    learning::DecodeDense(encoding, bytes, 0, values);
    benchmark::DoNotOptimize(values.data());
    benchmark::ClobberMemory();
  }
  CountBytes(state, 4 * kElements);
}
BENCHMARK_CAPTURE(DecodeUpdate, f16, learning::Encoding::Kind::kF16);
BENCHMARK_CAPTURE(DecodeUpdate, bf16, learning::Encoding::Kind::kBF16);
BENCHMARK_CAPTURE(DecodeUpdate, int8, learning::Encoding::Kind::kInt8);

// A hundredth of them; those that stay are put back in each turn.
void TakeTopKOfUpdate(benchmark::State& state) {
  const std::vector<float> all = Values(64 * kElements, 1);
  std::vector<float> values = all;
  std::vector<uint32_t> indices(all.size() / 100);
  std::vector<float> kept(indices.size());
  for (auto _ : state) {
    std::copy(all.begin(), all.end(), values.begin());
    learning::TakeTopK(values, indices, kept);
    benchmark::DoNotOptimize(kept.data());
  }
  CountBytes(state, 4 * 64 * kElements);
}
BENCHMARK(TakeTopKOfUpdate);

// One mini-batch of logistic regression: what a small site's step is made of.
void LogisticGradient(benchmark::State& state) {
  constexpr int64_t kInputs = 30;
  const int64_t rows = state.range(0);
  v1::ModelSpec spec;
  spec.set_kind("logistic");
  const auto model = learning::MakeModel(spec, kInputs, 2).value();
  const std::vector<float> features = Values(rows * kInputs, 1);
  std::vector<float> labels(static_cast<std::size_t>(rows));
  for (std::size_t r = 0; r < labels.size(); ++r) labels[r] = static_cast<float>(r % 2);
  const std::vector<float> parameters = Values(kInputs + 1, 2);
  std::vector<float> gradient(parameters.size());
  const auto workspace = model->NewWorkspace(rows);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        model->Gradient(parameters, {rows, features, labels}, gradient, *workspace));
  }
  CountBytes(state, 4 * rows * kInputs);
}
BENCHMARK(LogisticGradient)->Arg(10)->Arg(100);

const std::string& Mebibyte() {
  static const std::string bytes(1 << 20, 'x');
  return bytes;
}

void Crc32cOfAMebibyte(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Crc32c(Mebibyte()));
  CountBytes(state, 1 << 20);
}
BENCHMARK(Crc32cOfAMebibyte);

void Crc32cAnywhereOfAMebibyte(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Crc32cAnywhere(Mebibyte()));
  CountBytes(state, 1 << 20);
}
BENCHMARK(Crc32cAnywhereOfAMebibyte);

void Sha256OfAMebibyte(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(crypto::Sha256(Mebibyte()));
  CountBytes(state, 1 << 20);
}
BENCHMARK(Sha256OfAMebibyte);

void Sha256OfTwoMebibytes(benchmark::State& state) {
  const std::array<std::string_view, 2> messages = {Mebibyte(), Mebibyte()};
  std::array<crypto::Digest, 2> digests;
  for (auto _ : state) {
    crypto::Sha256Each(messages, digests);
    benchmark::DoNotOptimize(digests);
  }
  CountBytes(state, 2 << 20);
}
BENCHMARK(Sha256OfTwoMebibytes);

void ChunkDigestOfAMebibyte(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(crypto::ChunkDigest(Mebibyte()));
  CountBytes(state, 1 << 20);
}
BENCHMARK(ChunkDigestOfAMebibyte);

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
