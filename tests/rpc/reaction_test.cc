#include "rpc/reaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rpc/coordinator_api.h"

namespace skerry::rpc {
namespace {

// ---- The table of docs/wire.md, "Statuses" ----

struct Row {
  Code code;
  const char* detail;
  Reaction reaction;
};

class ReactionTable : public ::testing::TestWithParam<Row> {};

TEST_P(ReactionTable, EachStatusHasItsReaction) {
  const Row& row = GetParam();
  EXPECT_EQ(ReactionTo(Status(row.code, "whatever it says").WithDetail(row.detail)), row.reaction);
  // Words for people change nothing.
  EXPECT_EQ(
      ReactionTo(Status(row.code, "SUPERSEDED").WithHint("SUPERSEDED").WithDetail(row.detail)),
      row.reaction);
}

INSTANTIATE_TEST_SUITE_P(
    Statuses, ReactionTable,
    ::testing::Values(
        Row{Code::kUnavailable, "", Reaction::kRetry},
        Row{Code::kResourceExhausted, "", Reaction::kRetry},
        Row{Code::kDeadlineExceeded, "", Reaction::kRetry},
        Row{Code::kInternal, "", Reaction::kRetry}, Row{Code::kUnknown, "", Reaction::kRetry},
        Row{Code::kCancelled, "", Reaction::kRetry}, Row{Code::kAborted, "", Reaction::kDropTask},
        Row{Code::kNotFound, "", Reaction::kDropTask},
        Row{Code::kAlreadyExists, "", Reaction::kDropTask},
        Row{Code::kFailedPrecondition, "", Reaction::kRejoin},
        Row{Code::kFailedPrecondition, kEpochUnknown, Reaction::kRejoin},
        Row{Code::kPermissionDenied, kSuperseded, Reaction::kExitSuperseded},
        Row{Code::kPermissionDenied, "", Reaction::kStayUnhealthy},
        Row{Code::kPermissionDenied, "SUPERSEDED?", Reaction::kStayUnhealthy},
        Row{Code::kUnauthenticated, "", Reaction::kStayUnhealthy},
        Row{Code::kUnauthenticated, kSuperseded, Reaction::kStayUnhealthy},
        Row{Code::kOutOfRange, "", Reaction::kResume}, Row{Code::kDataLoss, "", Reaction::kResume},
        Row{Code::kInvalidArgument, "", Reaction::kReportFailure},
        Row{Code::kUnimplemented, "", Reaction::kStop}),
    [](const auto& row) {
      std::string name(CodeName(row.param.code));
      if (*row.param.detail != '\0') name += "_" + std::to_string(row.index);
      return name;
    });

TEST(ReactionTest, EveryCodeIsInTheTable) {
  for (int code = 1; code <= static_cast<int>(Code::kUnauthenticated); ++code) {
    const Reaction reaction = ReactionTo(Status(static_cast<Code>(code), ""));
    EXPECT_GE(reaction, Reaction::kRetry) << code;
    EXPECT_LE(reaction, Reaction::kStop) << code;
  }
}

// ---- Backoff ----

Backoff NewBackoff(uint64_t seed, Duration base = 200ms, Duration cap = 60s) {
  return {base, cap, RandomStream(seed, Purpose::kJitter, 0, "north", 0)};
}

std::vector<Duration> Take(Backoff backoff, int n) {
  std::vector<Duration> delays(static_cast<std::size_t>(n));
  for (Duration& delay : delays) delay = backoff.Next();
  return delays;
}

TEST(BackoffTest, EachDelayIsUniformFromNothingToItsCeiling) {
  constexpr int kSeeds = 2000;
  for (int attempt = 0; attempt < 4; ++attempt) {
    const Duration ceiling = 200ms * (1 << attempt);
    std::vector<double> fractions;
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      const Duration delay = Take(NewBackoff(seed), attempt + 1).back();
      ASSERT_GE(delay, 0ns);
      ASSERT_LE(delay, ceiling);
      fractions.push_back(ToSeconds(delay) / ToSeconds(ceiling));
    }
    std::sort(fractions.begin(), fractions.end());
    // Kolmogorov and Smirnov at about one in a million; the seeds are fixed.
    for (int i = 0; i < kSeeds; ++i) {
      ASSERT_NEAR(fractions[static_cast<std::size_t>(i)], (i + 0.5) / kSeeds, 0.06) << attempt;
    }
  }
}

TEST(BackoffTest, NoDelayIsLongerThanTheCap) {
  Backoff backoff = NewBackoff(3);
  Duration longest{0};
  for (int i = 0; i < 5000; ++i) longest = std::max(longest, backoff.Next());
  EXPECT_LE(longest, 60s);
  EXPECT_GT(longest, 59s) << "full jitter comes near it";
}

TEST(BackoffTest, ACoordinatorThatIsBeingRestartedIsNotLeftAloneForLong) {
  const Status refused = Unavailable("Connection refused").WithDetail(kRefused);
  Backoff backoff = NewBackoff(3);
  Duration longest{0};
  for (int i = 0; i < 1000; ++i) longest = std::max(longest, backoff.Next(LongestPause(refused)));
  EXPECT_LE(longest, 10s);
  EXPECT_GT(longest, 9s) << "full jitter comes near it";
  EXPECT_GT(LongestPause(Unavailable("no route to host")), 60s);
}

TEST(BackoffTest, ACapBelowTheBaseHolds) {
  for (const Duration delay : Take(NewBackoff(3, 1h, 10ms), 100)) EXPECT_LE(delay, 10ms);
}

TEST(BackoffTest, ALongBaseDoesNotOverflow) {
  Backoff backoff = NewBackoff(3, 60s, 2h);
  for (int i = 0; i < 100; ++i) {
    const Duration delay = backoff.Next();
    EXPECT_GE(delay, 0ns);
    EXPECT_LE(delay, 2h);
  }
}

TEST(BackoffTest, TheSameSeedGivesTheSameDelaysAndAnotherOneOthers) {
  EXPECT_EQ(Take(NewBackoff(5), 50), Take(NewBackoff(5), 50));
  const std::vector<Duration> a = Take(NewBackoff(5), 50);
  const std::vector<Duration> b = Take(NewBackoff(6), 50);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NE(a[i], b[i]) << i;
}

TEST(BackoffTest, ResetBeginsWithShortDelaysAgain) {
  Backoff backoff = NewBackoff(9);
  for (int i = 0; i < 30; ++i) static_cast<void>(backoff.Next());
  EXPECT_EQ(backoff.attempts(), 30);
  backoff.Reset();
  EXPECT_EQ(backoff.attempts(), 0);
  EXPECT_LE(backoff.Next(), 200ms);
  EXPECT_EQ(backoff.attempts(), 1);
}

}  // namespace
}  // namespace skerry::rpc
