#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <tuple>
#include <vector>

#include "base/text.h"
#include "disk/world.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"

// Every call to every disk of a federation fails in turn, once and until the disk is mended.
// Whatever it was, the run ends in the model of the undisturbed run.
namespace skerry::disk {
namespace {

using testing::DiskFailure;

// Two sites, a round of statistics, two of training, one of evaluation; the model is too large to
// travel inside a task.
std::string RunFile() {
  std::string file =
      testing::PatientsRunFile(2, "[participation]\nsites = [\"site-100\", \"site-101\"]\n");
  file.replace(file.find("kind = \"logistic\""), 17,
               "kind = \"mlp\"\nhidden = [3000]\nactivation = \"relu\"");
  return file;
}

struct Undisturbed {
  std::string model_hash;
  int64_t num_calls = 0;  // that a failure of this kind could hit
};

Undisturbed RunUndisturbed(const std::string& machine, DiskFailure kind) {
  World world(RunFile());
  world.machine(machine).faults.Arm(kind, 0, false);
  EXPECT_OK(world.Run());
  EXPECT_TRUE(world.completed());
  Result<std::string> hash = world.ModelHash();
  EXPECT_OK(hash);
  return {hash.ok() ? *hash : "", world.machine(machine).faults.num_calls()};
}

enum class Until { kOnce, kHealed };

using Case = std::tuple<const char*, DiskFailure, Until>;

class DiskFaultsTest : public ::testing::TestWithParam<Case> {};

TEST_P(DiskFaultsTest, TheRunEndsInTheSameModelWhicheverCallFails) {
  const auto& [machine, kind, until] = GetParam();
  const Undisturbed expected = RunUndisturbed(machine, kind);
  ASSERT_GT(expected.num_calls, 0);
  const char* only = std::getenv("K");
  for (int64_t k = 1; k <= expected.num_calls; ++k) {
    if (only && std::atoi(only) != k) continue;
    World world(RunFile());
    testing::DiskFaults& faults = world.machine(machine).faults;
    faults.Arm(kind, k, until == Until::kHealed);
    Status status = world.Run();
    int resumed = 0;
    while (status.ok() && world.paused() && resumed < 5) {
      ++resumed;
      faults.Heal();
      world.ResumeByHand();
      status = world.Run();
    }
    std::string deaths;
    for (const auto& [name, all] : world.deaths()) {
      deaths += name + " x" + std::to_string(all.size()) + " " + all.front().ToString() + "; ";
    }
    const Result<std::string> hash = world.ModelHash();
    const bool same = hash.ok() && *hash == expected.model_hash;
    std::printf("%ld %s: %s%s%s resumed=%d %s deaths: %s\n", k, faults.first_failure().c_str(),
                status.ToString().c_str(), world.completed() ? " completed" : " NOT COMPLETED",
                same ? "" : " OTHER MODEL", resumed, faults.hit() ? "" : "NOT HIT", deaths.c_str());
    if (only)
      for (const std::string& line : world.said()) std::printf("    %s\n", line.c_str());
  }
}

std::string NameOf(const ::testing::TestParamInfo<Case>& info) {
  constexpr std::array<const char*, 3> kKinds = {"Full", "Broken", "Sync"};
  const std::string machine = std::get<0>(info.param);
  return (machine == kCoordinator ? "Coordinator" : "Client") +
         std::string(kKinds[static_cast<std::size_t>(std::get<1>(info.param))]) +
         (std::get<2>(info.param) == Until::kOnce ? "Once" : "UntilHealed");
}

INSTANTIATE_TEST_SUITE_P(All, DiskFaultsTest,
                         ::testing::Combine(::testing::Values(kCoordinator, "site-101"),
                                            ::testing::Values(DiskFailure::kFull,
                                                              DiskFailure::kBroken,
                                                              DiskFailure::kSync),
                                            ::testing::Values(Until::kOnce, Until::kHealed)),
                         NameOf);

}  // namespace
}  // namespace skerry::disk
