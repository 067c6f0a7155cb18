// What `skerry run verify` finds in a run, and what it says that it could not look at. The same
// with real processes and files: tests/integration/verify_test.cc.
#include "coordinator/verify.h"

#include "crypto/sha256.h"
#include "verify_fixture.h"

namespace skerry::coordinator {
namespace {

using storage::Outcome;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class VerifyTest : public VerifyFixture {
 protected:
  void Flip(const std::string& path, uint64_t at) {
    auto file = h.files.Open(path, OpenMode::kReadWrite);
    ASSERT_OK(file);
    char byte = 0;
    ASSERT_OK((*file)->ReadAt(at, {&byte, 1}));
    byte = static_cast<char>(byte ^ 0x20);
    ASSERT_OK((*file)->WriteAt(at, {&byte, 1}));
  }
  std::string Model(int version) const {
    return "state/runs/" + run_ + "/model-" + std::to_string(version) + ".safetensors";
  }
  // A whole run, with everything that there can be to look at.
  void WholeRun() {
    Begin("updates = 9\ncheckpoints = 9");
    Work(4);
    Settle();
  }
};

// ---- Good runs
// -----------------------------------------------------------------------------------

TEST_F(VerifyTest, AGoodRunIsFoundGoodAndAllOfItWasLookedAt) {
  WholeRun();
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_THAT(report.not_verified, IsEmpty());
  EXPECT_EQ(report.rounds, 5) << "the initial version and four rounds";
  EXPECT_EQ(report.rounds_chained, 5);
  EXPECT_EQ(report.models, 5);
  EXPECT_EQ(report.models_recomputed, 5);
  EXPECT_EQ(report.models_hashed, 5);
  EXPECT_EQ(report.results_counted, 8);
  EXPECT_EQ(report.acknowledged, 8);
  EXPECT_EQ(report.lost + report.duplicated, 0);
}

TEST_F(VerifyTest, ARunWithARobustRuleIsFoundGoodTooAndWhatTheRuleDidIsCompared) {
  Begin("updates = 9\ncheckpoints = 9\n[aggregation]\nrule = \"median\"\nclipping_norm = 0.5");
  Work(4);
  Settle();
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.models_recomputed, 5);
}

TEST_F(VerifyTest, OfARunThatGoesOnTheVersionsInTheJournalAreLookedAt) {
  Begin("updates = 9\ncheckpoints = 9");
  Work(2);
  ASSERT_FALSE(h.files.Open(Model(2), OpenMode::kRead).ok()) << "it has no file";
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.models_hashed, 3);
  EXPECT_EQ(report.models_recomputed, 3);
}

TEST_F(VerifyTest, WhereAVersionHasNoFileTheJournalsIsLookedAtAndElseTheFile) {
  WholeRun();
  ASSERT_OK(h.files.Remove(Model(2)));
  EXPECT_THAT(Verify().faults, IsEmpty());
  EXPECT_EQ(Verify().models_hashed, 5);
  Flip(Model(3), 300);
  EXPECT_THAT(Verify().faults, ElementsAre(HasSubstr("model-3.safetensors is damaged")));
}

TEST_F(VerifyTest, WhatRetentionHasRemovedIsNamedAsNotVerified) {
  Begin("updates = 2\ncheckpoints = 3\nbest = 0");
  Work(4);
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.models_hashed, 3);
  EXPECT_EQ(report.models_recomputed, 3) << "the initial one needs no results; rounds 3 and 4";
  EXPECT_THAT(report.not_verified,
              Contains("the models of rounds 1-2: the results are no longer kept "
                       "([keep] updates)"));
}

TEST_F(VerifyTest, AResultThatShouldHaveBeenKeptIsNamed) {
  WholeRun();
  RunRows rows = Rows();
  const int64_t task = TaskOf(rows, 2, "a").task_id;
  ASSERT_OK(h.files.Remove("state/spool/" + std::to_string(task) + ".result"));
  const VerifyReport report = Verify();
  EXPECT_THAT(report.not_verified, ElementsAre("the models of rounds 2: results are missing, "
                                               "although [keep] updates should have kept them"));
  EXPECT_EQ(report.models_recomputed, 4) << "the later ones begin with the kept version";
}

TEST_F(VerifyTest, WithoutTheVersionToBeginWithARoundIsNotComputedAgainAndSaysSo) {
  Begin("updates = 2\ncheckpoints = 1\nbest = 0");
  Work(4);
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_THAT(report.not_verified,
              Contains("the models of rounds 3-4: the version to begin with is not kept, or "
                       "not the journal's"));
}

