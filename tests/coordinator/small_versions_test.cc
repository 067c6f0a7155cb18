// Versions whose bytes stand in the journal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness.h"
#include "storage/checkpoint_store.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Two sites and a coordinator.
struct World {
  void Begin(int rounds, const std::string& keep = "") {
    RunFile file;
    file.rounds = rounds;
    file.extra = keep;
    h.Submit(file);
    Join();
  }
  void Join() {
    ASSERT_OK(a.Join());
    ASSERT_OK(b.Join());
  }
  void WorkUntil(int last) {
    while (run().last_committed_round() < last) {
      const v1::Task task_a = a.Take();
      const v1::Task task_b = b.Take();
      ASSERT_OK(a.Submit(task_a, {1, 2, 3}));
      ASSERT_OK(b.Submit(task_b, {4, 5, 6}));
    }
  }
  const Run& run() { return *h.coordinator->FindRun("t-1"); }
  std::string State() { return std::string(Name(run().record().state)); }
  std::vector<std::string> Names() {
    const auto names = h.files.List("state/runs/t-1");
    return names.ok() ? *names : std::vector<std::string>();
  }
  Status Export(int64_t version) {
    v1::ExportModelRequest request;
    request.set_run_id("t-1");
    request.set_version(version);
    return h
        .Call<Coordinator::ExportedModel>(
            [&](auto done) { h.coordinator->ExportModel(request, std::move(done)); })
        .status();
  }

  Harness h;
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
};

class SmallVersionsTest : public ::testing::Test, protected World {};

TEST_F(SmallVersionsTest, WhileARunGoesOnTheyNeedNoFilesAndPowerLossTakesNothing) {
  Begin(3);
  for (int round = 0; round < 3; ++round) {
    WorkUntil(round);
    EXPECT_THAT(Names(), IsEmpty());
    EXPECT_OK(Export(round));
    h.files.PowerLoss();
    h.Restart();
    Join();
    EXPECT_OK(Export(round));
  }
  WorkUntil(3);
  EXPECT_EQ(State(), "completed");
  World undisturbed;
  undisturbed.Begin(3);
  undisturbed.WorkUntil(3);
  EXPECT_EQ(run().base()->model_hash, undisturbed.run().base()->model_hash);
}

TEST_F(SmallVersionsTest, AtItsEndThoseThatStayBecomeFilesAndComeBackIfThePowerTakesThem) {
  Begin(3, "[keep]\ncheckpoints = 2\nbest = 0");
  WorkUntil(3);
  const auto both = ElementsAre("model-2.safetensors", "model-3.safetensors");
  EXPECT_THAT(Names(), both);
  const std::string path = "state/runs/t-1/model-3.safetensors";
  ASSERT_OK_AND_ASSIGN(const std::string before, ReadFile(h.files, path));
  for (const bool gone : {false, true}) {
    if (gone) {
      ASSERT_OK(h.files.Remove(path));
    } else {
      ASSERT_OK_AND_ASSIGN(const auto file, h.files.Open(path, OpenMode::kReadWrite));
      ASSERT_OK(file->Truncate(before.size() / 2));
    }
    h.Restart();
    ASSERT_OK_AND_ASSIGN(const std::string after, ReadFile(h.files, path));
    EXPECT_EQ(after, before);
  }
  EXPECT_THAT(Names(), both);
}

TEST_F(SmallVersionsTest, FilesThatAnEarlierProcessMadeOfThemGo) {
  Begin(3);
  WorkUntil(1);
  ASSERT_OK(h.files.MakeDirectories("state/runs/t-1"));
  for (const char* name : {"model-0", "model-1", "model-7"}) {
    const std::string path = "state/runs/t-1/" + std::string(name) + ".safetensors";
    ASSERT_OK(h.files.Open(path, OpenMode::kCreate));
  }
  h.Restart();
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_OK(Export(1));
}

TEST_F(SmallVersionsTest, OfManyThatStayTheOldestAreFiles) {
  constexpr int kRounds = static_cast<int>(kMostInMemory) + 3;
  Begin(kRounds + 1, "[keep]\ncheckpoints = 1000");
  WorkUntil(kRounds);
  EXPECT_THAT(Names(), ElementsAre("model-0.safetensors", "model-1.safetensors",
                                   "model-2.safetensors", "model-3.safetensors"));
  for (int version = 0; version <= kRounds; ++version) EXPECT_OK(Export(version));
  for (const char* full : {"/runs/", ""}) {
    h.files.PowerLoss();  // takes the files
    h.disk.no_room_for = full;
    h.Restart();
    EXPECT_EQ(Names().size(), *full == '\0' ? 4U : 0U);
    for (int version = 0; version <= kRounds; ++version) EXPECT_OK(Export(version));
  }
}

TEST_F(SmallVersionsTest, AFileThatCannotBeWrittenAtTheEndIsWrittenAtTheNextStart) {
  Begin(1);
  h.disk.no_room_for = "/runs/";
  WorkUntil(1);
  EXPECT_EQ(State(), "completed");
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_OK(Export(1));
  ASSERT_OK_AND_ASSIGN(const auto events, h.journal.Events("t-1", 1));
  EXPECT_THAT(events.back().message, HasSubstr("in the journal alone"));
  h.disk.no_room_for.clear();
  h.Restart();
  EXPECT_THAT(Names(), ElementsAre("model-0.safetensors", "model-1.safetensors"));
  EXPECT_OK(Export(1));
}

}  // namespace
}  // namespace skerry::coordinator
