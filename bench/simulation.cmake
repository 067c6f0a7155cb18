# What a simulated federation costs, and what a run of many rounds leaves behind.
skerry_executable(skerry_simulation_bench SOURCES simulation_bench.cc virtual_rows.cc
  LINK skerry_simulation)