TEST_F(VerifyTest, OfARunWhoseHistoryWasRemovedItLooksAtTheVersionsThatAreLeft) {
  Begin("history_days = 1");
  Work(4);
  Settle();
  h.Wait(25h);
  VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.models_hashed, 1);
  EXPECT_THAT(report.not_verified, ElementsAre(HasSubstr("the run's history was removed")));
  Flip(Model(4), 300);
  EXPECT_THAT(Verify().faults, ElementsAre(HasSubstr("model-4.safetensors is damaged")));
}

TEST_F(VerifyTest, OfARunWhoseOldRoundsWereRemovedItLooksAtTheVersionsThatAreLeft) {
  Begin("history_rounds = 10\nbest = 0", 14);
  Work(14);
  Settle();
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.models_hashed, 3);
  EXPECT_THAT(report.not_verified, ElementsAre(HasSubstr("history_rounds")));
}

// All rounds are there then, but of the first ones nobody knows any more who counted.
TEST_F(VerifyTest, RoundsThatStayedWithTheirVersionsButNotWithTheirTasksAreNoFault) {
  Begin("history_rounds = 10\nbest = 0\ncheckpoints = 50", 14);
  Work(14);
  Settle();
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.models_hashed, 15);
  EXPECT_THAT(report.not_verified, ElementsAre(HasSubstr("history_rounds")));
}

TEST_F(VerifyTest, OfARunUnderWayItSaysWhatHasNotEnded) {
  Begin("updates = 9\ncheckpoints = 9");
  Work(2);
  Submit(a, Take(a));
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.results_open, 1);
  EXPECT_EQ(report.acknowledged_open, 1);
  EXPECT_THAT(report.not_verified,
              AllOf(Contains(HasSubstr("1 acknowledged result of rounds that have not ended")),
                    Contains(HasSubstr("the run is running: 1 results of a round that has not "
                                       "ended, and all rounds that are to come"))));
}

TEST_F(VerifyTest, ARunThatIsNotThereIsNotFound) {
  EXPECT_THAT(ReadRunRows("latest", h.journal), skerry::testing::HasCode(Code::kNotFound));
  EXPECT_THAT(ReadRunRows("t-7", h.journal), skerry::testing::HasCode(Code::kNotFound));
}

// ---- Files
// ---------------------------------------------------------------------------------------

TEST_F(VerifyTest, AChangedModelFileIsFoundByName) {
  WholeRun();
  Flip(Model(3), 300);
  const VerifyReport report = Verify();
  EXPECT_THAT(report.faults, ElementsAre(HasSubstr(Model(3) + " is damaged")));
  EXPECT_EQ(report.models_hashed, 4);
  EXPECT_EQ(report.models_recomputed, 5) << "that the journal's hash is right can be seen";
}

TEST_F(VerifyTest, SwappedModelsAreFoundByName) {
  WholeRun();
  ASSERT_OK(h.files.Rename(Model(2), "aside"));
  ASSERT_OK(h.files.Rename(Model(3), Model(2)));
  ASSERT_OK(h.files.Rename("aside", Model(3)));
  EXPECT_THAT(Verify().faults, ElementsAre(HasSubstr(Model(2)), HasSubstr(Model(3))));
}

TEST_F(VerifyTest, AModelThatItsUpdatesDoNotMakeIsFoundThoughItsHashWasChangedToo) {
  WholeRun();
  RunRows rows = Rows();
  for (storage::RoundRecord& round : rows.rounds) {
    if (round.round == 3) round.model_hash = crypto::Sha256("another model");
  }
  EXPECT_THAT(Verify(rows).faults,
              AllOf(Contains(HasSubstr("round 3 (train): its results make version 3")),
                    Contains(HasSubstr("round 3 (train): its chain hash does not follow")),
                    Contains(HasSubstr(Model(3) + " is damaged")), SizeIs(3)));
  EXPECT_THAT(Verify(rows).not_verified,
              ElementsAre(HasSubstr("the models of rounds 4: the version to begin with")));
}

TEST_F(VerifyTest, AChangedKeptUpdateIsFoundByItsSiteAndTask) {
  WholeRun();
  RunRows rows = Rows();
  const int64_t task = TaskOf(rows, 2, "b").task_id;
  Flip("state/spool/" + std::to_string(task) + ".result", 5);
  EXPECT_THAT(Verify().faults,
              ElementsAre("round 2 (train): the kept result of b (task " + std::to_string(task) +
                          ") does not have the hash in the journal"));
}

// ---- Rows
// ----------------------------------------------------------------------------------------

