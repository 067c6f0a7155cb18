// What an operator types at a real coordinator, and hears.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "deployment.h"

namespace skerry::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

auto NumLines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST(OperatorTest, ARunThatWaitsForASiteSaysSoAndIsWaitedForNoLongerThanAsked) {
  Deployment federation({"north"});
  federation.StartAll();
  WriteAll(federation.File("run.toml"),
           Deployment::RunFile(2, "[participation]\nsites = [\"ghost\", \"north\"]\n"));
  const Finished submitted = federation.Skerry({"run", "submit", federation.File("run.toml")});
  EXPECT_EQ(submitted.out, "patients-1\n");
  EXPECT_THAT(submitted.err, HasSubstr("not connected now: ghost (has never connected); "
                                       "the run waits for them\nhint: "));
  const auto begin = std::chrono::steady_clock::now();
  const Finished waited = federation.Skerry({"run", "wait", "latest", "--timeout", "1500ms"});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15))
      << "the coordinator answers after half a minute";
  EXPECT_EQ(waited.exit_code, 4);
  EXPECT_THAT(waited.err, HasSubstr("not within 1500ms; patients-1 is pending: "
                                    "waiting for sites to connect: ghost"));
  EXPECT_EQ(federation.Skerry({"run", "stop", "latest"}).out,
            "patients-1 is stopped; it had no model yet\n");
}

TEST(OperatorTest, EveryCommandThatTakesAFormatGivesIt) {
  Deployment federation({"north", "south"});
  federation.StartAll();
  const std::string run = federation.Submit(Deployment::RunFile(3));
  const Finished watched = federation.Skerry({"run", "watch", run, "--format", "json"});
  EXPECT_EQ(watched.exit_code, 0);
  EXPECT_EQ(watched.err, "");
  EXPECT_THAT(watched.out, AllOf(StartsWith("{\"run\":\"patients-1\","), EndsWith("]}\n"),
                                 HasSubstr("\"state\":\"completed\""), HasSubstr("test.auc")));
  const Finished waited = federation.Skerry({"run", "wait", run, "--quiet", "--format", "json"});
  EXPECT_THAT(waited.out, HasSubstr("\"state\":\"completed\""));
  EXPECT_EQ(NumLines(waited.out), 1);
  const std::string out = federation.File("report");
  EXPECT_THAT(federation.Skerry({"run", "report", run, "--out", out, "--format", "json"}).out,
              HasSubstr("\"" + out + "/rounds.csv\""));
  EXPECT_THAT(federation.Skerry({"run", "export-history", run, "--format", "json"}).out,
              HasSubstr("\"skerry history 1\""));
  EXPECT_EQ(federation.Skerry({"run", "export-history", run, "--format", "text"}).exit_code, 2);
  const std::string model = federation.File("m.safetensors");
  EXPECT_THAT(federation.Skerry({"model", "export", run, "--out", model, "--format", "json"}).out,
              AllOf(HasSubstr("\"version\": 3"),
                    HasSubstr("\"sha256\": \"" + federation.ModelSha256(run))));
  EXPECT_THAT(federation.Skerry({"run", "list", "--format", "json"}).out,
              AllOf(HasSubstr("\"round\": 3"), HasSubstr("\"num_rounds\": 3")));
  EXPECT_THAT(federation.Skerry({"run", "show", run, "--rounds", "0"}).out,
              Not(HasSubstr("metrics of the model")));
}

TEST(OperatorTest, AModelLeavesWithWhatIsToBeKnownAboutIt) {
  Deployment federation({"north", "south"});
  federation.StartAll();
  const std::string run =
      federation.Submit(Deployment::RunFile(4, "[evaluation]\nbest_metric = \"log_loss\"\n"));
  EXPECT_EQ(federation.WaitForEnd(run), 0);
  const std::string best = federation.File("best.safetensors");
  const Finished exported = federation.Skerry({"model", "export", run, "--best", "--out", best});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr("version 4")) << "the loss falls from round to round";
  EXPECT_EQ(ReadAll(best), [&] {
    federation.ModelSha256(run);
    return ReadAll(federation.File("exported.safetensors"));
  }());
  EXPECT_THAT(federation.Skerry({"model", "show", best}).out,
              AllOf(HasSubstr("round 4 of 4"), HasSubstr("north (5), south (5)")));
  const std::string onnx = federation.File("model.onnx");
  EXPECT_EQ(federation.Skerry({"model", "export", run, "--out", onnx}).exit_code, 0);
  const std::string converted = federation.File("converted.onnx");
  EXPECT_EQ(federation.Skerry({"model", "export", best, "--out", converted}).exit_code, 0);
  EXPECT_THAT(ReadAll(onnx), HasSubstr("category.sex"));
  const std::string card = federation.File("card.md");
  EXPECT_EQ(federation.Skerry({"model", "card", run, "--out", card}).exit_code, 0);
  EXPECT_THAT(ReadAll(card), AllOf(HasSubstr("# Model card: patients"), HasSubstr("| north | "),
                                   HasSubstr("Version 4 on held-out rows of 2 sites")));
}

