#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/memory_files.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::TempDir;

// What both file systems promise. A fault here is a fault of simulation as well as of production.
class FilesContractTest : public ::testing::TestWithParam<const char*> {
 protected:
  FilesContractTest() {
    if (std::string(GetParam()) == "Posix") {
      files_ = std::make_unique<PosixFiles>();
      dir_.emplace();
      root_ = dir_->path();
    } else {
      files_ = std::make_unique<MemoryFiles>();
      root_ = "/root";
      EXPECT_OK(files_->MakeDirectories(root_));
    }
  }

  std::string Path(const std::string& name) const { return root_ + "/" + name; }
  void Write(const std::string& name, const std::string& bytes) {
    ASSERT_OK_AND_ASSIGN(const auto file, files_->Open(Path(name), OpenMode::kCreate));
    ASSERT_OK(file->WriteAt(0, bytes));
  }
  std::string Read(const std::string& name) {
    Result<std::string> bytes = ReadFile(*files_, Path(name));
    return bytes.ok() ? *bytes : bytes.status().ToString();
  }

  std::optional<TempDir> dir_;
  std::unique_ptr<Files> files_;
  std::string root_;
};

INSTANTIATE_TEST_SUITE_P(Both, FilesContractTest, ::testing::Values("Posix", "Memory"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(FilesContractTest, WhatIsWrittenIsRead) {
  ASSERT_OK_AND_ASSIGN(const auto file, files_->Open(Path("f"), OpenMode::kCreate));
  EXPECT_OK(file->WriteAt(0, "hello"));
  EXPECT_OK(file->WriteAt(5, " world"));
  EXPECT_OK(file->WriteAt(0, "J"));
  EXPECT_EQ(file->Size().value(), 11U);
  EXPECT_OK(file->Sync());
  EXPECT_EQ(Read("f"), "Jello world");
}

TEST_P(FilesContractTest, AReadEndsWithTheFile) {
  Write("f", "0123456789");
  ASSERT_OK_AND_ASSIGN(const auto file, files_->Open(Path("f"), OpenMode::kRead));
  std::string buffer(8, '.');
  EXPECT_EQ(file->ReadAt(0, buffer).value(), 8U);
  EXPECT_EQ(buffer, "01234567");
  EXPECT_EQ(file->ReadAt(7, buffer).value(), 3U);
  EXPECT_EQ(buffer.substr(0, 3), "789");
  EXPECT_EQ(file->ReadAt(10, buffer).value(), 0U);
  EXPECT_EQ(file->ReadAt(1000, buffer).value(), 0U);
  EXPECT_EQ(file->ReadAt(3, {}).value(), 0U);
}

TEST_P(FilesContractTest, AHoleReadsAsZeros) {
  ASSERT_OK_AND_ASSIGN(const auto file, files_->Open(Path("f"), OpenMode::kCreate));
  ASSERT_OK(file->WriteAt(3, "x"));
  EXPECT_EQ(Read("f"), std::string("\0\0\0x", 4));
}

TEST_P(FilesContractTest, NothingWrittenIsNothingChanged) {
  ASSERT_OK_AND_ASSIGN(const auto file, files_->Open(Path("f"), OpenMode::kCreate));
  EXPECT_OK(file->WriteAt(5, ""));
  EXPECT_EQ(file->Size().value(), 0U);
}

TEST_P(FilesContractTest, AFileCanBeCutAndMadeLonger) {
  Write("f", "0123456789");
  ASSERT_OK_AND_ASSIGN(const auto file, files_->Open(Path("f"), OpenMode::kReadWrite));
  EXPECT_OK(file->Truncate(2));
  EXPECT_EQ(Read("f"), "01");
  EXPECT_OK(file->Truncate(4));
  EXPECT_EQ(Read("f"), std::string("01\0\0", 4));
}

TEST_P(FilesContractTest, EachModeOpensAsItSays) {
  EXPECT_THAT(files_->Open(Path("f"), OpenMode::kRead),
              Fails(Code::kNotFound, HasSubstr(Path("f"))));
  EXPECT_OK(files_->Open(Path("f"), OpenMode::kReadWrite));
  Write("f", "kept");
  EXPECT_OK(files_->Open(Path("f"), OpenMode::kReadWrite));
  EXPECT_EQ(Read("f"), "kept");
  EXPECT_OK(files_->Open(Path("f"), OpenMode::kCreate));
  EXPECT_EQ(Read("f"), "");
}

TEST_P(FilesContractTest, AFileOpenForReadingCannotBeChanged) {
  Write("f", "kept");
  ASSERT_OK_AND_ASSIGN(const auto file, files_->Open(Path("f"), OpenMode::kRead));
  EXPECT_THAT(file->WriteAt(0, "x"), ::testing::Not(IsOk()));
  EXPECT_THAT(file->Truncate(0), ::testing::Not(IsOk()));
  EXPECT_EQ(Read("f"), "kept");
}

TEST_P(FilesContractTest, AMissingDirectoryIsNotFound) {
  Write("f", "");
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite, OpenMode::kCreate}) {
    EXPECT_THAT(files_->Open(Path("no/f"), mode), Fails(Code::kNotFound, HasSubstr(Path("no/f"))));
  }
  EXPECT_THAT(files_->Rename(Path("f"), Path("no/f")),
              Fails(Code::kNotFound, HasSubstr(Path("no/f"))));
  EXPECT_EQ(Read("f"), "");
  EXPECT_THAT(files_->List(Path("no")), Fails(Code::kNotFound, HasSubstr(Path("no"))));
  EXPECT_THAT(files_->SyncDirectory(Path("no")), Fails(Code::kNotFound, HasSubstr(Path("no"))));
}

