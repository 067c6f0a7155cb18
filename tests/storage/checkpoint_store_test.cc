#include "storage/checkpoint_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/memory_files.h"
#include "crypto/content_hash.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::storage {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;

constexpr CheckpointPart kModel = CheckpointPart::kModel;
constexpr CheckpointPart kState = CheckpointPart::kState;

// As the coordinator computes it and sites verify it.
crypto::Digest HashOf(const std::string& contents) {
  return crypto::ContentHashOf("file", contents);
}

Status Write(CheckpointStore& store, const CheckpointRef& ref, const std::string& contents) {
  SKERRY_ASSIGN_OR_RETURN(const auto file, store.Begin(ref));
  SKERRY_RETURN_IF_ERROR(file->WriteAt(0, contents));
  return store.Publish(ref, *file);
}

std::string Contents(const File& file) {
  std::string bytes(file.Size().value(), '\0');
  EXPECT_EQ(file.ReadAt(0, bytes).value(), bytes.size());
  return bytes;
}

class CheckpointStoreTest : public ::testing::TestWithParam<const char*> {
 protected:
  CheckpointStoreTest() {
    if (std::string(GetParam()) == "memory") {
      files_ = std::make_unique<MemoryFiles>();
    } else {
      files_ = std::make_unique<PosixFiles>();
    }
    store_ = std::make_unique<CheckpointStore>(*files_, directory_.File("runs"));
  }

  std::string Read(const CheckpointRef& ref) {
    const auto file = store_->Open(ref);
    EXPECT_OK(file);
    return file.ok() ? Contents(**file) : "";
  }
  std::vector<std::string> Names(const std::string& run_id) {
    return files_->List(directory_.File("runs/" + run_id)).value();
  }

  testing::TempDir directory_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<CheckpointStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Files, CheckpointStoreTest, ::testing::Values("memory", "posix"),
                         [](const auto& files) { return std::string(files.param); });

TEST_P(CheckpointStoreTest, WhatIsDiscardedIsGoneAndWhatIsPublishedStays) {
  ASSERT_OK(Write(*store_, {"icu-1", 7, kModel}, "the model"));
  ASSERT_OK_AND_ASSIGN(auto file, store_->Begin({"icu-1", 7, kModel}));
  ASSERT_OK(file->WriteAt(0, "another"));
  file.reset();
  EXPECT_EQ(Names("icu-1").size(), 2U);
  EXPECT_OK(store_->Discard({"icu-1", 7, kModel}));
  EXPECT_OK(store_->Discard({"icu-1", 7, kState})) << "there is none";
  EXPECT_EQ(Names("icu-1"), std::vector<std::string>{"model-7.safetensors"});
  EXPECT_EQ(Read({"icu-1", 7, kModel}), "the model");
}

TEST_P(CheckpointStoreTest, WhatIsPublishedCanBeOpenedAndHasItsDocumentedName) {
  ASSERT_OK(Write(*store_, {"icu-1", 7, kModel}, "the model"));
  ASSERT_OK(Write(*store_, {"icu-1", 7, kState}, "the state"));
  EXPECT_EQ(Read({"icu-1", 7, kModel}), "the model");
  EXPECT_EQ(Read({"icu-1", 7, kState}), "the state");
  EXPECT_EQ(store_->PathOf({"icu-1", 7, kModel}),
            directory_.File("runs/icu-1/model-7.safetensors"));
  EXPECT_THAT(Names("icu-1"), ElementsAre("model-7.safetensors", "state-7.safetensors"));
}

TEST_P(CheckpointStoreTest, AFileIsWrittenInAnyOrder) {
  const CheckpointRef ref = {"icu-1", 1, kModel};
  ASSERT_OK_AND_ASSIGN(const auto file, store_->Begin(ref));
  ASSERT_OK(file->WriteAt(4, "back"));
  ASSERT_OK(file->WriteAt(0, "fore"));
  ASSERT_OK(store_->Publish(ref, *file));
  EXPECT_EQ(Read(ref), "foreback");
}

TEST_P(CheckpointStoreTest, NothingIsThereBeforeItIsPublished) {
  const CheckpointRef ref = {"icu-1", 1, kModel};
  ASSERT_OK_AND_ASSIGN(const auto file, store_->Begin(ref));
  ASSERT_OK(file->WriteAt(0, "half"));
  EXPECT_THAT(store_->Open(ref), Fails(Code::kNotFound, HasSubstr(store_->PathOf(ref))));
}