TEST(OperatorTest, ARoundOrVersionThatARunDoesNotHaveIsRefused) {
  Deployment federation({"north"});
  federation.StartAll();
  const std::string run = federation.Submit(Deployment::RunFile(2));
  const Finished beyond = federation.Skerry({"run", "wait", run, "--round", "1000"});
  EXPECT_EQ(beyond.exit_code, 2);
  EXPECT_THAT(beyond.err, HasSubstr("patients-1 has 2 rounds: there is no round 1000"));
  EXPECT_EQ(federation.WaitForEnd(run), 0);
  const Finished exported = federation.Skerry(
      {"model", "export", run, "--version", "9999", "--out", federation.File("x.safetensors")});
  EXPECT_EQ(exported.exit_code, 3);
  EXPECT_THAT(exported.err, HasSubstr("has no version 9999: its newest is 2"));
  EXPECT_THAT(federation.Skerry({"run", "stop", run}).err,
              AllOf(HasSubstr("has ended: completed"), HasSubstr("hint: ")));
}

TEST(OperatorTest, ARunThatIsPausedSaysWhyOnce) {
  Deployment federation({"north"});
  federation.StartAll();
  std::string file = Deployment::RunFile(2);
  file.replace(file.find("\"age\""), 5, "\"agee\"");
  const Finished waited = federation.Skerry({"run", "wait", federation.Submit(file)});
  EXPECT_EQ(waited.exit_code, 21);
  const std::size_t first = waited.err.find("no column");
  ASSERT_NE(first, std::string::npos) << waited.err;
  EXPECT_EQ(waited.err.find("no column", first + 1), std::string::npos) << waited.err;
}

TEST(OperatorTest, AnAdminWhoIsNotLetInHearsWhyInWords) {
  Deployment federation({"north"});
  federation.StartAll();
  const std::string kit = federation.Kit("admin-ada");
  const auto list = [&] {
    return RunToEnd({Program("skerry"), "run", "list", "--admin", kit + "/admin.toml"},
                    federation.path());
  };
  EXPECT_EQ(list().exit_code, 0);
  ASSERT_EQ(::chmod((kit + "/ada.key").c_str(), 0644), 0);
  const Finished open_key = list();
  EXPECT_EQ(open_key.exit_code, 6);
  EXPECT_THAT(open_key.err,
              AllOf(HasSubstr("others may read this private key"), HasSubstr("hint: chmod 600")));
  ASSERT_EQ(::chmod((kit + "/ada.key").c_str(), 0600), 0);

  const std::string port = std::to_string(federation.port());
  Edit(kit + "/admin.toml", "localhost:" + port, "127.1:" + port);
  const Finished wrong_name = list();
  EXPECT_THAT(wrong_name.err, HasSubstr("name mismatch"));
  Edit(kit + "/admin.toml", "127.1:" + port, "localhost:" + port);

  const std::string ca = ReadAll(kit + "/ca.pem");
  ASSERT_EQ(RunToEnd({Program("skerry"), "ca", "init", "--federation", "test", "--dir",
                      federation.File("other")},
                     federation.path())
                .exit_code,
            0);
  WriteAll(kit + "/ca.pem", ReadAll(federation.File("other/ca.pem")));
  const Finished wrong_ca = list();
  EXPECT_EQ(wrong_ca.exit_code, 5) << wrong_ca.err;
  EXPECT_THAT(wrong_ca.err, AllOf(HasSubstr("cannot reach the coordinator: "), HasSubstr("hint: "),
                                  Not(HasSubstr("failed to connect to all addresses"))));
  WriteAll(kit + "/ca.pem", ca);

  federation.StopCoordinator();
  const Finished nobody = list();
  EXPECT_EQ(nobody.exit_code, 4);
  EXPECT_THAT(nobody.err, HasSubstr("localhost:" + port + " refuses connections"));
}

}  // namespace
}  // namespace skerry::testing
