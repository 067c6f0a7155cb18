#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/run_plan.h"
#include "testing/status_matchers.h"

// Values that a run file may not have, alone or together.
namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A good file in which one piece is replaced. Its lines are counted in the tests below.
constexpr const char* kGood = R"([run]
name = "t"
num_rounds = 5
[data]
source = "icu"
features = ["age"]
label = "died"
[model]
kind = "logistic"
[training]
learning_rate = 0.1
[participation]
sites = ["a", "b", "c"]
)";

Result<RunPlan> ParseWith(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return ParseRunFile(text.replace(at, from.size(), to), "run.toml");
}
Result<RunPlan> ParseAlso(const std::string& more) {
  return ParseRunFile(kGood + more, "run.toml");
}

struct BadValue {
  const char* from;  // "": `to` is appended
  const char* to;
  std::vector<const char*> said;
};

void ExpectRefused(const std::vector<BadValue>& values) {
  for (const BadValue& bad : values) {
    const Result<RunPlan> plan =
        *bad.from == '\0' ? ParseAlso(bad.to) : ParseWith(bad.from, bad.to);
    for (const char* words : bad.said) {
      EXPECT_THAT(plan, Fails(Code::kInvalidArgument, HasSubstr(words))) << bad.to;
    }
  }
}

TEST(RunPlanValuesTest, AValueOutsideItsRangeIsRefused) {
  ExpectRefused(
      {{"\"t\"", "\"Has Blanks\"", {"run.toml:2: run.name: must be made of a-z"}},
       {"= 5", "= 0", {"run.toml:3: run.num_rounds: must be at least 1"}},
       {"= 5", "= 5\nseed = -1", {"run.seed: must be at least 0"}},
       {"= 5", "= 5\nmin_round = \"2d\"", {"run.min_round: must be at most 24h"}},
       {"= 5", "= 5\nmin_round = \"soon\"", {"run.toml:4: run.min_round: \"soon\""}},
       {"0.1", "0", {"run.toml:11: training.learning_rate: must be over 0"}},
       {"0.1", "-0.5", {"training.learning_rate"}},
       {"0.1", "inf", {"training.learning_rate: must be a finite number"}},
       {"0.1", "nan", {"training.learning_rate: must be a finite number"}},
       {"0.1", "0.1\nlocal_epochs = 0", {"training.local_epochs: must be at least 1"}},
       {"0.1", "0.1\nbatch_size = -1", {"training.batch_size: must be at least 0"}},
       {"0.1", "0.1\nmomentum = 1.0", {"training.momentum: must be at least 0 and below 1"}},
       {"0.1", "0.1\nweight_decay = -1", {"training.weight_decay: must be at least 0"}},
       {"", "[time]\nheartbeat = \"0s\"", {"time.heartbeat: must be at least 1s"}},
       {"", "[time]\nheartbeat = \"9000d\"", {"time.heartbeat: must be at most 366d"}},
       {"", "[time]\nround_deadline = \"400d\"", {"round_deadline: must be at most"}},
       {"", "[keep]\ncheckpoints = 0", {"keep.checkpoints: must be at least 1"}},
       {"", "[keep]\nbest = -1", {"keep.best: must be at least 0"}},
       {"", "[keep]\nupdates = -1", {"keep.updates: must be at least 0"}},
       {"", "[keep]\nhistory_days = -1", {"keep.history_days: must be at least 0"}},
       {"", "[keep]\nhistory_days = 40000", {"keep.history_days: must be at most 36500"}},
       {"",
        "[aggregation]\nrule = \"modian\"",
        {"run.toml:15: aggregation.rule: there is no \"modian\" here; did you mean \"median\"?"}},
       {"",
        "[aggregation]\nrule = \"trimmed_mean\"\ntrim = 0.6",
        {"run.toml:16: aggregation.trim: must be at least 0 and at most 0.5"}},
       {"", "[aggregation]\nrule = \"trimmed_mean\"\ntrim = -0.1", {"aggregation.trim"}},
       {"",
        "[aggregation]\nrule = \"median\"\ntrim = 0.1",
        {"run.toml:16: aggregation.trim: nothing reads this key"}},
       {"", "[keep]\nhistory_rounds = 9", {"keep.history_rounds: must be at least 10"}},
       {"",
        "[keep]\nupdates = 20\nhistory_rounds = 19",
        {"keep.history_rounds: must be at least 10 and at least keep.updates"}},
       {"", "[evaluation]\nevery = -1", {"evaluation.every: must be at least 0"}},
       {"", "min_sites = 0", {"participation.min_sites: must be at least 1"}},
       {"", "quorum = \"most\"", {"quorum: must be a whole number or \"all\""}}});
}

