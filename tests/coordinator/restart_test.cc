// What goes on after a pause or a restart. Each case was found by simulated faults.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

class RestartTest : public ::testing::Test {
 protected:
  const coordinator::Run& run() { return *h.coordinator->FindRun("t-1"); }

  // Both sites have a task of the first round, which lasts a minute.
  void BeginRun() {
    RunFile file;
    file.extra = "[time]\nheartbeat = \"5s\"\nno_progress = \"1h\"\nround_deadline = \"1m\"";
    h.Submit(file);
    ASSERT_OK(a.Join());
    ASSERT_OK(b.Join());
    task_a = a.Take();
    task_b = b.Take();
  }

  Harness h;
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
  v1::Task task_a;
  v1::Task task_b;
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

}  // namespace
}  // namespace skerry::coordinator