TEST_F(VerifyTest, AChangedWeightIsFound) {
  WholeRun();
  RunRows rows = Rows();
  TaskOf(rows, 2, "b").num_examples = 1000;
  EXPECT_THAT(Verify(rows).faults,
              ElementsAre(HasSubstr("round 2 (train): its chain hash does not follow"),
                          HasSubstr("of site b in round 2: its header contradicts its row")));
}

TEST_F(VerifyTest, AChangedParticipantIsFound) {
  WholeRun();
  RunRows rows = Rows();
  TaskOf(rows, 2, "b").outcome = Outcome::kDiscarded;
  EXPECT_THAT(Verify(rows).faults,
              AllOf(Contains(HasSubstr("round 2 (train): its chain hash does not follow")),
                    Contains(HasSubstr("b was told \"counted\", the journal says \"discarded\""))));
  rows = Rows();
  TaskOf(rows, 2, "b").site = "c";
  EXPECT_THAT(Verify(rows).faults,
              AllOf(Contains(HasSubstr("round 2 (train): its chain hash does not follow")),
                    Contains(HasSubstr("the site is not in the roster")),
                    Contains(HasSubstr("but the journal gives it to c"))));
}

TEST_F(VerifyTest, ARoundInWhichNobodyCountsAnyMoreIsFound) {
  WholeRun();
  RunRows rows = Rows();
  TaskOf(rows, 2, "a").outcome = Outcome::kDiscarded;
  TaskOf(rows, 2, "b").outcome = Outcome::kDiscarded;
  EXPECT_THAT(Verify(rows).faults,
              Contains(HasSubstr("round 2 (train): its chain hash does not follow")));
}

TEST_F(VerifyTest, ABrokenChainIsFoundInTheRoundAndInTheNext) {
  WholeRun();
  RunRows rows = Rows();
  for (storage::RoundRecord& round : rows.rounds) {
    if (round.round == 2) round.chain_hash[0] = static_cast<char>(round.chain_hash[0] ^ 1);
  }
  const VerifyReport report = Verify(rows);
  EXPECT_THAT(report.faults,
              ElementsAre(HasSubstr("round 2 (train): its chain hash does not follow"),
                          HasSubstr("round 3 (train): its chain hash does not follow")));
  EXPECT_EQ(report.rounds_chained, 3);
}

TEST_F(VerifyTest, ARoundThatIsMissingIsFoundAlsoAtTheEnd) {
  WholeRun();
  RunRows rows = Rows();
  rows.rounds.pop_back();
  rows.committed.erase(4);
  EXPECT_THAT(Verify(rows).faults,
              AllOf(Contains("the journal has 3 committed rounds, but the run says 4"),
                    Contains("the newest version that a round made is 3, but the run says 4")));
}

TEST_F(VerifyTest, AnUpdateThatIsCountedInTwoRoundsIsFound) {
  WholeRun();
  RunRows rows = Rows();
  storage::TaskRecord& again = TaskOf(rows, 3, "a");
  const storage::TaskRecord& first = TaskOf(rows, 2, "a");
  again.content_hash = first.content_hash;
  again.header = first.header;
  const VerifyReport report = Verify(rows);
  EXPECT_EQ(report.duplicated, 1);
  EXPECT_THAT(report.faults, Contains(HasSubstr("of site a in round 3: the same result is counted "
                                                "elsewhere too")));
}

TEST_F(VerifyTest, ASiteThatIsCountedTwiceInARoundIsFound) {
  WholeRun();
  RunRows rows = Rows();
  storage::TaskRecord again = TaskOf(rows, 3, "a");
  again.task_id = 99;
  again.content_hash = crypto::Sha256("another result");
  rows.tasks.push_back(again);
  std::stable_sort(rows.tasks.begin(), rows.tasks.end(),
                   [](const auto& x, const auto& y) { return x.round < y.round; });
  const VerifyReport report = Verify(rows);
  EXPECT_EQ(report.duplicated, 1);
  EXPECT_THAT(report.faults, Contains(HasSubstr("the site is counted twice in this round")));
}

TEST_F(VerifyTest, AReceivedResultWithoutAnOutcomeIsFoundWhenItsRoundHasEnded) {
  WholeRun();
  RunRows rows = Rows();
  TaskOf(rows, 2, "a").outcome = Outcome::kNone;
  const VerifyReport report = Verify(rows);
  EXPECT_EQ(report.lost, 1);
  EXPECT_THAT(report.faults,
              AllOf(Contains(HasSubstr("was received and has no outcome, although its round has")),
                    Contains(HasSubstr("was acknowledged with the hash")),
                    Contains(HasSubstr("a was told \"counted\", the journal says \"none\""))));
}

}  // namespace
}  // namespace skerry::coordinator