TEST(RunPlanValuesTest, EachAggregationRuleHasItsOwnKeys) {
  const auto aggregation = [](const std::string& keys) {
    return ParseWith("[\"a\", \"b\", \"c\"]",
                     "[\"a\", \"b\", \"c\", \"d\", \"e\"]\n[aggregation]\n" + keys);
  };
  ASSERT_OK_AND_ASSIGN(RunPlan plan, aggregation("rule = \"krum\"\n"));
  EXPECT_EQ(plan.spec.training().aggregation().attackers(), 1);
  ASSERT_OK_AND_ASSIGN(plan, aggregation("rule = \"multi_krum\"\nattackers = 0\nselect = 2\n"));
  EXPECT_EQ(plan.spec.training().aggregation().attackers(), 0);
  EXPECT_EQ(plan.spec.training().aggregation().select(), 2);
  ASSERT_OK_AND_ASSIGN(plan, aggregation("rule = \"centered_clipping\"\nradius = 0.5\n"));
  EXPECT_EQ(plan.spec.training().aggregation().radius(), 0.5);
  ASSERT_OK_AND_ASSIGN(plan, aggregation("clipping_norm = 2.5\n"));
  EXPECT_EQ(plan.spec.training().aggregation().clipping_norm(), 2.5);
  EXPECT_EQ(plan.spec.training().aggregation().rule(), "");
  const std::pair<const char*, const char*> refused[] = {
      {"rule = \"krum\"\nattackers = -1\n", "aggregation.attackers: must be at least 0"},
      {"rule = \"krum\"\nselect = 2\n", "aggregation.select: nothing reads this key"},
      {"rule = \"krum\"\nattackers = 2\n", "needs 7 updates; there are 5"},
      {"rule = \"bulyan\"\n", "needs 7 updates; there are 5"},
      {"rule = \"multi_krum\"\nselect = 0\n", "aggregation.select: must be at least 1"},
      {"rule = \"multi_krum\"\nselect = 6\n", "aggregation.select is 6"},
      {"rule = \"centered_clipping\"\n", "aggregation.radius"},
      {"rule = \"centered_clipping\"\nradius = 0\n", "aggregation.radius: must be over 0"},
      {"clipping_norm = -1\n", "aggregation.clipping_norm: must be over 0"},
      {"attackers = 1\n", "aggregation.attackers: nothing reads this key"}};
  for (const auto& [keys, said] : refused) {
    EXPECT_THAT(aggregation(keys), Fails(Code::kInvalidArgument, HasSubstr(said))) << keys;
  }
}

TEST(RunPlanValuesTest, AnUnknownNameIsRefusedAndTheNearestIsNamed) {
  ExpectRefused(
      {{"\"logistic\"",
        "\"logstic\"",
        {"run.toml:9: model.kind", "did you mean \"logistic\"?", "known values:"}},
       {"\"logistic\"", "\"mpl\"\nhidden = [3]", {"did you mean \"mlp\"?"}},
       {"0.1",
        "0.1\nstrategy = \"fedavgg\"",
        {"run.toml:12: training.strategy", "did you mean \"fedavg\"?"}},
       {"\"died\"",
        "\"died\"\nmissing = \"men\"",
        {"run.toml:8: data.missing", "did you mean \"mean\"?"}},
       {"", "[evaluation]\nmetrics = [\"acu\"]", {"did you mean \"auc\"?"}},
       {"", "late_policy = \"count\"", {"late_policy: \"count\" is not built"}},
       {"\"a\", \"b\"", "\"a\", \"B b\"", {"run.toml:13: participation.sites: \"B b\""}},
       {"[\"a\", \"b\", \"c\"]", "\"some\"", {"must be \"all\" or a list"}},
       {"[\"a\", \"b\", \"c\"]", "[]", {"participation.sites: the list is empty"}},
       {"\"a\", \"b\"", "\"a\", \"a\"", {"a site is listed twice"}},
       {"", "required_sites = [\"aa\"]", {"\"aa\" is not among the sites; did you mean"}}});
}

