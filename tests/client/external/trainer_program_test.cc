#include "client/external/trainer_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/sha256.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Fails;
using ::testing::HasSubstr;

class TrainerProgramTest : public ::testing::Test {
 protected:
  Result<TrainerPrograms> Load(const std::string& tables) {
    return LoadTrainers(files_, dir_.Write("agent.toml", tables));
  }

  PosixFiles files_;
  const testing::TempDir dir_;
  const std::string script_ = dir_.Write("train.sh", "exit 0\n");
  const std::string hash_ = crypto::Sha256("exit 0\n").Hex();
};

TEST_F(TrainerProgramTest, FilesOfTheFolderAreFoundAndOtherWordsStay) {
  const Result<TrainerPrograms> programs = Load(
      "[trainer.own]\ncommand = [\"sh\", \"-e\", \"train.sh\", \"train\"]\n"
      "sha256 = { \"train.sh\" = \"" +
      hash_ +
      "\" }\n"
      "time_limit = \"5m\"\nmemory_limit = 1000000\nenvironment.THREADS = \"2\"\n"
      "[site]\nname = \"whatever\"\n");
  ASSERT_OK(programs);
  const TrainerProgram& own = programs->at("own");
  EXPECT_THAT(own.command, ElementsAre(::testing::EndsWith("/sh"), "-e", script_, "train"));
  EXPECT_EQ(own.time_limit, 5min);
  EXPECT_EQ(own.memory_limit, 1'000'000U);
  EXPECT_EQ(own.environment.at("THREADS"), "2");
  EXPECT_OK(CheckApproved(files_, own));
}

TEST_F(TrainerProgramTest, AFileThatNobodyApprovedIsRefusedWithItsHashAtHand) {
  const Result<TrainerPrograms> programs =
      Load("[trainer.own]\ncommand = [\"sh\", \"train.sh\"]\n");
  EXPECT_THAT(programs, Fails(Code::kInvalidArgument,
                              AllOf(HasSubstr("trainer.own.command"), HasSubstr("train.sh"))));
  EXPECT_THAT(programs.status().hint(), HasSubstr("sha256.\"train.sh\" = \"" + hash_ + "\""));
}

TEST_F(TrainerProgramTest, AProgramThatStandsAloneMustBeApprovedItself) {
  EXPECT_THAT(Load("[trainer.own]\ncommand = [\"sh\"]\n"),
              Fails(Code::kInvalidArgument, HasSubstr("/sh, which trainer.own.sha256")));
}

TEST_F(TrainerProgramTest, BadValuesAreRefusedByKey) {
  const auto fails = [&](const std::string& rest, const char* why) {
    EXPECT_THAT(Load("[trainer.own]\n" + rest), Fails(Code::kInvalidArgument, HasSubstr(why)));
  };
  fails("command = []", "trainer.own.command: is empty");
  fails("command = [\"no-such-program\"]", "there is no program \"no-such-program\"");
  fails("command = [\"sh\", \"train.sh\"]\nsha256 = { \"train.sh\" = \"12\" }", "64 hexadecimal");
  fails("command = [\"sh\", \"train.sh\"]\ntime_limit = \"1ms\"", "trainer.own.time_limit");
  fails("command = [\"sh\", \"train.sh\"]\nmemory_limit = -1", "trainer.own.memory_limit");
  fails("command = [\"sh\", \"train.sh\"]\ncolour = 1", "colour");
  EXPECT_THAT(Load("[trainer.\"a b\"]\ncommand = [\"sh\"]"),
              Fails(Code::kInvalidArgument, HasSubstr("trainer's name")));
  EXPECT_THAT(Load("[site]\nname = \"a\""), Fails(Code::kInvalidArgument, HasSubstr("no trainer")));
}

}  // namespace
}  // namespace skerry::client
