#include <cmath>

#include "learning/fed_opt_cases.h"

namespace skerry::learning {
namespace {

constexpr const char* kStrategy = "fedadam";

FedOptSettings Settings(const std::string& correction = "") {
  return {.rate = 2, .beta1 = 0.5, .beta2 = 0.75, .bias_correction = correction};
}

// Means of 4, then 0: m = 2, v = 16 / 4; then m = 1, v = 3.
TEST(FedAdamTest, StepsByTheMeansOverTheRootOfTheirSquares) {
  OneNumberServer server(FedOptSpec(kStrategy, Settings()));
  server.Round(4.0);
  EXPECT_EQ(server.state(0), 2.0);
  EXPECT_EQ(server.state(1), 4.0);
  EXPECT_DOUBLE_EQ(server.w(), 2 * 2.0 / 3.0);
  server.Round(0.0);
  EXPECT_EQ(server.state(0), 1.0);
  EXPECT_EQ(server.state(1), 3.0);
  EXPECT_DOUBLE_EQ(server.w(), 2 * 2.0 / 3.0 + 2 * 1.0 / (std::sqrt(3.0) + 1));
}

// In the first round m / (1 - beta1) and v / (1 - beta2) are the mean and its square.
TEST(FedAdamTest, TheStandardCorrectionUndoesTheBeginningAtZero) {
  OneNumberServer server(FedOptSpec(kStrategy, Settings("standard")));
  server.Round(4.0);
  EXPECT_DOUBLE_EQ(server.w(), 2 * 4.0 / 5.0);
  // m = 1 of 1 - 1/4, v = 3 of 1 - 9/16.
  server.Round(0.0);
  EXPECT_DOUBLE_EQ(server.w(), 1.6 + 2 * (1 / 0.75) / (std::sqrt(3 / 0.4375) + 1));
}

// Its first round has the powers of the second: eta sqrt(1 - 9/16) / (1 - 1/4).
TEST(FedAdamTest, FlowersCorrectionCountsFromTwo) {
  OneNumberServer server(FedOptSpec(kStrategy, Settings("flower")));
  server.Round(4.0);
  EXPECT_DOUBLE_EQ(server.w(), 2 * std::sqrt(0.4375) / 0.75 * 2.0 / 3.0);
}

TEST(FedAdamTest, VBeginsWhereTheRunSays) {
  FedOptSettings settings = Settings();
  settings.initial_v = 8;
  OneNumberServer server(FedOptSpec(kStrategy, settings));
  server.Round(4.0);
  EXPECT_EQ(server.state(1), 0.75 * 8 + 4);
}

TEST(FedAdamTest, WithoutAnyUpdateNothingMoves) {
  OneNumberServer server(FedOptSpec(kStrategy, Settings("standard")), 7.0);
  server.Round(0.0);
  EXPECT_EQ(server.w(), 7.0);
}

TEST(FedAdamTest, EndsWhereFedAvgEnds) {
  OneNumberFederation federation(FedOptSpec(kStrategy, {.rate = 0.5, .beta2 = 0.9}),
                                 {{8, 1}, {0, 3}});
  federation.Rounds(400);
  EXPECT_NEAR(federation.w(), 2.0, 1e-12);
}

TEST(FedAdamTest, WrongSettingsAreRefusedByName) { ExpectRefusalsOfTheFamily(kStrategy); }

}  // namespace
}  // namespace skerry::learning
