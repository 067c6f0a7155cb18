// Exported models: what they say of themselves, and what can be done with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bytes_file.h"
#include "base/text.h"
#include "cli/model_card.h"
#include "cli/model_export.h"
#include "cli/model_manifest.h"
#include "cli/model_prediction.h"
#include "client/described_model.h"
#include "testing/patients.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::cli {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

std::string RunFile(const std::string& extra = "") { return testing::PatientsRunFile(4, extra); }

class ModelFileTest : public ::testing::Test {
 protected:
  static simulation::SimulationResult Train(const std::string& run_file) {
    simulation::SimulationOptions options;
    options.plan = coordinator::ParseRunFile(run_file, "run.toml").value();
    options.sites = testing::PatientSites(3, 60, 9);
    return simulation::Simulate(std::move(options)).value();
  }
  // What `model export` would make of it.
  static BytesFile Exported(const simulation::SimulationResult& result) {
    return BytesFile(ModelFileOf(BytesFile(result.model), result.rounds).value());
  }
  static v1::ShowRunReply Shown(const simulation::SimulationResult& result,
                                const std::string& run_file) {
    v1::ShowRunReply run;
    *run.mutable_run() = result.run;
    *run.mutable_rounds() = {result.rounds.begin(), result.rounds.end()};
    run.set_run_file(run_file);
    for (const char* site : {"site-100", "site-101", "site-102"}) run.add_roster(site);
    return run;
  }
  Result<Predictions> PredictRows(const std::string& csv, const std::string& id = "") const {
    const auto model = client::ReadDescribedModel(exported_);
    if (!model.ok()) return model.status();
    return Predict(*model, {dir_.Write("rows.csv", csv), id});
  }

  const testing::TempDir dir_;
  const simulation::SimulationResult result_ = Train(RunFile());
  const BytesFile exported_ = Exported(result_);
};

TEST_F(ModelFileTest, TheManifestHoldsWhatIsNeededToUseTheModelWithoutSkerry) {
  ASSERT_OK_AND_ASSIGN(const std::string text, ManifestOf(exported_));
  const Json manifest = Json::parse(text);
  EXPECT_EQ(manifest["run"], "patients");
  EXPECT_EQ(manifest["round"], 4);
  EXPECT_EQ(manifest["classes"], (std::vector<std::string>{"0", "1"}));
  const Json& preprocessing = manifest["preprocessing"];
  EXPECT_EQ(preprocessing["inputs"], (std::vector<std::string>{"age", "score", "sex=f", "sex=m"}));
  EXPECT_EQ(preprocessing["categories"]["sex"], (std::vector<std::string>{"f", "m"}));
  const std::vector<double> mean = preprocessing["mean"];
  EXPECT_GT(mean[0], 40) << "the mean age of all sites";
  EXPECT_EQ(mean[2], 0) << "levels are not standardised";
  ASSERT_EQ(manifest["participants"].size(), 3U);
  EXPECT_EQ(manifest["participants"][0]["site"], "site-100");
  EXPECT_EQ(manifest["participants"][0]["rounds"], 5) << "statistics, and four of training";
  EXPECT_EQ(std::string(manifest["layout_sha256"]).size(), 64U);
}

TEST_F(ModelFileTest, AnExportedModelHasTheTensorsOfTheCoordinatorsToTheByte) {
  const BytesFile kept(result_.model);
  ASSERT_OK_AND_ASSIGN(const auto before, storage::ReadSafetensors(kept));
  ASSERT_OK_AND_ASSIGN(const auto after, storage::ReadSafetensors(exported_));
  EXPECT_EQ(before.layout, after.layout);
  EXPECT_EQ(result_.model.substr(before.data_begin), exported_.bytes().substr(after.data_begin));
  EXPECT_EQ(before.metadata.at("run_spec"), after.metadata.at("run_spec"));
}

TEST_F(ModelFileTest, TheLayoutHashTellsInputsApartThatHaveTheSameShapes) {
  std::string renamed = RunFile();
  renamed.replace(renamed.find("\"age\", \"score\""), 14, "\"score\", \"age\"");
  const BytesFile other = Exported(Train(renamed));
  EXPECT_NE(Json::parse(ManifestOf(exported_).value())["layout_sha256"],
            Json::parse(ManifestOf(other).value())["layout_sha256"]);
}

