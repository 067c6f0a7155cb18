// Agents with trainers of their own: the Perl program of examples/perl, as real child processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "crypto/sha256.h"
#include "deployment.h"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

class ExternalTrainerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("perl -MJSON::PP -e 1 2>/dev/null") != 0) GTEST_SKIP() << "there is no perl";
    // As the example is, but that it can be held up in the middle of a task.
    std::string program = ReadAll(std::string(SKERRY_SOURCE_DIR) + "/examples/perl/train.pl");
    const std::string loaded = "        $task->{task} eq 'train'";
    program.insert(
        program.find(loaded),
        "        if (-e $ENV{HOLD} && $task->{round} == 2 && $task->{site} eq 'south') {\n"
        "            open my $file, '>', \"$ENV{HOLD}.tmp\"; print $file $$; close $file;\n"
        "            rename \"$ENV{HOLD}.tmp\", \"$ENV{HOLD}.pid\";\n"
        "            select undef, undef, undef, 0.05 while -e $ENV{HOLD};\n"
        "        }\n");
    WriteAll(Trainer(), program);
    const std::string table =
        "[trainer.own]\ncommand = [\"perl\", \"" + Trainer() + "\"]\nsha256 = { \"" + Trainer() +
        "\" = \"" + crypto::Sha256(program).Hex() + "\" }\nenvironment.HOLD = \"" + Hold() + "\"\n";
    WriteAll(federation_.File("trainers.toml"), table);
    for (const char* site : {"north", "south"}) {
      const std::string agent = federation_.Kit(site) + "/agent.toml";
      WriteAll(agent, ReadAll(agent) + "\n" + table);
    }
    federation_.StartAll();
  }

  std::string Trainer() const { return federation_.File("train.pl"); }
  std::string Hold() const { return federation_.File("hold"); }

  static std::string RunFile(const std::string& extra = "") {
    std::string file = Deployment::RunFile(4,
                                           "local_epochs = 2\n[evaluation]\nmetrics = "
                                           "[\"accuracy\"]\n" +
                                               extra);
    const std::string kind = "kind = \"logistic\"";
    file.replace(file.find(kind), kind.size(),
                 "kind = \"external\"\n[model.external]\ntrainer = \"own\"\n"
                 "[model.external.tensors]\nweights = [4]\nbias = [1]");
    return file;
  }

  std::string SimulatedSha256() {
    const Finished simulated = federation_.Skerry({"simulate", federation_.File("run.toml"),
                                                   "--trainers", federation_.File("trainers.toml"),
                                                   "--out", federation_.File("sim"), "--quiet"});
    EXPECT_EQ(simulated.exit_code, 0) << simulated.out << simulated.err;
    return Field(simulated.out, "sha256");
  }

  Deployment federation_{{"north", "south"}};
};

TEST_F(ExternalTrainerTest, ADeployedRunAndASimulatedOneMakeTheSameModelByteForByte) {
  const std::string run = federation_.Submit(RunFile());
  ASSERT_EQ(federation_.WaitForEnd(run), 0);
  EXPECT_EQ(federation_.ModelSha256(run), SimulatedSha256());
  const Finished shown = federation_.Skerry({"run", "show", run, "--rounds", "-1"});
  EXPECT_THAT(shown.out, HasSubstr("test.accuracy"));
}

TEST_F(ExternalTrainerTest, AnAgentKilledInTrainingTakesItsTrainerWithItAndTheRunGoesOn) {
  WriteAll(Hold(), "");
  const std::string run = federation_.Submit(RunFile());
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(Hold() + ".pid"); }));
  const pid_t trainer = std::stoi(ReadAll(Hold() + ".pid"));
  ASSERT_EQ(::kill(trainer, 0), 0);
  federation_.client("south").Kill9();
  EXPECT_TRUE(Eventually([&] { return ::kill(trainer, 0) != 0 && errno == ESRCH; }));
  std::filesystem::remove(Hold());
  federation_.StartClient("south");
  ASSERT_EQ(federation_.WaitForEnd(run), 0);
  EXPECT_EQ(federation_.ModelSha256(run), SimulatedSha256());
}

TEST_F(ExternalTrainerTest, ATrainerThatWasChangedIsNotRunAndEverybodyIsToldWhichFile) {
  WriteAll(Trainer(), ReadAll(Trainer()) + "# and something more\n");
  const std::string run = federation_.Submit(RunFile());
  EXPECT_TRUE(Eventually([&] {
    const std::string shown = federation_.Skerry({"run", "show", run}).out;
    return shown.find("train.pl has SHA-256") != std::string::npos;
  })) << federation_.Skerry({"run", "show", run}).out;
  EXPECT_THAT(federation_.client("south").Output(), HasSubstr("train.pl has SHA-256"));
}

}  // namespace
}  // namespace skerry::testing
