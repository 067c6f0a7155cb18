#include "base/memory_files.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "testing/status_matchers.h"

namespace skerry {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::IsEmpty;

// What a disk may forget when the plug is pulled.
class PowerLossTest : public ::testing::Test {
 protected:
  PowerLossTest() { EXPECT_OK(files_.MakeDirectories("/d")); }

  // Each step of publishing by itself, so that the plug can be pulled between any two.
  void Write(const std::string& path, const std::string& bytes) {
    ASSERT_OK_AND_ASSIGN(const auto file, files_.Open(path, OpenMode::kCreate));
    ASSERT_OK(file->WriteAt(0, bytes));
  }
  void Sync(const std::string& path) {
    ASSERT_OK_AND_ASSIGN(const auto file, files_.Open(path, OpenMode::kReadWrite));
    ASSERT_OK(file->Sync());
  }
  std::string Read(const std::string& path) {
    Result<std::string> bytes = ReadFile(files_, path);
    return bytes.ok() ? *bytes : bytes.status().ToString();
  }

  MemoryFiles files_;
};

TEST_F(PowerLossTest, ANewNameIsForgottenUntilItsDirectoryIsSynced) {
  Write("/d/f", "x");
  Sync("/d/f");
  files_.PowerLoss();
  EXPECT_THAT(*files_.List("/d"), IsEmpty());
}

TEST_F(PowerLossTest, NewContentsAreForgottenUntilTheFileIsSynced) {
  Write("/d/f", "old");
  Sync("/d/f");
  ASSERT_OK(files_.SyncDirectory("/d"));
  Write("/d/f", "newer and longer");
  files_.PowerLoss();
  EXPECT_EQ(Read("/d/f"), "old");
}

TEST_F(PowerLossTest, ANameWithoutSyncedContentsIsAnEmptyFile) {
  Write("/d/f", "x");
  ASSERT_OK(files_.SyncDirectory("/d"));
  files_.PowerLoss();
  EXPECT_EQ(Read("/d/f"), "");
}

TEST_F(PowerLossTest, FileAndDirectorySyncedIsKept) {
  Write("/d/f", "x");
  Sync("/d/f");
  ASSERT_OK(files_.SyncDirectory("/d"));
  files_.PowerLoss();
  EXPECT_EQ(Read("/d/f"), "x");
  files_.PowerLoss();
  EXPECT_EQ(Read("/d/f"), "x");
}

TEST_F(PowerLossTest, ARenameIsForgottenUntilTheDirectoryIsSynced) {
  ASSERT_OK(PublishFile(files_, "/d/f", "old"));
  Write("/d/f.tmp", "new");
  Sync("/d/f.tmp");
  ASSERT_OK(files_.Rename("/d/f.tmp", "/d/f"));
  EXPECT_EQ(Read("/d/f"), "new");
  files_.PowerLoss();
  EXPECT_EQ(Read("/d/f"), "old");
}

TEST_F(PowerLossTest, ARemovalIsForgottenUntilTheDirectoryIsSynced) {
  ASSERT_OK(PublishFile(files_, "/d/f", "x"));
  ASSERT_OK(files_.Remove("/d/f"));
  files_.PowerLoss();
  EXPECT_EQ(Read("/d/f"), "x");
  ASSERT_OK(files_.Remove("/d/f"));
  ASSERT_OK(files_.SyncDirectory("/d"));
  files_.PowerLoss();
  EXPECT_THAT(files_.Open("/d/f", OpenMode::kRead), HasCode(Code::kNotFound));
}

TEST_F(PowerLossTest, SyncingOneDirectorySaysNothingAboutAnother) {
  ASSERT_OK(files_.MakeDirectories("/d/e"));
  Write("/d/f", "x");
  Sync("/d/f");
  Write("/d/e/g", "x");
  Sync("/d/e/g");
  ASSERT_OK(files_.SyncDirectory("/d/e"));
  files_.PowerLoss();
  EXPECT_THAT(*files_.List("/d"), ElementsAre("e"));
  EXPECT_THAT(*files_.List("/d/e"), ElementsAre("g"));
}

TEST_F(PowerLossTest, DirectoriesStay) {
  ASSERT_OK(files_.MakeDirectories("/d/e/f"));
  files_.PowerLoss();
  EXPECT_OK(files_.List("/d/e/f"));
}

TEST_F(PowerLossTest, APublishedFileSurvives) {
  ASSERT_OK(PublishFile(files_, "/d/f", "first"));
  ASSERT_OK(PublishFile(files_, "/d/f", "second"));
  files_.PowerLoss();
  EXPECT_EQ(Read("/d/f"), "second");
  EXPECT_THAT(*files_.List("/d"), ElementsAre("f"));
}

TEST_F(PowerLossTest, BeforePublishingReturnsTheOldFileIsWhole) {
  ASSERT_OK(PublishFile(files_, "/d/f", "old"));
  for (int steps_done = 0; steps_done <= 3; ++steps_done) {
    if (steps_done >= 1) Write("/d/f.tmp", "new");
    if (steps_done >= 2) Sync("/d/f.tmp");
    if (steps_done >= 3) {
      ASSERT_OK(files_.Rename("/d/f.tmp", "/d/f"));
    }
    files_.PowerLoss();
    EXPECT_EQ(Read("/d/f"), "old") << "after step " << steps_done;
  }
}

// Contents of /d/f after a power loss by chance, over many chances.
std::set<std::string> AfterPowerLosses(const std::function<void(MemoryFiles&)>& before) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    MemoryFiles files;
    EXPECT_OK(files.MakeDirectories("/d"));
    before(files);
    RandomStream random(seed, Purpose::kFault, 0, "disk", 0);
    files.PowerLoss(random);
    const Result<std::string> bytes = ReadFile(files, "/d/f");
    seen.insert(bytes.ok() ? *bytes : "no file");
  }
  return seen;
}

TEST(PowerLossByChanceTest, WhatWasPublishedIsThere) {
  EXPECT_THAT(AfterPowerLosses([](MemoryFiles& files) {
                ASSERT_OK(PublishFile(files, "/d/f", "old"));
                ASSERT_OK(PublishFile(files, "/d/f", "new"));
              }),
              ElementsAre("new"));
}

TEST(PowerLossByChanceTest, ARenameThatWasNotSyncedHappenedOrNot) {
  EXPECT_THAT(AfterPowerLosses([](MemoryFiles& files) {
                ASSERT_OK(PublishFile(files, "/d/f", "old"));
                ASSERT_OK_AND_ASSIGN(const auto file, files.Open("/d/f.tmp", OpenMode::kCreate));
                ASSERT_OK(file->WriteAt(0, "new"));
                ASSERT_OK(file->Sync());
                ASSERT_OK(files.Rename("/d/f.tmp", "/d/f"));
              }),
              ElementsAre("new", "old"));
}

TEST(PowerLossByChanceTest, AFileThatWasNotSyncedIsThereOrNotOrTorn) {
  const std::string old(1024, 'a');
  const std::string now = std::string(1024, 'b') + "more";
  const std::set<std::string> seen = AfterPowerLosses([&](MemoryFiles& files) {
    ASSERT_OK(PublishFile(files, "/d/f", old));
    ASSERT_OK_AND_ASSIGN(const auto file, files.Open("/d/f", OpenMode::kReadWrite));
    ASSERT_OK(file->WriteAt(0, now));
  });
  EXPECT_TRUE(seen.contains(old));
  EXPECT_TRUE(seen.contains(now));
  EXPECT_TRUE(seen.contains(std::string(512, 'a') + std::string(512, 'b')));
}

}  // namespace
}  // namespace skerry
