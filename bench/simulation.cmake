# What a simulated federation costs, and what a run of many rounds costs and leaves behind.
skerry_executable(skerry_simulation_bench SOURCES simulation_bench.cc virtual_rows.cc
  LINK skerry_simulation)
skerry_executable(skerry_rounds_bench
  SOURCES rounds_bench.cc virtual_rows.cc ${PROJECT_SOURCE_DIR}/tests/disk/in_process_api.cc
  LINK skerry_simulation)
target_include_directories(skerry_rounds_bench PRIVATE ${PROJECT_SOURCE_DIR}/tests
  ${PROJECT_SOURCE_DIR}/tests/disk)
