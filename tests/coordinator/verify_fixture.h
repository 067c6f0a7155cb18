#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "coordinator/verify.h"
#include "harness.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {

// A run of two sites that write down their calls, and what `skerry run verify` finds in it after a
// test has changed something.
class VerifyFixture : public ::testing::Test {
 protected:
  void Begin(const std::string& keep, int rounds = 4) {
    RunFile file;
    file.rounds = rounds;
    file.extra = "[keep]\n" + keep;
    run_ = h.Submit(file);
    ASSERT_OK(a.Join());
    ASSERT_OK(b.Join());
  }

  // Rounds up to `last`.
  void Work(int last) {
    while (h.coordinator->FindRun(run_)->last_committed_round() < last) {
      const v1::Task task_a = Take(a);
      const v1::Task task_b = Take(b);
      Submit(a, task_a);
      Submit(b, task_b);
    }
  }

  // Each site hears what there is to hear, and says so.
  void Settle() {
    for (int i = 0; i < 2; ++i) {
      for (FakeSite* site : {&a, &b}) Pull(*site);
    }
  }

  v1::Task Take(FakeSite& site) {
    const v1::PullTaskReply reply = Pull(site);
    EXPECT_TRUE(reply.has_task()) << site.name();
    return reply.task();
  }

  // An answer, or nothing if the call is held.
  v1::PullTaskReply Pull(FakeSite& site) {
    const auto pending = site.Pull();
    if (!pending->has_value() || !(*pending)->ok()) return {};
    const v1::PullTaskReply reply = ***pending;
    for (const v1::Verdict& verdict : reply.verdicts()) site.confirm_.push_back(verdict.task_id());
    rpc::CallEvent event = Event(site.name(), "PullTask");
    event.verdicts = rpc::VerdictsIn(reply);
    rpc::NoteTaskIn(reply, event);
    calls[site.name()].events.push_back(event);
    return reply;
  }

  void Submit(FakeSite& site, const v1::Task& task) {
    const auto receipt = site.Submit(task);
    ASSERT_OK(receipt);
    AddReceipt(site.name(), receipt->task_id(), HexEncode(receipt->content_hash()));
  }

  void AddReceipt(const std::string& site, int64_t task_id, const std::string& hash) {
    rpc::CallEvent event = Event(site, "SubmitResult");
    event.task_id = task_id;
    event.content_hash = hash;
    calls[site].events.push_back(event);
  }

  static rpc::CallEvent Event(const std::string& site, const std::string& call) {
    rpc::CallEvent event;
    event.type = rpc::CallEvent::Type::kOk;
    event.site = site;
    event.call = call;
    return event;
  }

  // The rows as the journal has them, for a test to change.
  RunRows Rows() {
    auto rows = ReadRunRows(run_, h.journal);
    EXPECT_OK(rows);
    return *std::move(rows);
  }

  VerifyReport Verify() { return Verify(Rows()); }
  VerifyReport Verify(const RunRows& rows) {
    VerifyInput input;
    input.state_dir = "state";
    input.scratch_dir = "scratch";
    input.confirmed = *ReadConfirmed(run_, h.journal);
    for (auto& [site, history] : calls) {
      history.name = site + ".jsonl";
      input.calls.push_back(history);
    }
    auto report = VerifyRun(input, rows, h.files, h.inline_executor);
    EXPECT_OK(report);
    return report.ok() ? *report : VerifyReport();
  }

  static storage::TaskRecord& TaskOf(RunRows& rows, int64_t round, const std::string& site) {
    for (storage::TaskRecord& task : rows.tasks) {
      if (task.round == round && task.site == site) return task;
    }
    ADD_FAILURE() << "no task of " << site << " in round " << round;
    return rows.tasks.front();
  }

  Harness h;
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
  std::string run_;
  std::map<std::string, rpc::CallHistory> calls;  // the logs of the sites
};

}  // namespace skerry::coordinator
