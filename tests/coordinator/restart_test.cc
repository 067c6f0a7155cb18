// What goes on after a pause or a restart. Each case was found by simulated faults.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "coordinator_fixture.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

class RestartTest : public CoordinatorTest {
 protected:
  // The first round lasts a minute.
  void BeginRun() {
    RunFile file;
    file.extra = "[time]\nheartbeat = \"5s\"\nno_progress = \"1h\"\nround_deadline = \"1m\"";
    CoordinatorTest::BeginRun(file);
  }
};

TEST_F(RestartTest, ARunThatIsPausedGivesItsSitesTheTasksTheyHad) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  b.Break();
  h.Wait(61s);
  ASSERT_TRUE(run().paused());
  h.Restart();
  // b has forgotten its task: it is given again, and counts.
  ASSERT_OK(b.Join());
  EXPECT_EQ(b.Take().task_id(), task_b.task_id());
  ASSERT_OK(a.Join({Held(task_a.task_id(), v1::HeldTask::SUBMITTED)}));
  EXPECT_FALSE(run().paused());
  ASSERT_OK(b.Submit(task_b));
  EXPECT_EQ(run().last_committed_round(), 1);
}

TEST_F(RestartTest, SoDoesARunWhoseNextAttemptWaitsForSites) {
  RunFile file;
  file.participation = "sites = [\"a\", \"b\", \"c\"]\nmin_sites = 2\nquorum = 2";
  file.extra = "[time]\nheartbeat = \"2s\"\nno_progress = \"1h\"\nround_deadline = \"1m\"";
  h.Submit(file);
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  h.Wait(7s);  // c does not come
  task_a = a.Take();
  task_b = b.Take();
  ASSERT_OK(a.Submit(task_a));
  b.Break();
  h.Wait(61s);
  ASSERT_TRUE(run().paused());
  ASSERT_OK(a.Join({Held(task_a.task_id(), v1::HeldTask::SUBMITTED)}));
  ASSERT_OK(b.Join());
  ASSERT_EQ(run().round_state().phase, Phase::kSelecting) << "it waits for c";
  h.Restart();
  ASSERT_OK(b.Join());
  EXPECT_EQ(b.Take().task_id(), task_b.task_id());
}

TEST_F(RestartTest, ASiteIsAskedForItsResultUntilItIsAtItSinceAnAnswerMayBeLost) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(h.files.Remove("state/spool/" + std::to_string(task_a.task_id()) + ".result"));
  h.Restart();
  ASSERT_OK(a.Join({Held(task_a.task_id(), v1::HeldTask::SUBMITTED)}));
  ASSERT_OK(b.Join({Held(task_b.task_id(), v1::HeldTask::WORKING)}));
  ASSERT_OK(b.Submit(task_b));
  for (int i = 0; i < 3; ++i) {
    const auto pull = a.Pull({task_a.task_id()});
    ASSERT_TRUE(pull->has_value()) << "the answer before may have been lost";
    EXPECT_EQ((**pull)->resend_task_id(), task_a.task_id());
  }
  ASSERT_OK(a.Submit(task_a));
  EXPECT_EQ(run().last_committed_round(), 1);
}

TEST_F(RestartTest, TheTimeThatASiteWasAwayFromAPausedRunIsNotTimeWithoutProgress) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  const auto held = a.Pull({task_a.task_id()});
  b.Break();
  h.Wait(61s);
  ASSERT_TRUE(run().paused());
  h.Wait(2h);
  ASSERT_OK(a.Join({Held(task_a.task_id(), v1::HeldTask::SUBMITTED)}));
  ASSERT_OK(b.Join({Held(task_b.task_id(), v1::HeldTask::WORKING)}));
  EXPECT_FALSE(run().paused());
  h.Wait(5s);
  EXPECT_FALSE(run().paused()) << run().record().reason;
  ASSERT_OK(b.Submit(task_b));
  EXPECT_EQ(run().last_committed_round(), 1);
}