TEST_F(ModelFileTest, PeopleAreShownInputsParticipantsAndTensors) {
  ASSERT_OK_AND_ASSIGN(const std::string text, DescribeForPeople(exported_, 0));
  EXPECT_THAT(text, AllOf(HasSubstr("patients, round 4 of 4"), HasSubstr("logistic, predicts died"),
                          HasSubstr("sex=m"), HasSubstr("site-101 (5)"), HasSubstr("weight")));
}

TEST_F(ModelFileTest, AModelWithoutAManifestSaysWhereToGetOne) {
  EXPECT_THAT(ManifestOf(BytesFile(result_.model)),
              Fails(Code::kFailedPrecondition, HasSubstr("no manifest")));
  EXPECT_THAT(ManifestOf(BytesFile("nonsense")), Fails(Code::kDataLoss, HasSubstr("safetensors")));
}

TEST_F(ModelFileTest, EachRowGetsItsClassAndProbabilities) {
  ASSERT_OK_AND_ASSIGN(const Predictions predictions,
                       PredictRows("age,sex,score,note\n30,f,5,\"a,b\"\n95,m,40,c\n"));
  const std::vector<std::string> lines = Split(predictions.csv, '\n');
  ASSERT_EQ(lines.size(), 4U) << "a header, two rows, and nothing behind the last line's end";
  EXPECT_EQ(lines[0], "row,class,probability of 0,probability of 1");
  EXPECT_THAT(lines[1], StartsWith("1,0,0."));
  EXPECT_THAT(lines[2], StartsWith("2,1,0."));
}

TEST_F(ModelFileTest, RowsMayBeNamedByAColumn) {
  ASSERT_OK_AND_ASSIGN(const Predictions predictions,
                       PredictRows("age,sex,score,who\n30,f,5,\"Doe, Jane\"\n", "who"));
  EXPECT_THAT(predictions.csv, HasSubstr("\n\"Doe, Jane\",0,"));
}

TEST_F(ModelFileTest, ARowThatTheRunWouldHaveLeftOutHasNoPrediction) {
  ASSERT_OK_AND_ASSIGN(const Predictions predictions,
                       PredictRows("age,sex,score\n30,f,5\n,m,40\n50,,7\n"));
  EXPECT_EQ(predictions.num_rows, 3);
  EXPECT_EQ(predictions.num_without, 2);
  EXPECT_THAT(predictions.csv, HasSubstr("\n2,,,\n3,,,\n"));
}

TEST_F(ModelFileTest, WhereTheRunFillsMissingCellsEveryRowHasAPrediction) {
  std::string run_file = RunFile();
  run_file.replace(run_file.find("label ="), 0, "missing = \"mean\"\n");
  const BytesFile filled = Exported(Train(run_file));
  ASSERT_OK_AND_ASSIGN(const auto model, client::ReadDescribedModel(filled));
  ASSERT_OK_AND_ASSIGN(const Predictions predictions,
                       Predict(model, {dir_.Write("gaps.csv", "age,sex,score\n,,\n?,m,40\n"), ""}));
  EXPECT_EQ(predictions.num_without, 0);
  EXPECT_THAT(predictions.csv, Not(HasSubstr(",,")));
}

TEST_F(ModelFileTest, DataOfAnotherLayoutAreRefusedByName) {
  EXPECT_THAT(PredictRows("age,sex\n30,f\n"),
              Fails(Code::kInvalidArgument, AllOf(HasSubstr("rows.csv"), HasSubstr("score"))));
  EXPECT_THAT(PredictRows("age,sex,score\n30,f,high\n"),
              Fails(Code::kInvalidArgument, AllOf(HasSubstr("rows.csv"), HasSubstr("score"))));
  EXPECT_THAT(PredictRows("age,sex,score\n30,x,5\n"),
              Fails(Code::kInvalidArgument, AllOf(HasSubstr("sex"), HasSubstr("level"))));
}