TEST_P(CheckpointStoreTest, WhatACrashLeftBehindIsReplaced) {
  const CheckpointRef ref = {"icu-1", 1, kModel};
  {
    ASSERT_OK_AND_ASSIGN(const auto abandoned, store_->Begin(ref));
    ASSERT_OK(abandoned->WriteAt(0, "much longer than what follows"));
  }
  ASSERT_OK(Write(*store_, ref, "short"));
  EXPECT_EQ(Read(ref), "short");
}

TEST_P(CheckpointStoreTest, AVersionMayBePublishedAgain) {
  const CheckpointRef ref = {"icu-1", 1, kModel};
  ASSERT_OK(Write(*store_, ref, "before the restart"));
  ASSERT_OK(Write(*store_, ref, "after"));
  EXPECT_EQ(Read(ref), "after");
}

TEST_P(CheckpointStoreTest, AFileWithTheRightHashIsOpenedVerified) {
  const CheckpointRef ref = {"icu-1", 3, kModel};
  const std::string contents(3 * crypto::kChunkBytes / 2, 'm');
  ASSERT_OK(Write(*store_, ref, contents));
  ASSERT_OK_AND_ASSIGN(const auto file, store_->OpenVerified(ref, HashOf(contents)));
  EXPECT_EQ(Contents(*file), contents);
}

TEST_P(CheckpointStoreTest, AFlippedByteIsDataLossThatNamesTheFileAndTheWayOut) {
  const CheckpointRef ref = {"icu-1", 3, kModel};
  std::string contents(5000, 'm');
  const crypto::Digest expected = HashOf(contents);
  contents[4321] ^= 1;
  ASSERT_OK(Write(*store_, ref, contents));
  EXPECT_THAT(
      store_->OpenVerified(ref, expected),
      Fails(Code::kDataLoss,
            AllOf(HasSubstr(store_->PathOf(ref) + " is damaged"), HasSubstr(expected.Hex()),
                  HasSubstr(HashOf(contents).Hex()), HasSubstr("skerry backup restore BACKUP"))));
}

TEST_P(CheckpointStoreTest, AFileCutShortIsDataLoss) {
  const CheckpointRef ref = {"icu-1", 3, kModel};
  ASSERT_OK(Write(*store_, ref, "whole but for its en"));
  EXPECT_THAT(store_->OpenVerified(ref, HashOf("whole but for its end")), HasCode(Code::kDataLoss));
}

TEST_P(CheckpointStoreTest, RemovingIsTheSameWhetherOrNotItIsThere) {
  const CheckpointRef ref = {"icu-1", 3, kModel};
  ASSERT_OK(Write(*store_, ref, "x"));
  EXPECT_OK(store_->Remove(ref));
  EXPECT_THAT(store_->Open(ref), HasCode(Code::kNotFound));
  EXPECT_OK(store_->Remove(ref));
}

TEST_P(CheckpointStoreTest, OnlyTheVersionsToKeepStay) {
  for (int64_t version = 0; version <= 12; ++version) {
    ASSERT_OK(Write(*store_, {"icu-1", version, kModel}, "m"));
    ASSERT_OK(Write(*store_, {"icu-1", version, kState}, "s"));
  }
  ASSERT_OK(Write(*store_, {"icu-2", 1, kModel}, "other run"));
  ASSERT_OK(store_->Begin({"icu-1", 13, kModel}));
  directory_.Write("runs/icu-1/notes.txt", "an operator's own");
  ASSERT_OK(files_->Open(directory_.File("runs/icu-1/notes.txt"), OpenMode::kReadWrite));
  ASSERT_OK(store_->RemoveAllBut("icu-1", {12, 2}));
  EXPECT_THAT(Names("icu-1"),
              ElementsAre("model-12.safetensors", "model-2.safetensors", "notes.txt",
                          "state-12.safetensors", "state-2.safetensors"));
  EXPECT_THAT(Names("icu-2"), ElementsAre("model-1.safetensors"));
}

TEST_P(CheckpointStoreTest, TheVersionsAreThoseOfWhichAPartIsPublished) {
  for (const int64_t version : {10, 2, 3})
    ASSERT_OK(Write(*store_, {"icu-1", version, kModel}, "m"));
  ASSERT_OK(Write(*store_, {"icu-1", 3, kState}, "s"));
  ASSERT_OK(Write(*store_, {"icu-1", 4, kState}, "s"));
  ASSERT_OK(store_->Begin({"icu-1", 11, kModel}));
  EXPECT_THAT(store_->Versions("icu-1").value(), ElementsAre(2, 3, 4, 10));
  EXPECT_THAT(store_->Versions("icu-9").value(), ElementsAre());
  EXPECT_THAT(store_->Versions("../icu-1"), HasCode(Code::kInvalidArgument));
}