TEST(RunPlanValuesTest, OfTwoKeysThatCannotBothBeMeantBothAreNamed) {
  ExpectRefused(
      {{"",
        "min_sites = 4",
        {"min_sites (4) is more than sites (3)", "lower min_sites or raise sites"}},
       {"", "sites_per_round = 4", {"sites_per_round (4) is more than sites (3)"}},
       {"", "sites_per_round = 1\nquorum = 2", {"quorum (2)", "sites_per_round (1)"}},
       {"", "min_sites = 1\nquorum = 2", {"quorum (2)", "min_sites (1)"}},
       {"",
        "sites_per_round = 1\nrequired_sites = [\"a\", \"b\"]",
        {"required_sites (2)", "sites_per_round (1)"}},
       {"",
        "[time]\nheartbeat = \"1m\"\nno_progress = \"30s\"",
        {"run.toml:16: time.no_progress", "time.heartbeat (1m)"}},
       {"",
        "[time]\nheartbeat = \"1m\"\nround_deadline = \"2m\"",
        {"time.round_deadline", "three times time.heartbeat (3m)"}},
       {"\"logistic\"",
        "\"logistic\"\nhidden = [3]",
        {"run.toml:10: model.hidden: a model of kind \"logistic\" does not have this"}},
       {"\"logistic\"", "\"mlp\"", {"model.hidden: is missing"}},
       {"\"logistic\"", "\"cox\"", {"data.event: is missing; a model of risks needs it"}},
       {"\"died\"",
        "\"died\"\nevent = \"dead\"",
        {"run.toml:8: data.event: only a model of risks reads it", "\"cox\""}},
       {"\"logistic\"",
        "\"network\"\nlayers = [{ kind = \"dense\", unit = 1 }]",
        {"run.toml:10: model.layers.0.unit: nothing reads this key", "model.layers.0.units"}},
       {"\"logistic\"", "\"network\"\nlayers = [3]", {"model.layers: must be a list of tables"}},
       {"\"logistic\"",
        "\"network\"\nloss = \"logistic\"\nlayers = [{ kind = \"conv\", units = 1, kernel = 2 }]",
        {"model.layers.0 (conv): needs an image", "model.input_shape"}},
       {"\"logistic\"",
        "\"logistic\"\nlayers = [{ kind = \"dense\", units = 1 }]",
        {"model.layers: a model of kind \"logistic\" does not have this", "\"network\""}},
       {"\"logistic\"", "\"mlp\"\nhidden = [0]", {"model.hidden: must be at least 1"}},
       {"\"died\"",
        "\"died\"\nlabel_classes = [\"x\", \"y\", \"z\"]",
        {"model.kind: \"logistic\" needs", "2 classes", "softmax"}},
       {"\"logistic\"",
        "\"linear\"\n[evaluation]\nmetrics = [\"auc\"]",
        {"run.toml:11: evaluation.metrics", "model.kind = \"linear\"", "no \"auc\"", "mse"}}});
}

TEST(RunPlanValuesTest, AWayToDrawHasItsOwnKeysAndNoOthers) {
  ExpectRefused({{"", "selection = \"poisson\"", {"participation.probability: is missing"}},
                 {"",
                  "selection = \"poisson\"\nprobability = 1.5",
                  {"participation.probability: must be over 0 and at most 1"}},
                 {"",
                  "selection = \"poisson\"\nprobability = 0.5\nsites_per_round = 2",
                  {"participation.sites_per_round: clashes with participation.selection"}},
                 {"", "probability = 0.5", {"participation.probability: nothing reads this key"}},
                 {"", "selection = \"oort\"", {"draws participation.sites_per_round sites"}},
                 {"",
                  "selection = \"power_of_choice\"\nsites_per_round = 2\ncandidates = 1",
                  {"participation.candidates: must be at least 2"}},
                 {"",
                  "selection = \"oort\"\nsites_per_round = 2\n[keep]\nhistory_rounds = 20",
                  {"keep.history_rounds: clashes with participation.selection"}},
                 {"", "selection = \"ort\"", {"participation.selection", "\"oort\""}}});
}

TEST(RunPlanValuesTest, ARangeOfFeaturesStandsForEachOfThem) {
  const auto features = [](const std::string& list) {
    return ParseRunFile(
        "[run]\nname = \"t\"\nnum_rounds = 1\n[data]\nsource = \"s\"\nlabel = \"y\"\n"
        "features = [" +
            list +
            "]\n[model]\nkind = \"linear\"\n[training]\n"
            "learning_rate = 0.1\n",
        "run.toml");
  };
  ASSERT_OK_AND_ASSIGN(const RunPlan plan, features("\"x{9..11}y\", \"{a}\", \"b{..3}\""));
  EXPECT_THAT(plan.spec.data().features(),
              ::testing::ElementsAre("x9y", "x10y", "x11y", "{a}", "b{..3}"));
  EXPECT_THAT(features("\"x{3..2}\""), Fails(Code::kInvalidArgument, HasSubstr("must go up")));
  EXPECT_THAT(features("\"x{0..999999999}\""),
              Fails(Code::kInvalidArgument, HasSubstr("by less than 2^20")));
  EXPECT_THAT(features("\"x{1..3}\", \"x2\""),
              Fails(Code::kInvalidArgument, HasSubstr("\"x2\" is named twice")));
}