TEST_P(FilesContractTest, AFileIsNoDirectory) {
  Write("f", "");
  EXPECT_THAT(files_->Open(Path("f/x"), OpenMode::kCreate), HasCode(Code::kNotFound));
  EXPECT_THAT(files_->List(Path("f")), HasCode(Code::kNotFound));
  EXPECT_THAT(files_->SyncDirectory(Path("f")), HasCode(Code::kNotFound));
  EXPECT_THAT(files_->MakeDirectories(Path("f")),
              Fails(Code::kFailedPrecondition, HasSubstr(Path("f") + " is there, but")));
  EXPECT_THAT(files_->MakeDirectories(Path("f/x")),
              Fails(Code::kFailedPrecondition, HasSubstr(Path("f") + " is there, but")));
}

TEST_P(FilesContractTest, ADirectoryIsNoFile) {
  ASSERT_OK(files_->MakeDirectories(Path("d")));
  Write("f", "kept");
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite, OpenMode::kCreate}) {
    EXPECT_THAT(files_->Open(Path("d"), mode), Fails(Code::kInvalidArgument, HasSubstr(Path("d"))));
  }
  EXPECT_THAT(files_->Remove(Path("d")), Fails(Code::kInvalidArgument, HasSubstr(Path("d"))));
  EXPECT_THAT(files_->Rename(Path("f"), Path("d")),
              Fails(Code::kInvalidArgument, HasSubstr(Path("d"))));
  EXPECT_EQ(Read("f"), "kept");
  EXPECT_THAT(*files_->List(root_), ElementsAre("d", "f"));
}

TEST_P(FilesContractTest, RenamingReplacesAtOnceAndOpenFilesKeepWhatTheyHad) {
  Write("old", "old");
  Write("new", "new");
  ASSERT_OK_AND_ASSIGN(const auto reader, files_->Open(Path("old"), OpenMode::kRead));
  EXPECT_OK(files_->Rename(Path("new"), Path("old")));
  EXPECT_EQ(Read("old"), "new");
  EXPECT_THAT(files_->Open(Path("new"), OpenMode::kRead), HasCode(Code::kNotFound));
  std::string buffer(3, '.');
  EXPECT_EQ(reader->ReadAt(0, buffer).value(), 3U);
  EXPECT_EQ(buffer, "old");
}

TEST_P(FilesContractTest, AFileMayMoveToAnotherDirectory) {
  ASSERT_OK(files_->MakeDirectories(Path("d")));
  Write("f", "moved");
  EXPECT_OK(files_->Rename(Path("f"), Path("d/g")));
  EXPECT_EQ(Read("d/g"), "moved");
}

TEST_P(FilesContractTest, RenamingToItselfChangesNothing) {
  Write("f", "same");
  EXPECT_OK(files_->Rename(Path("f"), Path("f")));
  EXPECT_EQ(Read("f"), "same");
}