TEST_P(CheckpointStoreTest, ARunWithoutFilesHasNothingToRemove) {
  EXPECT_OK(store_->RemoveAllBut("icu-9", {}));
}

TEST_P(CheckpointStoreTest, WhatIsKeptInMemoryIsOpenedAndListedAndRemovedAsFilesAre) {
  const CheckpointRef model = {"icu-1", 2, kModel};
  ASSERT_OK(Write(*store_, {"icu-1", 1, kModel}, "a file"));
  ASSERT_OK(store_->Keep(model, "the model"));
  ASSERT_OK(store_->Keep({"icu-1", 2, kState}, "the state"));
  ASSERT_OK(store_->Keep({"icu-10", 3, kModel}, "of another run"));
  EXPECT_EQ(Read(model), "the model");
  EXPECT_EQ(Read({"icu-1", 2, kState}), "the state");
  EXPECT_OK(store_->OpenVerified(model, HashOf("the model")));
  EXPECT_THAT(store_->Versions("icu-1").value(), ElementsAre(1, 2));
  EXPECT_THAT(Names("icu-1"), ElementsAre("model-1.safetensors"));
  ASSERT_OK(store_->Keep(model, "another"));
  EXPECT_EQ(Read(model), "another");
  ASSERT_OK(store_->Remove(model));
  EXPECT_THAT(store_->Open(model), HasCode(Code::kNotFound));
  ASSERT_OK(store_->RemoveAllBut("icu-1", {1}));
  EXPECT_THAT(store_->Open({"icu-1", 2, kState}), HasCode(Code::kNotFound));
  EXPECT_EQ(Read({"icu-10", 3, kModel}), "of another run");
}

TEST_P(CheckpointStoreTest, TheOldestOfWhatIsInMemoryIsWrittenOutFirst) {
  for (int64_t version = 1; version <= 4; ++version) {
    ASSERT_OK(store_->Keep({"icu-1", version, kModel}, "model " + std::to_string(version)));
  }
  ASSERT_OK(store_->WriteOut("icu-1", 3));
  EXPECT_THAT(Names("icu-1"), ElementsAre("model-1.safetensors"));
  ASSERT_OK(store_->WriteOut("icu-1", 0));
  EXPECT_EQ(Names("icu-1").size(), 4U);
  for (int64_t version = 1; version <= 4; ++version) {
    EXPECT_EQ(Read({"icu-1", version, kModel}), "model " + std::to_string(version));
  }
  EXPECT_OK(store_->WriteOut("icu-2", 0)) << "nothing is there of it";
}

TEST_P(CheckpointStoreTest, AFileOfWhatIsInMemoryIsALeftover) {
  ASSERT_OK(Write(*store_, {"icu-1", 1, kModel}, "of an earlier process"));
  ASSERT_OK(store_->Keep({"icu-1", 1, kModel}, "the model"));
  EXPECT_EQ(Read({"icu-1", 1, kModel}), "the model");
  ASSERT_OK(store_->RemoveAllBut("icu-1", {1}));
  EXPECT_TRUE(Names("icu-1").empty());
  EXPECT_EQ(Read({"icu-1", 1, kModel}), "the model");
}

TEST_P(CheckpointStoreTest, ARunIdLeadsOutOfTheDirectoryForNobody) {
  for (const std::string run_id : {"", ".", "..", "../icu", "a/b", ".hidden"}) {
    const CheckpointRef ref = {run_id, 1, kModel};
    EXPECT_THAT(store_->Begin(ref), HasCode(Code::kInvalidArgument)) << run_id;
    EXPECT_THAT(store_->Open(ref), HasCode(Code::kInvalidArgument)) << run_id;
    EXPECT_THAT(store_->Remove(ref), HasCode(Code::kInvalidArgument)) << run_id;
    EXPECT_THAT(store_->Keep(ref, "model"), HasCode(Code::kInvalidArgument)) << run_id;
    EXPECT_THAT(store_->RemoveAllBut(run_id, {}), HasCode(Code::kInvalidArgument)) << run_id;
  }
  EXPECT_THAT(store_->Begin({"icu", -1, kModel}), HasCode(Code::kInvalidArgument));
}

