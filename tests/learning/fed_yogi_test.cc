#include "learning/fed_opt_cases.h"

namespace skerry::learning {
namespace {

constexpr const char* kStrategy = "fedyogi";

// A mean of 4 over a v of 0: v = 16 / 4, w = 4 / (2 + 1).
TEST(FedYogiTest, VGrowsByAShareOfTheSquare) {
  OneNumberServer server(FedOptSpec(kStrategy, {.beta2 = 0.75}));
  server.Round(4.0);
  EXPECT_EQ(server.state(1), 4.0);
  EXPECT_DOUBLE_EQ(server.w(), 4.0 / 3.0);
}

// From 4, by a square of 1: 4 - 1/4. FedAdam would forget a quarter of it: 3 + 1/4.
TEST(FedYogiTest, VShrinksByASmallSquareAloneWhereFedAdamForgets) {
  for (const auto& [strategy, v] : {std::pair("fedyogi", 3.75), std::pair("fedadam", 3.25)}) {
    OneNumberServer server(FedOptSpec(strategy, {.beta2 = 0.75, .initial_v = 4}));
    server.Round(1.0);
    EXPECT_EQ(server.state(1), v) << strategy;
  }
}

TEST(FedYogiTest, AVThatIsTheSquareStays) {
  OneNumberServer server(FedOptSpec(kStrategy, {.beta2 = 0.75, .initial_v = 9}));
  server.Round(-3.0);
  EXPECT_EQ(server.state(1), 9.0);
  EXPECT_DOUBLE_EQ(server.w(), -3.0 / 4.0);
}

// beta1 = 1/2, corrected in the first round: m / (1/2) and v / (1/4) are the mean and its square.
TEST(FedYogiTest, HasTheCorrectionsOfFedAdam) {
  OneNumberServer server(
      FedOptSpec(kStrategy, {.beta1 = 0.5, .beta2 = 0.75, .bias_correction = "standard"}));
  server.Round(4.0);
  EXPECT_DOUBLE_EQ(server.w(), 4.0 / 5.0);
}

TEST(FedYogiTest, WrongSettingsAreRefusedByName) { ExpectRefusalsOfTheFamily(kStrategy); }

}  // namespace
}  // namespace skerry::learning
