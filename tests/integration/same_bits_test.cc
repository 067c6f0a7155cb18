// The same simulation on machines that differ in what their CPUs can do.
#include <gtest/gtest.h>

#include "deployment.h"

namespace skerry::testing {
namespace {

std::string Simulate(const Deployment& federation, const std::string& tunables) {
  std::map<std::string, std::string> environment;
  if (!tunables.empty()) environment["GLIBC_TUNABLES"] = tunables;
  const Finished finished = RunToEnd({Program("skerry"), "simulate", federation.File("run.toml"),
                                      "--out", federation.File("out"), "--quiet"},
                                     federation.path(), environment);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  return Field(finished.out, "sha256");
}

class SameBits : public ::testing::TestWithParam<const char*> {};

TEST_P(SameBits, WhateverGlibcFindsInTheCpu) {
  Deployment federation({"north", "south"});
  std::string file = Deployment::RunFile(5);
  file.replace(file.find("kind = \"logistic\""), 17, GetParam());
  WriteAll(federation.File("run.toml"), file);
  const std::string all = Simulate(federation, "");
  ASSERT_EQ(all.size(), 64U);
  EXPECT_EQ(Simulate(federation, "glibc.cpu.hwcaps=-AVX2,-AVX512F,-FMA,-FMA4,-ERMS,-AVX2_Usable"),
            all);
  EXPECT_EQ(Simulate(federation,
                     "glibc.cpu.x86_data_cache_size=16384:glibc.cpu.x86_shared_cache_size=65536"),
            all);
}

INSTANTIATE_TEST_SUITE_P(
    Models, SameBits,
    ::testing::Values("kind = \"logistic\"",
                      "kind = \"mlp\"\nhidden = [32, 16]\nactivation = \"tanh\"",
                      "kind = \"network\"\nloss = \"logistic\"\ninput_shape = [1, 2, 2]\n"
                      "layers = [{ kind = \"conv\", units = 9, kernel = 2, padding = \"same\", "
                      "activation = \"gelu\" }, { kind = \"batch_norm\" }, { kind = \"flatten\" }, "
                      "{ kind = \"dropout\", rate = 0.2 }, { kind = \"dense\", units = 1 }]"));

}  // namespace
}  // namespace skerry::testing
