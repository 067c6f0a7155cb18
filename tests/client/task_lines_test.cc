#include "client/task_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "session_fakes.h"

namespace skerry::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TaskLinesTest : public ::testing::Test {
 protected:
  static v1::Task TaskOf(const std::string& run, int64_t round) {
    v1::Task task;
    task.set_run_id(run);
    task.set_round(round);
    return task;
  }
  // All of each task's steps at once.
  void Work(const std::string& run, int64_t first, int64_t last) {
    for (int64_t round = first; round <= last; ++round) {
      const v1::Task task = TaskOf(run, round);
      lines_.Taken(task, now_);
      lines_.Done(task, 50, now_);
      lines_.Counted(task, now_);
    }
  }
  std::vector<std::string> Told() { return std::exchange(diary_.lines, {}); }

  Diary diary_;
  TaskLines lines_{diary_};
  Timestamp now_ = Timestamp() + 1h;
};

TEST_F(TaskLinesTest, EachStepOfFewTasksHasItsLineAtOnce) {
  Work("r-1", 3, 3);
  EXPECT_THAT(Told(), ElementsAre("run r-1 round 3 training: taken",
                                  "run r-1 round 3 training: done, 50 examples",
                                  "run r-1 round 3 training: counted"));
  EXPECT_EQ(lines_.Due(), std::nullopt);
}

TEST_F(TaskLinesTest, ManyTasksInASecondAreToldTogetherWhenItIsOver) {
  Work("r-1", 1, 100);
  EXPECT_THAT(Told(), SizeIs(24)) << "eight tasks";
  ASSERT_EQ(lines_.Due(), now_ + 1s);
  lines_.Step(now_ + 999ms);
  EXPECT_THAT(Told(), IsEmpty());
  lines_.Step(now_ + 1s);
  EXPECT_THAT(Told(), ElementsAre("run r-1 rounds 9 to 100: 92 taken, 92 done, 92 counted"));
  EXPECT_EQ(lines_.Due(), std::nullopt);
}

TEST_F(TaskLinesTest, AsLongAsTheyStayManyNoneHasItsOwnLines) {
  Work("r-1", 1, 100);
  now_ = now_ + 1s;
  Work("r-1", 101, 200);
  now_ = now_ + 1s;
  Told();
  lines_.Step(now_);
  EXPECT_THAT(Told(), ElementsAre("run r-1 rounds 101 to 200: 100 taken, 100 done, 100 counted"));
}

TEST_F(TaskLinesTest, WhenTheyGetFewEachHasItsLinesAgain) {
  Work("r-1", 1, 100);
  now_ = now_ + 1s;
  Work("r-1", 101, 102);
  now_ = now_ + 1s;
  Told();
  Work("r-1", 103, 103);
  EXPECT_THAT(Told(), ElementsAre("run r-1 rounds 101 to 102: 2 taken, 2 done, 2 counted",
                                  "run r-1 round 103 training: taken",
                                  "run r-1 round 103 training: done, 50 examples",
                                  "run r-1 round 103 training: counted"));
}

// The task that takes long after many that did not: the log must not be silent about it.
TEST_F(TaskLinesTest, ATaskThatIsTakenAndNotDoneIsSeenInTheLine) {
  Work("r-1", 1, 20);
  lines_.Taken(TaskOf("r-1", 21), now_);
  Told();
  lines_.Step(now_ + 1s);
  EXPECT_THAT(Told(), ElementsAre("run r-1 rounds 9 to 21: 13 taken, 12 done, 12 counted"));
}

TEST_F(TaskLinesTest, EachRunHasItsOwnLine) {
  Work("r-1", 1, 10);
  Work("r-2", 5, 6);
  Told();
  lines_.Flush();
  EXPECT_THAT(Told(), ElementsAre("run r-1 rounds 9 to 10: 2 taken, 2 done, 2 counted",
                                  "run r-2 rounds 5 to 6: 2 taken, 2 done, 2 counted"));
}

TEST_F(TaskLinesTest, ASecondWithTooManyIsFollowedByOneWithoutLinesOfTheirOwn) {
  Work("r-1", 1, 9);  // 27 steps, three of them held back
  now_ = now_ + 1s;
  Told();
  Work("r-1", 10, 10);
  EXPECT_THAT(Told(), ElementsAre("run r-1 round 9: 1 taken, 1 done, 1 counted"));
  lines_.Step(now_ + 1s);
  EXPECT_THAT(Told(), ElementsAre("run r-1 round 10: 1 taken, 1 done, 1 counted"));
}

TEST_F(TaskLinesTest, AfterAPauseThereAreLinesAgain) {
  Work("r-1", 1, 100);
  lines_.Flush();
  now_ = now_ + 1min;
  Told();
  Work("r-1", 101, 101);
  EXPECT_THAT(Told(), SizeIs(3));
}

TEST_F(TaskLinesTest, WhoWantsEveryTaskIsToldOfEachStepAsItHappens) {
  diary_.every_task = true;
  Work("r-1", 1, 100);
  EXPECT_THAT(Told(), SizeIs(300));
  EXPECT_EQ(lines_.Due(), std::nullopt);
}

TEST_F(TaskLinesTest, NothingIsHeldBackForNobody) {
  diary_.listening = false;
  Work("r-1", 1, 100);
  EXPECT_EQ(lines_.Due(), std::nullopt);
  EXPECT_THAT(Told(), IsEmpty());
}

}  // namespace
}  // namespace skerry::client
