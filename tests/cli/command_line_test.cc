#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "base/files.h"
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

TEST_F(CommandLineTest, WhereTheCoordinatorIsMayStandInFrontOfTheCommand) {
  const testing::TempDir dir;
  const std::string socket = dir.File("admin.sock");
  const Outcome before = Skerry({"--socket", socket, "run", "list"});
  EXPECT_EQ(before.code, 4);
  EXPECT_EQ(before.err, Skerry({"run", "list", "--socket", socket}).err);
  EXPECT_THAT(Skerry({"--admin", dir.File("admin.toml"), "run", "list"}).err,
              HasSubstr("there is no file " + dir.File("admin.toml")));
  const Outcome useless = Skerry({"--socket", socket, "simulate", "run.toml"});
  EXPECT_EQ(useless.code, 2);
  EXPECT_THAT(useless.err, HasSubstr("\"skerry simulate\" has no use for --socket"));
  EXPECT_THAT(Skerry({"--socket", socket, "run", "lst"}).err, HasSubstr("did you mean \"list\"?"));
}

TEST_F(CommandLineTest, AnUnknownOptionIsNamedWithTheNearest) {
  EXPECT_EQ(
      Skerry({"run", "list", "--foramt", "json"}).err,
      "error: there is no option --foramt of \"skerry run list\"; did you mean \"--format\"?\n"
      "hint: skerry run list --help\n");
  EXPECT_THAT(Skerry({"simulate", "run.toml", "--thread=4"}).err,
              HasSubstr("did you mean \"--threads\"?"));
  EXPECT_THAT(Skerry({"run", "show", "latest", "--zzz"}).err,
              HasSubstr("error: there is no option --zzz of \"skerry run show\"\n"));
}

TEST_F(CommandLineTest, ANumberThatMakesNoSenseIsRefused) {
  const std::vector<std::vector<std::string>> nonsense = {
      {"simulate", "run.toml", "--threads", "-4"},
      {"simulate", "run.toml", "--seed", "-1"},
      {"run", "wait", "--round", "-3", "--socket", "/nowhere.sock"},
      {"run", "show", "latest", "--rounds", "-2", "--socket", "/nowhere.sock"},
      {"model", "export", "latest", "--version", "-2", "--socket", "/nowhere.sock"}};
  for (const std::vector<std::string>& arguments : nonsense) {
    const Outcome outcome = Skerry(arguments);
    const std::string all = ::testing::PrintToString(arguments);
    EXPECT_EQ(outcome.code, 2) << all;
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("--"), HasSubstr("\nhint: "))) << all;
  }
}

TEST_F(CommandLineTest, AFileOrFolderThatIsNotThereComesWithWhatWasPerhapsMeant) {
  const testing::TempDir dir;
  dir.Write("run.toml", testing::PatientsRunFile(2));
  dir.Write("data/north.csv", testing::PatientsCsv("north", 40, 1));
  const std::string run = dir.File("run.toml");
  EXPECT_THAT(Skerry({"simulate", dir.File("rnu.toml")}).err,
              AllOf(HasSubstr("there is no run file "), HasSubstr("hint: did you mean " + run)));
  EXPECT_THAT(Skerry({"run", "submit", dir.File("no/run.toml")}).err,
              HasSubstr("hint: there is no folder " + dir.File("no")));
  EXPECT_THAT(
      Skerry({"simulate", run, "--sites", dir.File("data"), "--faults", "none-such.toml"}).err,
      AllOf(HasSubstr("there is no plan none-such.toml"), HasSubstr("hint: ")));
  const Outcome none = Skerry({"simulate", run, "--sites", "0"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, AllOf(HasSubstr("at least one site"), HasSubstr("hint: ")));
  EXPECT_THAT(Skerry({"simulate", run, "--sites", dir.File("nothing/*.csv")}).err,
              AllOf(HasSubstr("no file matches"), HasSubstr("hint: ")));
  EXPECT_THAT(Skerry({"model", "export", "latest", "--out", dir.File("no/x.st"), "--socket",
                      "/nowhere.sock"})
                  .err,
              HasSubstr("folder " + dir.File("no") + " does not exist"));
  EXPECT_THAT(Skerry({"model", "evaluate", run, "--sites", dir.File("data"), "m=none.st"}).err,
              AllOf(HasSubstr("there is no model none.st"), HasSubstr("hint: ")));
  const Outcome backup = Skerry({"backup", "create", dir.File("b"), "--state-dir", dir.path()});
  EXPECT_EQ(backup.code, 3);
  EXPECT_THAT(backup.err, AllOf(HasSubstr("there is no coordinator.db in"), HasSubstr("hint: ")));
}

TEST_F(CommandLineTest, ASimulationLooksAtItsFolderBeforeItBegins) {
  const testing::TempDir dir;
  dir.Write("run.toml", testing::PatientsRunFile(2));
  dir.Write("data/north.csv", testing::PatientsCsv("north", 40, 1));
  dir.Write("file", "");
  const Outcome outcome = Skerry(
      {"simulate", dir.File("run.toml"), "--sites", dir.File("data"), "--out", dir.File("file")});
  EXPECT_EQ(outcome.code, 6);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("is not a directory"), Not(HasSubstr("round"))));
}

