# Thousands of sites in one process.
skerry_bench(idle_sites SOURCES idle_sites.cc site_certificates.cc
  LINK skerry_rpc_grpc skerry_crypto skerry_protos_grpc CLI11::CLI11)