// Files that stop working after a number of calls, as for a process that is killed there.
class StoppingFiles final : public Files {
 public:
  StoppingFiles(Files& files, int calls_left) : files_(files), calls_left_(calls_left) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    SKERRY_RETURN_IF_ERROR(Count());
    SKERRY_ASSIGN_OR_RETURN(auto file, files_.Open(path, mode));
    return std::unique_ptr<File>(std::make_unique<StoppingFile>(*this, std::move(file)));
  }
  Status Rename(const std::string& from, const std::string& to) override {
    SKERRY_RETURN_IF_ERROR(Count());
    return files_.Rename(from, to);
  }
  Status Remove(const std::string& path) override {
    SKERRY_RETURN_IF_ERROR(Count());
    return files_.Remove(path);
  }
  Status MakeDirectories(const std::string& path) override {
    SKERRY_RETURN_IF_ERROR(Count());
    return files_.MakeDirectories(path);
  }
  Status SyncDirectory(const std::string& path) override {
    SKERRY_RETURN_IF_ERROR(Count());
    return files_.SyncDirectory(path);
  }
  Result<std::vector<std::string>> List(const std::string& directory) override {
    return files_.List(directory);
  }

  // Of a file that fails, the call itself fails and later ones work again.
  void FailOnlyOnce() { only_once_ = true; }

 private:
  class StoppingFile final : public File {
   public:
    StoppingFile(StoppingFiles& files, std::unique_ptr<File> file)
        : files_(files), file_(std::move(file)) {}
    Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
      return file_->ReadAt(offset, out);
    }
    Status WriteAt(uint64_t offset, std::string_view bytes) override {
      SKERRY_RETURN_IF_ERROR(files_.Count());
      return file_->WriteAt(offset, bytes);
    }
    Status Sync() override {
      SKERRY_RETURN_IF_ERROR(files_.Count());
      return file_->Sync();
    }
    Result<uint64_t> Size() const override { return file_->Size(); }
    Status Truncate(uint64_t size) override { return file_->Truncate(size); }

   private:
    StoppingFiles& files_;
    std::unique_ptr<File> file_;
  };

  Status Count() {
    --calls_left_;
    const bool fails = only_once_ ? calls_left_ == -1 : calls_left_ < 0;
    return fails ? Internal("the disk is gone") : OkStatus();
  }

  Files& files_;
  int calls_left_;
  bool only_once_ = false;
};

TEST(CheckpointCrashTest, AfterPowerLossAtAnyStepAVersionIsWholeOrAbsent) {
  const CheckpointRef first = {"icu-1", 1, kModel};
  const CheckpointRef second = {"icu-1", 2, kModel};
  const std::string contents(70'000, 'm');
  bool finished = false;
  int num_absent = 0;
  for (int calls = 0; !finished; ++calls) {
    SCOPED_TRACE("stopped after call " + std::to_string(calls));
    MemoryFiles disk;
    StoppingFiles files(disk, calls);
    CheckpointStore dying(files, "state/runs");
    const bool first_acknowledged = Write(dying, first, contents).ok();
    finished = first_acknowledged && Write(dying, second, contents).ok();
    disk.PowerLoss();

    CheckpointStore store(disk, "state/runs");
    const auto after = store.OpenVerified(first, HashOf(contents));
    if (first_acknowledged) {
      EXPECT_OK(after);
    } else {
      EXPECT_THAT(after, ::testing::AnyOf(testing::IsOk(), HasCode(Code::kNotFound)));
      if (!after.ok()) ++num_absent;
    }
    EXPECT_EQ(store.OpenVerified(second, HashOf(contents)).ok(), finished);
    EXPECT_OK(Write(store, first, contents));  // the next process does the step again
    EXPECT_OK(store.OpenVerified(first, HashOf(contents)));
    ASSERT_LT(calls, 100);
  }
  EXPECT_GT(num_absent, 4);
}

TEST(CheckpointCrashTest, AFailedPublishLeavesNeitherTheFileNorItsTemporary) {
  int num_failures = 0;
  for (int calls = 3; calls < 20; ++calls) {
    SCOPED_TRACE("failure of call " + std::to_string(calls + 1));
    MemoryFiles disk;
    StoppingFiles files(disk, calls);
    files.FailOnlyOnce();
    CheckpointStore store(files, "state/runs");
    const CheckpointRef ref = {"icu-1", 1, kModel};
    const auto file = store.Begin(ref);
    if (!file.ok() || !(*file)->WriteAt(0, "model").ok()) continue;
    const Status published = store.Publish(ref, **file);
    if (published.ok()) continue;
    ++num_failures;
    EXPECT_THAT(published, HasCode(Code::kInternal));
    EXPECT_THAT(disk.List("state/runs/icu-1").value(), ::testing::IsEmpty());
  }
  EXPECT_EQ(num_failures, 3);  // the sync, the rename, the sync of the directory
}

}  // namespace
}  // namespace skerry::storage