TEST(RunPlanValuesTest, ANetworkIsReadLayerByLayer) {
  ASSERT_OK_AND_ASSIGN(
      const RunPlan plan,
      ParseRunFile("[run]\nname = \"t\"\nnum_rounds = 1\n[data]\nsource = \"s\"\nlabel = \"y\"\n"
                   "features = [\"x{1..16}\"]\n[model]\nkind = \"network\"\n"
                   "input_shape = [1, 4, 4]\n[[model.layers]]\nkind = \"conv\"\nunits = 2\n"
                   "kernel = 3\nstride = 1\npadding = \"same\"\nactivation = \"relu\"\n"
                   "[[model.layers]]\nkind = \"flatten\"\n[[model.layers]]\nkind = \"dropout\"\n"
                   "rate = 0.5\n[[model.layers]]\nkind = \"dense\"\nunits = 1\n[training]\n"
                   "learning_rate = 0.1\n[simulation.idx]\nimages = \"i\"\nlabels = \"l\"\n"
                   "parts = \"p\"\ndivisor = 255\n",
                   "run.toml"));
  const v1::ModelSpec& model = plan.spec.model();
  EXPECT_THAT(model.input_shape(), ::testing::ElementsAre(1, 4, 4));
  ASSERT_EQ(model.layers_size(), 4);
  EXPECT_EQ(model.layers(0).units(), 2);
  EXPECT_EQ(model.layers(0).kernel(), 3);
  EXPECT_EQ(model.layers(0).padding(), "same");
  EXPECT_EQ(model.layers(0).activation(), "relu");
  EXPECT_EQ(model.layers(2).rate(), 0.5);
  EXPECT_EQ(plan.simulation.idx.images, "i");
  EXPECT_EQ(plan.simulation.idx.parts, "p");
  EXPECT_EQ(plan.simulation.idx.divisor, 255);
}

TEST(RunPlanValuesTest, EarlyStoppingNeedsValidationRowsAndAWholeHistory) {
  const std::string table =
      "\"logistic\"\n[evaluation.early_stopping]\nmetric = \"auc\"\npatience = 3";
  const std::string with_few_rounds = table + "\n[keep]\nhistory_rounds = 20";
  ExpectRefused(
      {{"\"logistic\"",
        table.c_str(),
        {"evaluation.early_stopping: needs data.split.validation over 0"}},
       {"\"logistic\"",
        "\"logistic\"\n[evaluation]\nearly_stopping = { metric = \"mse\", patience = 1 }",
        {"evaluation.early_stopping.metric", "no \"mse\""}},
       {"\"logistic\"",
        "\"logistic\"\n[evaluation]\nearly_stopping = { metric = \"auc\", patience = 0 }",
        {"evaluation.early_stopping.patience: must be at least 1"}},
       {"\"logistic\"",
        "\"logistic\"\n[evaluation]\nevery = 0\nearly_stopping = { metric = \"auc\", patience = 1 "
        "}",
        {"needs evaluation.every of at least 1"}},
       {"\"logistic\"",
        with_few_rounds.c_str(),
        {"keep.history_rounds: clashes with evaluation.early_stopping"}},
       {"\"logistic\"",
        "\"logistic\"\n[evaluation]\nbest_metric = \"r2\"",
        {"evaluation.best_metric", "no \"r2\""}}});
}

TEST(RunPlanValuesTest, ColumnsClassesAndSharesMustFitTogether) {
  ExpectRefused(
      {{"[\"age\"]", "[]", {"data.features: there is no feature"}},
       {"[\"age\"]", "[\"age\", \"age\"]", {"run.toml:6", "\"age\" is named twice"}},
       {"[\"age\"]", "[\"\"]", {"a column name is empty"}},
       {"[\"age\"]", "[\"died\"]", {"run.toml:7: data.label: column \"died\" is named twice"}},
       {"\"died\"",
        "\"died\"\ncategories.sex = [\"f\", \"f\"]",
        {"data.categories.sex: must list each level once"}},
       {"\"died\"",
        "\"died\"\nlabel_classes = [\"0\", \"0\"]",
        {"data.label_classes: must list each class once"}},
       {"\"died\"",
        "\"died\"\nsplit = { train = 0.5, test = 0.4 }",
        {"run.toml:8: data.split: train, validation and test must be shares that add up"}},
       {"\"died\"", "\"died\"\nsplit = { train = 0.0, test = 1.0 }", {"train > 0"}},
       {"\"died\"",
        "\"died\"\nsplit = { train = 0.5, test = 0.5, seed = -3 }",
        {"data.split.seed: must be at least 0"}}});
}

