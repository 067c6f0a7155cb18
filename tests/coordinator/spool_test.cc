// A spool that is full: who waits, who goes on, and that nobody waits for ever.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "harness.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::HasCode;
using ::testing::HasSubstr;

constexpr uint64_t kResult = 3 * sizeof(float);

// Two runs with two sites each, over a spool that holds one round of one of them.
class SpoolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    h.spool_bytes = 2 * kResult;
    h.Restart();
    h.Submit({2, R"(sites = ["a", "b"])", ""});
    h.Submit({2, R"(sites = ["c", "d"])", ""});
    for (FakeSite* site : {&a, &b, &c, &d}) ASSERT_OK(site->Join());
  }
  std::string State(const std::string& run) {
    return std::string(Name(h.coordinator->FindRun(run)->record().state));
  }

  Harness h;
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
  FakeSite c{h, "c"};
  FakeSite d{h, "d"};
};

TEST_F(SpoolTest, AResultThatDoesNotFitIsToldToWaitAndFitsWhenARoundHasClosed) {
  const v1::Task task_a = a.Take();
  const v1::Task task_b = b.Take();
  const v1::Task task_c = c.Take();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(b.BeginUpload(FakeSite::Header(task_b, FakeSite::Bytes({1, 2, 3}))));
  const auto refused = c.Submit(task_c);
  EXPECT_THAT(refused, HasCode(Code::kResourceExhausted)) << "the client waits";
  EXPECT_THAT(refused.status().message(),
              HasSubstr("the spool is full: 24 of 24 bytes are in use"));
  ASSERT_OK(b.Submit(task_b));
  EXPECT_OK(c.Submit(task_c)) << "the round of the others has closed";
}

// Each has half a round in the spool. One of them has to go on.
TEST_F(SpoolTest, TwoRunsThatFillItTogetherDoNotWaitForEachOther) {
  std::vector<v1::Task> tasks = {a.Take(), b.Take(), c.Take(), d.Take()};
  ASSERT_OK(a.Submit(tasks[0]));
  ASSERT_OK(c.Submit(tasks[2]));
  EXPECT_THAT(d.Submit(tasks[3]), HasCode(Code::kResourceExhausted));
  EXPECT_OK(b.Submit(tasks[1])) << "the older run has what it needs";
  EXPECT_OK(d.Submit(tasks[3])) << "and then the other";
  for (FakeSite* site : {&a, &b, &c, &d}) ASSERT_OK(site->Submit(site->Take()));
  EXPECT_EQ(State("t-1"), "completed");
  EXPECT_EQ(State("t-2"), "completed");
}

TEST_F(SpoolTest, AfterARestartTheResultsThatWaitStillDoNotHoldUpTheirRound) {
  const v1::Task task_a = a.Take();
  const v1::Task task_b = b.Take();
  const v1::Task task_c = c.Take();
  ASSERT_OK(c.Submit(task_c));
  ASSERT_OK(a.Submit(task_a));
  h.Restart();
  ASSERT_OK(b.Join());
  EXPECT_OK(b.Submit(task_b));
}

TEST_F(SpoolTest, ARunWhoseRoundCanNeverFitIsRefusedAtOnceWithTheKeyToRaise) {
  v1::SubmitRunRequest request;
  request.set_run_file(RunFile{2, R"(sites = ["a", "b", "c"])", ""}.Text());
  const auto refused = h.Call<v1::SubmitRunReply>(
      [&](auto done) { h.coordinator->SubmitRun(request, std::move(done)); });
  EXPECT_THAT(refused, HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(refused.status().message(),
              HasSubstr("results of a round of this run take 36 bytes"));
  EXPECT_THAT(refused.status().hint(), HasSubstr("storage.spool_bytes"));
}

// Two versions and, of two sites, the results of one round: 12 bytes each.
TEST_F(SpoolTest, ARunThatTheDiskCannotHoldIsRefusedAtOnceAndSaysWhatItNeeds) {
  v1::SubmitRunRequest request;
  request.set_run_file(
      RunFile{1, R"(sites = ["a", "b"])", "[keep]\ncheckpoints = 1\nupdates = 0\nbest = 0\n"}
          .Text());
  const auto submit = [&] {
    return h.Call<v1::SubmitRunReply>(
        [&](auto done) { h.coordinator->SubmitRun(request, std::move(done)); });
  };
  ASSERT_OK_AND_ASSIGN(const v1::SubmitRunReply fits, submit());
  const uint64_t needed = fits.disk_bytes();
  constexpr uint64_t kJournal = (uint64_t{8} << 20) + 2 * 1024;  // one round of two tasks
  EXPECT_EQ(needed, 4 * kResult + kJournal);

  h.disk.free_bytes = needed - 1;
  const auto refused = submit();
  EXPECT_THAT(refused, HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(refused.status().message(), HasSubstr("this run needs up to " + FormatBytes(needed)));
  EXPECT_THAT(refused.status().hint(), HasSubstr("keep.checkpoints"));

  h.disk.free_bytes = needed;
  EXPECT_OK(submit());
}

TEST_F(SpoolTest, AnAsynchronousRunThatTheDiskCannotHoldNamesTheKeyThatKeepsItsVersions) {
  h.disk.free_bytes = kResult;
  const auto hint = [&](const std::string& extra) {
    RunFile file{99, R"(sites = ["a", "b"])", extra};
    file.training = "strategy = \"fedbuff\"\nasync = { buffer = 1, max_staleness = 6 }\n";
    v1::SubmitRunRequest request;
    request.set_run_file(file.Text());
    return h
        .Call<v1::SubmitRunReply>(
            [&](auto done) { h.coordinator->SubmitRun(request, std::move(done)); })
        .status()
        .hint();
  };
  EXPECT_THAT(hint(""), HasSubstr("lower training.async.max_staleness, keep.updates or "
                                  "participation.sites in the run file"));
  EXPECT_THAT(hint("[keep]\ncheckpoints = 20\n"), HasSubstr("lower keep.checkpoints,"));
}

}  // namespace
}  // namespace skerry::coordinator
