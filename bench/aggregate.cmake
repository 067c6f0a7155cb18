find_package(CLI11 REQUIRED)
find_package(benchmark REQUIRED)
skerry_bench(skerry_bench_aggregate SOURCES aggregate.cc
  LINK skerry_coordinator skerry_learning CLI11::CLI11)
skerry_bench(skerry_kernels_bench SOURCES kernels_bench.cc
  LINK skerry_learning skerry_crypto benchmark::benchmark)