TEST(RunPlanValuesTest, AllMistakesAreToldAtOnceEachOnItsLine) {
  std::string text = kGood;
  text.replace(text.find("= 5"), 3, "= \"five\"");
  text.replace(text.find("kind"), 4, "knd");
  EXPECT_THAT(ParseRunFile(text + "quorum = -2\n", "r.toml"),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("r.toml:3: run.num_rounds: must be a whole number\n"),
                          HasSubstr("r.toml:9: model.knd"), HasSubstr("\"model.kind\""),
                          HasSubstr("r.toml:14: participation.quorum: must be at least 1"))));
}

TEST(RunPlanValuesTest, WhatIsNoTomlIsNamedByLineAndColumn) {
  EXPECT_THAT(ParseRunFile("[run]\nname = \n", "r.toml"),
              Fails(Code::kInvalidArgument, HasSubstr("r.toml:2:")));
  EXPECT_THAT(ParseRunFile("[run]\nname = \"Andr\xe9\"\n", "r.toml"),
              Fails(Code::kInvalidArgument, HasSubstr("r.toml:2:")))
      << "not UTF-8";
}

TEST(RunPlanValuesTest, TheContractFollowsTheRosterWhereTheFileSaysAll) {
  Participation participation;
  ASSERT_OK_AND_ASSIGN(Contract contract, MakeContract(participation, {"a", "b", "c"}));
  EXPECT_EQ(contract.min_sites, 3);
  EXPECT_EQ(contract.sites_per_round, 3);
  EXPECT_EQ(contract.quorum, 3);
  participation.sites_per_round = 2;
  participation.required_sites = {"b"};
  ASSERT_OK_AND_ASSIGN(contract, MakeContract(participation, {"a", "b", "c"}));
  EXPECT_EQ(contract.quorum, 2) << "what a round can reach";
  EXPECT_EQ(contract.required, (std::vector<bool>{false, true, false}));
  EXPECT_THAT(MakeContract(participation, {}),
              Fails(Code::kInvalidArgument, HasSubstr("no site is registered yet")));
}

TEST(RunPlanValuesTest, AnEncodingHasItsOwnKeysAndNoOthers) {
  ExpectRefused({
      {"", "[compression]\nupdate = \"int4\"\n", {"compression.update", "int8"}},
      {"", "[compression]\nblock = 256\n", {"compression.block", "compression.update is \"f32\""}},
      {"", "[compression]\nupdate = \"top_k\"\nblock = 256\n", {"compression.block", "\"top_k\""}},
      {"", "[compression]\nupdate = \"int8\"\nratio = 0.1\n", {"compression.ratio", "\"int8\""}},
      {"", "[compression]\nupdate = \"int8\"\nblock = 0\n", {"compression.block", "1 to 65536"}},
      {"", "[compression]\nupdate = \"top_k\"\nratio = 0.0\n", {"compression.ratio", "over 0"}},
      {"", "[compression]\nupdate = \"top_k\"\nratio = 1.5\n", {"compression.ratio", "at most 1"}},
      {"", "[compression]\nratio = 0.1\ntopk = 1\n", {"compression.topk"}},
      {"",
       "[aggregation]\nrule = \"median\"\n[compression]\nupdate = \"top_k\"\n",
       {"compression.update", "aggregation.rule is \"median\""}},
  });
}

TEST(RunPlanValuesTest, AnUpdateIsPlainUnlessTheRunFileSaysOtherwise) {
  ASSERT_OK_AND_ASSIGN(const RunPlan plain, ParseAlso("[compression]\nupdate = \"f32\"\n"));
  EXPECT_FALSE(plain.spec.has_compression()) << "the description of a plain run has not changed";
  ASSERT_OK_AND_ASSIGN(const RunPlan int8, ParseAlso("[compression]\nupdate = \"int8\"\n"));
  EXPECT_EQ(int8.spec.compression().update(), v1::Encoding::INT8);
  EXPECT_EQ(int8.spec.compression().block(), 256);
  ASSERT_OK_AND_ASSIGN(const RunPlan top_k,
                       ParseAlso("[compression]\nupdate = \"top_k\"\nratio = 0.25\n"));
  EXPECT_EQ(top_k.spec.compression().ratio(), 0.25);
}

}  // namespace
}  // namespace skerry::coordinator
