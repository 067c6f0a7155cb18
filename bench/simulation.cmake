# What a simulated federation costs, and what a run of many rounds costs and leaves behind.
skerry_bench(skerry_simulation_bench SOURCES simulation_bench.cc virtual_rows.cc
  LINK skerry_allocator skerry_simulation)
skerry_bench(skerry_growth_bench
  SOURCES growth_bench.cc virtual_rows.cc ${PROJECT_SOURCE_DIR}/tests/disk/in_process_api.cc
  LINK skerry_simulation)
target_include_directories(skerry_growth_bench PRIVATE ${PROJECT_SOURCE_DIR}/tests
  ${PROJECT_SOURCE_DIR}/tests/disk)
# How fast one core trains.
skerry_bench(skerry_training_bench SOURCES training_bench.cc LINK skerry_learning)