TEST_F(ModelFileTest, AModelWhoseTensorsAreNotWhatItSaysIsRefusedByName) {
  ASSERT_OK_AND_ASSIGN(auto info, storage::ReadSafetensors(exported_));
  std::string& spec = info.metadata["run_spec"];
  spec.replace(spec.find("\"age\","), 6, "");
  BytesFile forged(storage::SafetensorsHeader(info.layout, info.metadata) +
                   exported_.bytes().substr(info.data_begin));
  EXPECT_THAT(
      client::ReadDescribedModel(forged),
      Fails(Code::kFailedPrecondition, AllOf(HasSubstr("layout"), HasSubstr("input.fill"))));
}

TEST_F(ModelFileTest, AModelOfSomebodyElsesTrainerIsLeftToIt) {
  ASSERT_OK_AND_ASSIGN(auto info, storage::ReadSafetensors(exported_));
  std::string& spec = info.metadata["run_spec"];
  spec.replace(spec.find("\"logistic\""), 10, "\"external\"");
  BytesFile external(storage::SafetensorsHeader(info.layout, info.metadata) +
                     exported_.bytes().substr(info.data_begin));
  EXPECT_THAT(client::ReadDescribedModel(external),
              Fails(Code::kFailedPrecondition, HasSubstr("its trainer knows")));
}

TEST_F(ModelFileTest, RunsWithOtherInputsOrClassesAreToldApartByName) {
  v1::DataSpec data = coordinator::ParseRunFile(RunFile(), "run.toml").value().spec.data();
  v1::DataSpec other = data;
  EXPECT_OK(client::CheckSameInputs(data, other, "the run file"));
  *other.mutable_features(0) = "bmi";
  EXPECT_THAT(client::CheckSameInputs(data, other, "the run file"),
              Fails(Code::kFailedPrecondition,
                    AllOf(HasSubstr("it has \"age\""), HasSubstr("the run file has \"bmi\""))));
  other = data;
  std::swap(*other.mutable_features(0), *other.mutable_features(1));
  EXPECT_THAT(
      client::CheckSameInputs(data, other, "the run file"),
      Fails(Code::kFailedPrecondition, HasSubstr("in the place of \"score\" it has \"age\"")));
  other = data;
  other.set_label_classes(1, "dead");
  EXPECT_THAT(client::CheckSameInputs(data, other, "the run file"),
              Fails(Code::kFailedPrecondition, AllOf(HasSubstr("classes"), HasSubstr("\"dead\""))));
}

TEST_F(ModelFileTest, AFileThatDoesNotSayWhatItIsIsRefused) {
  ASSERT_OK_AND_ASSIGN(auto info, storage::ReadSafetensors(exported_));
  const std::string data = exported_.bytes().substr(info.data_begin);
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"format", "skerry model 2"}, {"run_spec", "{"}, {"round", "-1"}, {"round", "x"}}) {
    storage::Metadata metadata = info.metadata;
    metadata[key] = value;
    const BytesFile file(storage::SafetensorsHeader(info.layout, metadata) + data);
    EXPECT_THAT(client::DescribeModel(file),
                Fails(Code::kFailedPrecondition, HasSubstr("does not say which model")));
  }
}

TEST_F(ModelFileTest, TheCardTellsDataParticipationMetricsWithIntervalsAndHashes) {
  ASSERT_OK_AND_ASSIGN(const std::string card, ModelCard(Shown(result_, RunFile())));
  EXPECT_THAT(card, StartsWith("# Model card: patients\n"));
  EXPECT_THAT(card, AllOf(HasSubstr("predicts **died** (0, 1)"), HasSubstr("sex, one of: f, m"),
                          HasSubstr("| site-100 | "), HasSubstr("Hanley and McNeil"),
                          HasSubstr("Wilson"), HasSubstr("secure aggregation: off")));
  EXPECT_THAT(card, AllOf(HasSubstr("SHA-256 of the run file | `"), HasSubstr("num_rounds = 4"),
                          HasSubstr("## Limits")));
}