TEST_P(FilesContractTest, RenamingWhatIsMissingNamesIt) {
  EXPECT_THAT(files_->Rename(Path("a"), Path("b")), Fails(Code::kNotFound, HasSubstr(Path("a"))));
}

TEST_P(FilesContractTest, RemovingMayBeRepeated) {
  Write("f", "x");
  EXPECT_OK(files_->Remove(Path("f")));
  EXPECT_THAT(files_->Open(Path("f"), OpenMode::kRead), HasCode(Code::kNotFound));
  EXPECT_OK(files_->Remove(Path("f")));
}

TEST_P(FilesContractTest, AnOpenFileOutlivesItsName) {
  Write("f", "still here");
  ASSERT_OK_AND_ASSIGN(const auto file, files_->Open(Path("f"), OpenMode::kReadWrite));
  ASSERT_OK(files_->Remove(Path("f")));
  Write("f", "another");
  EXPECT_OK(file->WriteAt(0, "S"));
  std::string buffer(10, '.');
  EXPECT_EQ(file->ReadAt(0, buffer).value(), 10U);
  EXPECT_EQ(buffer, "Still here");
  EXPECT_EQ(Read("f"), "another");
}

TEST_P(FilesContractTest, DirectoriesAreMadeWithThoseAboveThemAndMayBeMadeAgain) {
  EXPECT_OK(files_->MakeDirectories(Path("a/b/c")));
  EXPECT_OK(files_->MakeDirectories(Path("a/b/c")));
  EXPECT_OK(files_->MakeDirectories(Path("a")));
  Write("a/b/c/f", "deep");
  EXPECT_EQ(Read("a/b/c/f"), "deep");
  EXPECT_OK(files_->SyncDirectory(Path("a/b/c")));
}

TEST_P(FilesContractTest, AListHasTheNamesOfOneDirectorySorted) {
  EXPECT_THAT(*files_->List(root_), IsEmpty());
  Write("b", "");
  Write("a", "");
  Write("B", "");
  Write(".hidden", "");
  ASSERT_OK(files_->MakeDirectories(Path("d/e")));
  Write("d/f", "");
  EXPECT_THAT(*files_->List(root_), ElementsAre(".hidden", "B", "a", "b", "d"));
  EXPECT_THAT(*files_->List(Path("d")), ElementsAre("e", "f"));
  EXPECT_THAT(*files_->List(Path("d/e")), IsEmpty());
}

TEST_P(FilesContractTest, TheRootAndTheWorkingDirectoryAreThere) {
  EXPECT_OK(files_->List("/"));
  EXPECT_OK(files_->List("."));
  EXPECT_OK(files_->MakeDirectories("/"));
  EXPECT_OK(files_->MakeDirectories("."));
}

