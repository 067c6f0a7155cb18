# Thousands of sites in one process.
skerry_bench(idle_sites SOURCES idle_sites.cc many_sites.cc
  LINK skerry_rpc_grpc skerry_crypto skerry_protos_grpc CLI11::CLI11)
skerry_bench(busy_sites SOURCES busy_sites.cc many_sites.cc streaming_trainer.cc
  LINK skerry_client skerry_rpc_grpc skerry_storage CLI11::CLI11)
