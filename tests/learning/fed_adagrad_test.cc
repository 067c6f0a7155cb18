#include "learning/fed_opt_cases.h"

namespace skerry::learning {
namespace {

constexpr const char* kStrategy = "fedadagrad";

// Means of 3, then 4, eta 1, tau 1: v = 9, w = 3 / (3 + 1); v = 25, w += 4 / (5 + 1).
TEST(FedAdagradTest, StepsShrinkWithTheSumOfSquares) {
  OneNumberServer server(FedOptSpec(kStrategy, {}));
  server.Round(3.0);
  EXPECT_EQ(server.state(1), 9.0);
  EXPECT_DOUBLE_EQ(server.w(), 0.75);
  server.Round(4.0);
  EXPECT_EQ(server.state(1), 25.0);
  EXPECT_DOUBLE_EQ(server.w(), 0.75 + 4.0 / 6.0);
}

// beta1 = 1/2: m = 3 / 2, then 3/4 + 2.
TEST(FedAdagradTest, MomentumIsAMeanOfMeans) {
  OneNumberServer server(FedOptSpec(kStrategy, {.rate = 2, .beta1 = 0.5}));
  server.Round(3.0);
  EXPECT_DOUBLE_EQ(server.w(), 2 * 1.5 / 4.0);
  server.Round(4.0);
  EXPECT_EQ(server.state(0), 2.75);
  EXPECT_DOUBLE_EQ(server.w(), 0.75 + 2 * 2.75 / 6.0);
}

// v begins at 16, once: 16 + 9, then 25 + 0.
TEST(FedAdagradTest, TheSumBeginsWhereTheRunSays) {
  OneNumberServer server(FedOptSpec(kStrategy, {.tau = 4, .initial_v = 16}));
  server.Round(3.0);
  EXPECT_EQ(server.state(1), 25.0);
  EXPECT_DOUBLE_EQ(server.w(), 3.0 / 9.0);
  server.Round(0.0);
  EXPECT_EQ(server.state(1), 25.0);
  EXPECT_DOUBLE_EQ(server.w(), 3.0 / 9.0);
}

TEST(FedAdagradTest, ASumHasNoBiasToCorrect) {
  ExpectRefused(kStrategy, {.bias_correction = "standard"}, "server.bias_correction");
  ExpectRefused(kStrategy, {.bias_correction = "flower"}, "fedadagrad");
}

TEST(FedAdagradTest, WrongSettingsAreRefusedByName) { ExpectRefusalsOfTheFamily(kStrategy); }

}  // namespace
}  // namespace skerry::learning
