#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <tuple>

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

class DiskFaultsTest : public ::testing::TestWithParam<Case> {
 protected:
  const std::string machine_ = std::get<0>(GetParam());
  const DiskFailure kind_ = std::get<1>(GetParam());
  const Until until_ = std::get<2>(GetParam());
};

// Goes on until the run has ended; how often a person had to say so.
int RunToTheEnd(World& world, testing::DiskFaults& faults) {
  constexpr int kPatience = 3;
  int resumed = 0;
  Status status = world.Run();
  for (; status.ok() && world.paused() && resumed < kPatience; ++resumed) {
    faults.Heal();
    world.ResumeByHand();
    status = world.Run();
  }
  EXPECT_OK(status);
  EXPECT_TRUE(world.completed());
  return resumed;
}

// A full disk holds things up and ends nothing, but for a process that has only just begun: that
// one says what it lacks and is started again.
void ExpectOnlyWaiting(const World& world, int resumed, const std::string& path) {
  EXPECT_EQ(resumed, 0) << "it goes on by itself";
  if (path.find("/runs/") != std::string::npos) {
    EXPECT_TRUE(world.Said("run_paused: disk_full: "));
    EXPECT_TRUE(world.Said("run_resumed: there is room on the disk again"));
  }
  for (const World::Death& death : world.deaths()) {
    EXPECT_TRUE(death.at_start) << death.why.ToString();
    EXPECT_THAT(death.why, testing::HasCode(Code::kResourceExhausted));
  }
}

// What people are told names the file; of a database's log, the database. Of a disk that stays
// broken the process may have met the database too and ended over that, before it could tell of the
// file.
void ExpectTheFileIsNamed(const World& world, const std::string& path, Until until) {
  std::string name = path.substr(path.rfind('/') + 1);
  for (const char* beside : {"-wal", "-journal"}) {
    if (name.ends_with(beside)) name.resize(name.size() - std::strlen(beside));
  }
  const bool ended_over_database =
      until == Until::kHealed && !world.deaths().empty() &&
      world.deaths().front().why.message().find(".db: ") != std::string::npos;
  EXPECT_TRUE(world.Said(name) || ended_over_database) << name;
}

// After it the contents are unknown: the process ends, whatever else it had in hand.
void ExpectTheProcessEnded(const World& world, const std::string& machine) {
  ASSERT_FALSE(world.deaths().empty());
  EXPECT_EQ(world.deaths().front().machine, machine);
  EXPECT_THAT(world.deaths().front().why, testing::HasCode(Code::kInternal));
  EXPECT_EQ(world.num_power_losses(), 1);
}

TEST_P(DiskFaultsTest, TheRunEndsInTheSameModelWhicheverCallFails) {
  const Undisturbed expected = RunUndisturbed(machine_, kind_);
  ASSERT_GT(expected.num_calls, 0);
  int64_t num_hit = 0;
  int64_t num_by_hand = 0;
  for (int64_t k = 1; k <= expected.num_calls; ++k) {
    World world(RunFile());
    testing::DiskFaults& faults = world.machine(machine_).faults;
    faults.Arm(kind_, k, until_ == Until::kHealed);
    const int resumed = RunToTheEnd(world, faults);
    SCOPED_TRACE("call " + std::to_string(k) + ": " + faults.first_failure());
    if (faults.hit()) ++num_hit;
    num_by_hand += resumed > 0 ? 1 : 0;
    const Result<std::string> hash = world.ModelHash();
    EXPECT_OK(hash);
    EXPECT_TRUE(hash.ok() && *hash == expected.model_hash);
    const bool was_write = faults.first_failure().starts_with("writing");
    if (kind_ == DiskFailure::kFull) {
      ExpectOnlyWaiting(world, resumed, faults.first_path());
    }
    if (kind_ == DiskFailure::kSync) ExpectTheProcessEnded(world, machine_);
    if (kind_ == DiskFailure::kBroken && was_write) {
      ExpectTheFileIsNamed(world, faults.first_path(), until_);
    }
    if (HasFailure()) {
      for (const std::string& line : world.said()) std::printf("    %s\n", line.c_str());
      FAIL();
    }
  }
  EXPECT_EQ(num_hit, expected.num_calls);
  std::printf("%lld calls failed in turn; after %lld of them a person had to resume the run\n",
              static_cast<long long>(num_hit), static_cast<long long>(num_by_hand));
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