TEST_P(FilesContractTest, ThreadsMayWriteDisjointRangesOfOneFile) {
  ASSERT_OK_AND_ASSIGN(const auto file, files_->Open(Path("f"), OpenMode::kCreate));
  constexpr std::size_t kPiece = 1000;
  std::vector<std::thread> threads;
  std::vector<Status> results(8);
  for (std::size_t t = 0; t < results.size(); ++t) {
    threads.emplace_back([&, t] {
      results[t] = file->WriteAt(t * kPiece, std::string(kPiece, static_cast<char>('a' + t)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::string expected;
  for (std::size_t t = 0; t < results.size(); ++t) {
    EXPECT_OK(results[t]);
    expected += std::string(kPiece, static_cast<char>('a' + t));
  }
  EXPECT_EQ(Read("f"), expected);
}

TEST_P(FilesContractTest, ReadFileGivesFilesOfAnyLengthWhole) {
  for (const std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 200'000U}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 256);
    Write("f", bytes);
    EXPECT_TRUE(Read("f") == bytes) << size;
  }
}

TEST_P(FilesContractTest, APublishedFileReplacesTheOldOneAndLeavesNothingElse) {
  EXPECT_OK(PublishFile(*files_, Path("f"), "first"));
  EXPECT_OK(PublishFile(*files_, Path("f"), "second"));
  EXPECT_EQ(Read("f"), "second");
  EXPECT_THAT(*files_->List(root_), ElementsAre("f"));
}

TEST_P(FilesContractTest, PublishingInAMissingDirectoryNamesIt) {
  EXPECT_THAT(PublishFile(*files_, Path("no/f"), "x"),
              Fails(Code::kNotFound, HasSubstr(Path("no/f"))));
}

// A disk that is full as soon as `left` bytes are written.
class FullDisk final : public Files {
 public:
  FullDisk(Files& below, uint64_t left) : below_(below), left_(left) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    SKERRY_ASSIGN_OR_RETURN(auto file, below_.Open(path, mode));
    return std::unique_ptr<File>(std::make_unique<Limited>(std::move(file), left_));
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return below_.Rename(from, to);
  }
  Status Remove(const std::string& path) override { return below_.Remove(path); }
  Status MakeDirectories(const std::string& path) override { return below_.MakeDirectories(path); }
  Status SyncDirectory(const std::string& path) override { return below_.SyncDirectory(path); }
  Result<std::vector<std::string>> List(const std::string& path) override {
    return below_.List(path);
  }

 private:
  class Limited final : public File {
   public:
    Limited(std::unique_ptr<File> below, uint64_t& left) : below_(std::move(below)), left_(left) {}
    Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
      return below_->ReadAt(offset, out);
    }
    Status WriteAt(uint64_t offset, std::string_view bytes) override {
      const bool fits = bytes.size() <= left_;
      SKERRY_RETURN_IF_ERROR(below_->WriteAt(offset, bytes.substr(0, left_)));
      left_ -= std::min<uint64_t>(left_, bytes.size());
      return fits ? OkStatus() : ResourceExhausted("writing: No space left on device");
    }
    Status Sync() override { return below_->Sync(); }
    Result<uint64_t> Size() const override { return below_->Size(); }
    Status Truncate(uint64_t size) override { return below_->Truncate(size); }

   private:
    const std::unique_ptr<File> below_;
    uint64_t& left_;
  };

  Files& below_;
  uint64_t left_;
};

TEST_P(FilesContractTest, OnAFullDiskPublishingKeepsTheOldFileAndGivesTheRoomBack) {
  ASSERT_OK(PublishFile(*files_, Path("f"), "old"));
  FullDisk full(*files_, 2);
  EXPECT_THAT(PublishFile(full, Path("f"), "new contents"), HasCode(Code::kResourceExhausted));
  EXPECT_EQ(Read("f"), "old");
  EXPECT_THAT(*files_->List(root_), ElementsAre("f"));
}

TEST(PosixFilesTest, AFullDiskIsResourceExhaustedWithAHint) {
  PosixFiles files;
  ASSERT_OK_AND_ASSIGN(const auto file, files.Open("/dev/full", OpenMode::kReadWrite));
  EXPECT_THAT(file->WriteAt(0, "x"),
              Fails(Code::kResourceExhausted,
                    AllOf(HasSubstr("writing /dev/full"), HasSubstr("disk space"))));
}

TEST(PosixFilesTest, WhatIsMadeIsForTheOwnerAlone) {
  const TempDir dir;
  PosixFiles files;
  ASSERT_OK(files.MakeDirectories(dir.File("a/b")));
  ASSERT_OK(PublishFile(files, dir.File("a/b/f"), "x"));
  const auto mode_of = [](const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 0777;
  };
  EXPECT_EQ(mode_of(dir.File("a")), 0700U);
  EXPECT_EQ(mode_of(dir.File("a/b")), 0700U);
  EXPECT_EQ(mode_of(dir.File("a/b/f")), 0600U);
}

TEST(PosixFilesTest, AFileWithoutASizeOfItsOwnIsReadWhole) {
  PosixFiles files;
  ASSERT_OK_AND_ASSIGN(const std::string status, ReadFile(files, "/proc/self/status"));
  EXPECT_THAT(status, HasSubstr("Name:"));
}

TEST(PathTest, TheParentIsWhatStandsBeforeTheLastSlash) {
  EXPECT_EQ(ParentDirectory("a/b"), "a");
  EXPECT_EQ(ParentDirectory("/a/b"), "/a");
  EXPECT_EQ(ParentDirectory("/a"), "/");
  EXPECT_EQ(ParentDirectory("b"), ".");
}

TEST(PathTest, OnlyRelativePathsAreResolved) {
  EXPECT_EQ(ResolvePath("/etc/skerry", "ca.pem"), "/etc/skerry/ca.pem");
  EXPECT_EQ(ResolvePath("/etc/skerry", "/srv/ca.pem"), "/srv/ca.pem");
}

}  // namespace
}  // namespace skerry