TEST_F(ModelFileTest, TheCardOfAnOlderVersionTellsWhatLedToItAndHowGoodItIs) {
  const v1::ShowRunReply run = Shown(result_, RunFile());
  const auto made = std::find_if(run.rounds().begin(), run.rounds().end(),
                                 [](const auto& round) { return round.model_version() == 2; });
  ASSERT_NE(made, run.rounds().end());
  ASSERT_OK_AND_ASSIGN(const std::string card, ModelCard(run, 2));
  EXPECT_THAT(card, AllOf(HasSubstr("| rounds | 2 of 4 |"),
                          HasSubstr("| model | version 2; the run's newest is 4 |"),
                          HasSubstr("`" + HexEncode(made->model_hash()) + "`"),
                          HasSubstr("Version 2 on held-out rows of 3 sites together.")));
  EXPECT_THAT(card, ContainsRegex("site-100 \\| [0-9]+ \\| .* \\| 3 \\| 0 \\|"))
      << "statistics and two rounds of training";
  EXPECT_THAT(card, Not(HasSubstr("\n| 3 | "))) << "no later version";
  EXPECT_THAT(ModelCard(run, 9), Fails(Code::kNotFound, HasSubstr("version 9")));
}

TEST_F(ModelFileTest, TheCardSaysWhatASiteHasNotTold) {
  v1::ShowRunReply run = Shown(result_, RunFile());
  run.add_roster("site-999");
  ASSERT_OK_AND_ASSIGN(const std::string card, ModelCard(run));
  EXPECT_THAT(card, HasSubstr("| site-999 | - | - | - | 0 | 0 |"));
}

TEST_F(ModelFileTest, NamesCannotBreakTheCard) {
  std::string run_file = RunFile();
  run_file.replace(run_file.find("\"score\"]"), 8, "\"a|b`<i>\"]");
  v1::ShowRunReply run = Shown(result_, run_file);
  run.set_run_file(run_file + "# ```\n");
  ASSERT_OK_AND_ASSIGN(const std::string card, ModelCard(run));
  EXPECT_THAT(card, AllOf(HasSubstr("a\\|b\\`\\<i\\>"), HasSubstr("\n````toml\n")));
}

TEST_F(ModelFileTest, WhereRoundsAreGoneTheNumbersOfThoseThatCountedASiteSayThatTheyAreTooSmall) {
  EXPECT_FALSE(Json::parse(ManifestOf(exported_).value()).contains("participants_complete"));
  EXPECT_THAT(DescribeForPeople(exported_, 0).value(), Not(HasSubstr("history_rounds")));
  v1::ShowRunReply run = Shown(result_, RunFile());
  EXPECT_THAT(ModelCard(run).value(), Not(HasSubstr("history_rounds")));
  // As if round 1 had been kept for the best version.
  std::vector<v1::RoundSummary> rounds = result_.rounds;
  std::erase_if(rounds, [](const v1::RoundSummary& round) { return round.round() == 2; });
  const BytesFile file(ModelFileOf(BytesFile(result_.model), rounds).value());
  EXPECT_EQ(Json::parse(ManifestOf(file).value())["participants_complete"], false);
  EXPECT_THAT(DescribeForPeople(file, 0).value(), HasSubstr("[keep] history_rounds"));
  *run.mutable_rounds() = {rounds.begin(), rounds.end()};
  EXPECT_THAT(ModelCard(run).value(), HasSubstr("[keep] history_rounds"));
}

TEST_F(ModelFileTest, AModelThatSumsFitHasACardWithItsTrainingRowsAndNoEmptyWords) {
  const std::string head =
      "[run]\nname = \"patients\"\nnum_rounds = 2\nseed = 3\n"
      "[data]\nsource = \"patients\"\nfeatures = [\"age\", \"score\"]\n";
  for (const std::string& run_file :
       {head + "label = \"died\"\n[model]\nkind = \"trees\"\nloss = \"logistic\"\n",
        head + "[model]\nkind = \"k_means\"\n[model.k_means]\nclusters = 2\n"}) {
    const simulation::SimulationResult result = Train(run_file);
    ASSERT_OK_AND_ASSIGN(const std::string card, ModelCard(Shown(result, run_file)));
    EXPECT_THAT(card, Not(AnyOf(HasSubstr("****"), HasSubstr("strategy")))) << card;
    EXPECT_THAT(card, HasSubstr("trained with Skerry at 3 sites"));
    EXPECT_THAT(card, Not(HasSubstr("| site-100 | - |"))) << "its training rows";
    EXPECT_THAT(card, Not(HasSubstr("history_rounds")));
    const std::string shown = DescribeForPeople(Exported(result), 0).value();
    EXPECT_THAT(shown, Not(HasSubstr("predicts \n")));
  }
}

}  // namespace
}  // namespace skerry::cli
