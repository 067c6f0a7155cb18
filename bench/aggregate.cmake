find_package(CLI11 REQUIRED)
skerry_bench(skerry_bench_aggregate SOURCES aggregate.cc
  LINK skerry_coordinator skerry_learning CLI11::CLI11)
