#include "rpc/pulled_task.h"

#include <gtest/gtest.h>

namespace skerry::rpc {
namespace {

v1::PullTaskReply Answer() {
  v1::PullTaskReply reply;
  reply.add_abandon_tasks(3);
  v1::Task& task = *reply.mutable_task();
  task.set_task_id(7);
  task.set_run_id("icu-1");
  task.mutable_model()->set_version(2);
  task.mutable_model()->set_contents("the model");
  return reply;
}

TEST(PulledTaskTest, ApartAndWholeAgainItIsTheSame) {
  const PulledTask pulled = Apart(Answer());
  EXPECT_FALSE(pulled.reply.has_task());
  EXPECT_EQ(pulled.task_id, 7);
  EXPECT_EQ(pulled.task->model().contents(), "");
  EXPECT_EQ(*pulled.model, "the model");
  EXPECT_EQ(Whole(pulled).SerializeAsString(), Answer().SerializeAsString());
}

TEST(PulledTaskTest, AnAnswerWithoutATaskHasNone) {
  v1::PullTaskReply reply;
  reply.mutable_wait()->set_retry_after_ms(5);
  const PulledTask pulled = Apart(reply);
  EXPECT_EQ(pulled.task, nullptr);
  EXPECT_EQ(Whole(pulled).wait().retry_after_ms(), 5);
}

TEST(PulledTaskTest, SitesThatShareATaskEachGetItsOwnId) {
  const auto task = std::make_shared<const v1::Task>(Answer().task());
  EXPECT_EQ(Whole({{}, 11, task, nullptr}).task().task_id(), 11);
  EXPECT_EQ(Whole({{}, 12, task, nullptr}).task().task_id(), 12);
}

}  // namespace
}  // namespace skerry::rpc