TEST_F(RestartTest, ASiteThatIsAwayWhenItsResultIsFoundDamagedIsLostAndNotWithoutProgress) {
  RunFile file;
  file.extra = "[time]\nheartbeat = \"5s\"\nno_progress = \"10m\"\nround_deadline = \"1h\"";
  h.Submit(file);
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  task_a = a.Take();
  task_b = b.Take();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(h.files.Remove("state/spool/" + std::to_string(task_a.task_id()) + ".result"));
  h.Restart();
  h.Wait(2min);  // a does not come back
  ASSERT_OK(b.Join({Held(task_b.task_id(), v1::HeldTask::WORKING)}));
  ASSERT_OK(b.Submit(task_b));
  EXPECT_EQ(run().round_state().seats[0], Seat::kLost);
  h.Wait(20min);
  EXPECT_EQ(run().round_state().seats[0], Seat::kLost) << "not failed";
  ASSERT_OK(a.Join({Held(task_a.task_id(), v1::HeldTask::SUBMITTED)}));
  ASSERT_OK(b.Join({Held(task_b.task_id(), v1::HeldTask::SUBMITTED)}));
  ASSERT_OK(a.Submit(task_a));
  EXPECT_EQ(run().last_committed_round(), 1);
}

// Who was invited to each round of a run that draws two of three sites by what they did before. The
// sites work for so many turns; after one of them the coordinator is killed.
std::map<int64_t, std::vector<std::string>> InvitedTo(int turns, int killed_after,
                                                      std::size_t& most_tasks) {
  Harness h;
  FakeSite sites[] = {{h, "a"}, {h, "b"}, {h, "c"}};
  RunFile file;
  file.rounds = 2 * turns;
  file.participation =
      "sites = [\"a\", \"b\", \"c\"]\nsites_per_round = 2\nselection = \"availability\"";
  h.Submit(file);
  for (FakeSite& site : sites) EXPECT_OK(site.Join());
  for (int turn = 1; turn <= turns; ++turn) {
    for (FakeSite& site : sites) {
      const auto pull = site.Pull();
      site.confirm_.clear();
      if (!pull->has_value() || !(*pull)->ok()) continue;
      for (const auto& verdict : (**pull)->verdicts()) site.confirm_.push_back(verdict.task_id());
      if (!(**pull)->has_task()) continue;
      EXPECT_OK(site.Submit((**pull)->task()));
    }
    if (turn != killed_after) continue;
    h.reader.most_tasks = 0;
    h.Restart();
    most_tasks = h.reader.most_tasks;
    for (FakeSite& site : sites) EXPECT_OK(site.Join());
  }
  std::map<int64_t, std::vector<std::string>> invited;
  const auto rounds = h.journal.Rounds("t-1", 1, 2 * turns);
  EXPECT_TRUE(rounds.ok());
  if (!rounds.ok()) return invited;
  for (const storage::RoundRecord& round : *rounds) {
    if (round.phase == "committed") invited[round.round] = round.invited;
  }
  return invited;
}

TEST(TrackAfterARestartTest, TheDrawGoesOnAndNoMoreThanSomeRoundsAreReadAtOnce) {
  constexpr int kTurns = 620;
  std::size_t most_tasks = 0;
  std::size_t unread = 0;
  const auto killed = InvitedTo(kTurns, kTurns - 20, most_tasks);
  const auto undisturbed = InvitedTo(kTurns, -1, unread);
  EXPECT_GT(most_tasks, 0U);
  EXPECT_LE(most_tasks, 1000U);
  const std::size_t common = std::min(killed.size(), undisturbed.size());
  ASSERT_GT(common, std::size_t{kTurns - 20}) << "twice as many tasks";
  for (std::size_t round = 1; round <= common; ++round) {
    EXPECT_EQ(killed.at(static_cast<int64_t>(round)), undisturbed.at(static_cast<int64_t>(round)))
        << round;
  }
}

}  // namespace
}  // namespace skerry::coordinator
