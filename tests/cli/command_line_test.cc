#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "cli/cli_app.h"
#include "cli/commands.h"
#include "testing/patients.h"
#include "testing/temp_dir.h"

// The command line as a whole: what is asked of it, what it says, how it ends.
namespace skerry::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome Skerry(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "skerry");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = CliMain(static_cast<int>(arguments.size()), pointers.data());
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.err = ::testing::internal::GetCapturedStderr();
  return outcome;
}

// Every command that can be given: "run show", "simulate".
void Collect(const CLI::App& app, const std::string& path,
             std::vector<std::pair<std::string, const CLI::App*>>& commands) {
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* command : below)
    Collect(*command, path + " " + command->get_name(), commands);
  if (below.empty()) commands.emplace_back(path, &app);
}

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() {
    AddAllCommands(app_, options_, action_);
    Collect(app_, "skerry", commands_);
  }

  CLI::App app_;
  GlobalOptions options_;
  Action action_;
  std::vector<std::pair<std::string, const CLI::App*>> commands_;
};

TEST_F(CommandLineTest, TheHelpOfEveryCommandHasAnExampleOfThatVeryCommand) {
  EXPECT_GE(commands_.size(), 15U);
  for (const auto& [path, command] : commands_) {
    EXPECT_THAT(command->help(), AllOf(HasSubstr("Example"), HasSubstr("\n  " + path))) << path;
    EXPECT_THAT(command->get_description(), Not(IsEmpty())) << path;
  }
}

TEST_F(CommandLineTest, EveryOptionSaysWhatItIsFor) {
  for (const auto& [path, command] : commands_) {
    for (const CLI::Option* option : command->get_options()) {
      EXPECT_THAT(option->get_description(), Not(IsEmpty())) << path << " " << option->get_name();
    }
  }
}

TEST_F(CommandLineTest, WhatListsOrShowsHasJson) {
  for (const char* path : {"run list", "run show", "site list", "model evaluate", "run submit"}) {
    const Outcome help =
        Skerry({std::string(path).substr(0, std::string(path).find(' ')),
                std::string(path).substr(std::string(path).find(' ') + 1), "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_THAT(help.out, HasSubstr("--format TEXT:{text,json}")) << path;
  }
}

TEST_F(CommandLineTest, ExitCodesAreDocumentedWhereTheyAreMoreThanTheUsual) {
  EXPECT_THAT(Skerry({"--help"}).out,
              AllOf(HasSubstr("Exit codes: 0 done"), HasSubstr("8 damaged")));
  EXPECT_THAT(Skerry({"run", "wait", "--help"}).out,
              AllOf(HasSubstr("20 completed_degraded"), HasSubstr("23 stopped")));
  EXPECT_THAT(Skerry({"simulate", "--help"}).out, HasSubstr("130 interrupted"));
}

TEST_F(CommandLineTest, TheVersionIsPrinted) {
  const Outcome version = Skerry({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, StartsWith("skerry "));
}

TEST_F(CommandLineTest, AnUnknownCommandIsNamedWithTheNearest) {
  const Outcome noun = Skerry({"rnu", "list"});
  EXPECT_EQ(noun.code, 2);
  EXPECT_EQ(noun.err,
            "error: there is no command \"skerry rnu\"; did you mean \"run\"?\n"
            "hint: skerry --help\n");
  EXPECT_EQ(Skerry({"run", "lst"}).err,
            "error: there is no command \"skerry run lst\"; did you mean \"list\"?\n"
            "hint: skerry run --help\n");
}

TEST_F(CommandLineTest, EveryMistakeEndsWithTwoOnStandardErrorWithAHint) {
  const std::vector<std::vector<std::string>> mistakes = {
      {},
      {"run"},
      {"run", "show"},
      {"run", "list", "--frmat", "json"},
      {"run", "list", "--format", "yaml"},
      {"run", "wait", "--round", "x"},
      {"ca", "issue", "--port", "99999"},
      {"ca", "issue"},
      {"ca", "init"},
      {"model", "evaluate", "run.toml"},
      {"run", "list"},  // where is the coordinator?
      {"run", "wait", "--timeout", "soon", "--socket", "/nowhere.sock"}};
  for (const std::vector<std::string>& arguments : mistakes) {
    const Outcome outcome = Skerry(arguments);
    const std::string all = ::testing::PrintToString(arguments);
    EXPECT_EQ(outcome.code, 2) << all;
    EXPECT_THAT(outcome.out, IsEmpty()) << all;
    EXPECT_THAT(outcome.err, AllOf(StartsWith("error: "), HasSubstr("\nhint: "))) << all;
  }
}

TEST_F(CommandLineTest, AFileThatIsMissingIsNotFoundAndOneThatIsWrongIsABadArgument) {
  const testing::TempDir dir;
  const Outcome missing = Skerry({"simulate", dir.File("none.toml")});
  EXPECT_EQ(missing.code, 3);
  EXPECT_THAT(missing.err, HasSubstr("none.toml"));
  dir.Write("run.toml", "[run]\nnmae = 1\n");
  const Outcome wrong = Skerry({"simulate", dir.File("run.toml")});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("run.toml:2: run.nmae"));
}

TEST_F(CommandLineTest, NoCoordinatorAtASocketIsNoAnswer) {
  const testing::TempDir dir;
  const Outcome outcome = Skerry({"run", "list", "--socket", dir.File("admin.sock")});
  EXPECT_EQ(outcome.code, 4);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("no coordinator answers at"), HasSubstr("hint: is")));
}

TEST_F(CommandLineTest, AnErrorThatHoldsControlCharactersDoesNotSteerTheTerminal) {
  const Outcome outcome = Skerry({"simulate", "no\x1b[2Jfile\n.toml"});
  EXPECT_THAT(outcome.err, AllOf(Not(HasSubstr("\x1b")), HasSubstr("\\x1b[2J")));
}

TEST_F(CommandLineTest, ASimulationPrintsItsResultsAndKeepsProgressApart) {
  const testing::TempDir dir;
  for (const char* site : {"north", "south"}) {
    dir.Write("data/" + std::string(site) + ".csv", testing::PatientsCsv(site, 40, 1));
  }
  dir.Write("run.toml", testing::PatientsRunFile(2));
  const Outcome outcome = Skerry({"simulate", dir.File("run.toml"), "--sites", dir.File("data"),
                                  "--out", dir.File("out"), "--threads", "1"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("patients: completed"), HasSubstr("sha256 ")));
  EXPECT_THAT(outcome.err, HasSubstr("round 2 of 2"));
  const Outcome quiet = Skerry({"simulate", dir.File("run.toml"), "--sites", dir.File("data"),
                                "--out", dir.File("out2"), "--quiet"});
  EXPECT_THAT(quiet.err, IsEmpty());
  EXPECT_THAT(quiet.out, HasSubstr(outcome.out.substr(outcome.out.find("sha256"), 71)));
}

}  // namespace
}  // namespace skerry::cli