TEST_F(CommandLineTest, ASimulationThatPausesSaysToMendAndSimulateAgain) {
  const testing::TempDir dir;
  dir.Write("run.toml", testing::PatientsRunFile(2));
  dir.Write("data/north.csv", "id,age\n1,50\n");
  const Outcome outcome = Skerry({"simulate", dir.File("run.toml"), "--sites", dir.File("data"),
                                  "--out", dir.File("out"), "--quiet"});
  EXPECT_EQ(outcome.code, 22);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("then simulate again"), Not(HasSubstr("run resume"))));
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
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("patients: completed"), HasSubstr("\nversion 2: test."),
                                 HasSubstr("sha256 ")));
  EXPECT_THAT(outcome.err, HasSubstr("round 2 of 2"));
  const Outcome quiet = Skerry({"simulate", dir.File("run.toml"), "--sites", dir.File("data"),
                                "--out", dir.File("out2"), "--quiet"});
  EXPECT_THAT(quiet.err, IsEmpty());
  EXPECT_THAT(quiet.out, HasSubstr(outcome.out.substr(outcome.out.find("sha256"), 71)));
}

// Two sites, a run of two rounds, and a plan of faults; what simulate makes of them.
Outcome SimulateFaults(const testing::TempDir& dir, const std::string& plan,
                       const std::vector<std::string>& further = {}) {
  for (const char* site : {"north", "south"}) {
    dir.Write("data/" + std::string(site) + ".csv", testing::PatientsCsv(site, 40, 1));
  }
  dir.Write("run.toml", testing::PatientsRunFile(2));
  dir.Write("plan.toml", plan);
  std::vector<std::string> arguments = {"simulate",
                                        dir.File("run.toml"),
                                        "--sites",
                                        dir.File("data"),
                                        "--out",
                                        dir.File("out"),
                                        "--quiet",
                                        "--faults",
                                        dir.File("plan.toml")};
  arguments.insert(arguments.end(), further.begin(), further.end());
  return Skerry(arguments);
}

TEST_F(CommandLineTest, ASimulationWithFaultsSaysWhatTheyDo) {
  const testing::TempDir dir;
  const Outcome outcome = SimulateFaults(dir, "[sites.south]\nslower = 9\n", {"--seed", "5"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("seed 5"), HasSubstr("the same to the bit"),
                                 HasSubstr("timeline " + dir.File("out/timeline.svg"))));
  PosixFiles files;
  for (const char* name : {"report.txt", "report.json", "timeline.svg", "model.safetensors"}) {
    EXPECT_TRUE(ReadFile(files, dir.File("out/" + std::string(name))).ok()) << name;
  }
}

TEST_F(CommandLineTest, APlanThatIsWrongIsRefusedWithWhatIsRight) {
  const testing::TempDir dir;
  const Outcome key = SimulateFaults(dir, "[sites.south]\nslwer = 9\n");
  EXPECT_EQ(key.code, 2);
  EXPECT_THAT(key.err, AllOf(HasSubstr("plan.toml:2: sites.south.slwer"),
                             HasSubstr("did you mean \"sites.south.slower\"?")));
  const Outcome site = SimulateFaults(dir, "[sites.suoth]\nslower = 9\n");
  EXPECT_EQ(site.code, 2);
  EXPECT_THAT(site.err, AllOf(HasSubstr("\"suoth\""), HasSubstr("did you mean \"south\"?"),
                              HasSubstr("hint: the sites are: north, south")));
  const Outcome statement = SimulateFaults(dir, "[coordinator]\ncrash = [\"after lunch\"]\n");
  EXPECT_EQ(statement.code, 2);
  EXPECT_THAT(statement.err, HasSubstr("\"at 3h for 5m\""));
  const Outcome both = SimulateFaults(dir, "", {"--history", dir.File("run.toml")});
  EXPECT_EQ(both.code, 2);
}

TEST_F(CommandLineTest, AFileHoldsOneVersionSoNoneCanBeChosenOfIt) {
  const testing::TempDir dir;
  for (const std::vector<std::string>& chosen :
       {std::vector<std::string>{"--best"}, {"--version", "3"}}) {
    std::vector<std::string> arguments = {"model", "export", "m.safetensors", "--out",
                                          dir.File("m.onnx")};
    arguments.insert(arguments.end(), chosen.begin(), chosen.end());
    const Outcome outcome = Skerry(arguments);
    EXPECT_NE(outcome.code, 0);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("m.safetensors holds one version of a model"),
                                   HasSubstr("leave --version and --best out")));
  }
}

}  // namespace
}  // namespace skerry::cli
