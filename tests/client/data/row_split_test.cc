#include "client/data/row_split.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using skerry::testing::Fails;
using skerry::testing::HasCode;
using ::testing::HasSubstr;

v1::DataSpec SplitSpec(double train, double validation, double test, uint64_t seed = 1) {
  v1::DataSpec spec;
  spec.mutable_split()->set_train(train);
  spec.mutable_split()->set_validation(validation);
  spec.mutable_split()->set_test(test);
  spec.mutable_split()->set_seed(seed);
  return spec;
}

crypto::Digest IdentityOf(int i) { return DigestsOf(true, "p" + std::to_string(i), "").identity; }

TEST(RowSplitTest, TheDigestsAreTheDocumentedOnes) {
  // From another implementation of SHA-256 over the bytes that row_split.h describes.
  const RowDigests keyed = DigestsOf(true, "p17", "abc");
  EXPECT_EQ(keyed.identity.Hex(),
            "f4bdd84c83f81372a6759a299a0a1e1611fc2bbe824c0b487702bbe597a4cbd0");
  EXPECT_EQ(keyed.contents.Hex(),
            "c150e6fdbad2d8603bf067e096bc32618e0228c221cda80cceedf1b28d77e1da");
  EXPECT_EQ(DigestsOf(false, "", "abc").identity.Hex(), keyed.contents.Hex());
}

TEST(RowSplitTest, ThePartOfAKnownRowIsTheDocumentedOne) {
  // u of the key p17 is 0.205811 with the seed 42.
  const crypto::Digest identity = IdentityOf(17);
  ASSERT_OK_AND_ASSIGN(const RowSplit below, RowSplit::Create(SplitSpec(0.205, 0, 0.795, 42)));
  EXPECT_EQ(below.PartOf(identity), SplitPart::kTest);
  ASSERT_OK_AND_ASSIGN(const RowSplit above, RowSplit::Create(SplitSpec(0.206, 0, 0.794, 42)));
  EXPECT_EQ(above.PartOf(identity), SplitPart::kTrain);
  ASSERT_OK_AND_ASSIGN(const RowSplit around, RowSplit::Create(SplitSpec(0.205, 0.001, 0.794, 42)));
  EXPECT_EQ(around.PartOf(identity), SplitPart::kValidation);
}

TEST(RowSplitTest, TheFractionsAreRoughlyKept) {
  constexpr int kRows = 10000;
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
    ASSERT_OK_AND_ASSIGN(const RowSplit split, RowSplit::Create(SplitSpec(0.6, 0.15, 0.25, seed)));
    std::array<int, 3> counts{};
    for (int i = 0; i < kRows; ++i) {
      ++counts[static_cast<std::size_t>(split.PartOf(IdentityOf(i)))];
    }
    for (const SplitPart part : {SplitPart::kTrain, SplitPart::kValidation, SplitPart::kTest}) {
      const double p = split.fraction(part);
      EXPECT_NEAR(counts[static_cast<std::size_t>(part)], p * kRows,
                  5 * std::sqrt(kRows * p * (1 - p)));
    }
  }
}

TEST(RowSplitTest, AnotherSeedDealsTheRowsAnew) {
  ASSERT_OK_AND_ASSIGN(const RowSplit one, RowSplit::Create(SplitSpec(0.5, 0, 0.5, 1)));
  ASSERT_OK_AND_ASSIGN(const RowSplit two, RowSplit::Create(SplitSpec(0.5, 0, 0.5, 2)));
  int moved = 0;
  for (int i = 0; i < 10000; ++i) moved += one.PartOf(IdentityOf(i)) != two.PartOf(IdentityOf(i));
  EXPECT_NEAR(moved, 5000, 5 * std::sqrt(2500.0));
}

TEST(RowSplitTest, EachPartBeginsWhereTheOneBeforeEnds) {
  ASSERT_OK_AND_ASSIGN(const RowSplit split, RowSplit::Create(SplitSpec(0.5, 0.25, 0.25)));
  EXPECT_EQ(split.PartAt(0), SplitPart::kTrain);
  EXPECT_EQ(split.PartAt(0.5 - 0x1p-53), SplitPart::kTrain);
  EXPECT_EQ(split.PartAt(0.5), SplitPart::kValidation);
  EXPECT_EQ(split.PartAt(0.75 - 0x1p-53), SplitPart::kValidation);
  EXPECT_EQ(split.PartAt(0.75), SplitPart::kTest);
}

TEST(RowSplitTest, APartWithoutAFractionStaysEmpty) {
  constexpr double kLast = 1 - 0x1p-53;
  ASSERT_OK_AND_ASSIGN(const RowSplit middle, RowSplit::Create(SplitSpec(0, 1 - 1e-10, 0)));
  EXPECT_EQ(middle.PartAt(0), SplitPart::kValidation);
  EXPECT_EQ(middle.PartAt(kLast), SplitPart::kValidation);
  ASSERT_OK_AND_ASSIGN(const RowSplit first, RowSplit::Create(SplitSpec(1 - 1e-10, 0, 0)));
  EXPECT_EQ(first.PartAt(kLast), SplitPart::kTrain);
  ASSERT_OK_AND_ASSIGN(const RowSplit ends, RowSplit::Create(SplitSpec(0.5 - 1e-10, 0, 0.5)));
  EXPECT_EQ(ends.PartAt(0.5), SplitPart::kTest);
  EXPECT_EQ(ends.PartAt(kLast), SplitPart::kTest);
}

TEST(RowSplitTest, ARunWithoutASplitTrainsOnEveryRow) {
  ASSERT_OK_AND_ASSIGN(const RowSplit split, RowSplit::Create(v1::DataSpec()));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(split.PartOf(IdentityOf(i)), SplitPart::kTrain);
}

TEST(RowSplitTest, FractionsThatDoNotAddUpToOneAreRefused) {
  EXPECT_THAT(RowSplit::Create(SplitSpec(0.7, 0, 0.2)),
              Fails(Code::kInvalidArgument, HasSubstr("add up to 0.")));
  EXPECT_THAT(RowSplit::Create(SplitSpec(1.2, -0.2, 0)),
              Fails(Code::kInvalidArgument, HasSubstr("below 0")));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(RowSplit::Create(SplitSpec(nan, 0.5, 0.5)), HasCode(Code::kInvalidArgument));
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_THAT(RowSplit::Create(SplitSpec(infinite, 0, 0)), HasCode(Code::kInvalidArgument));
  EXPECT_OK(RowSplit::Create(SplitSpec(0.7, 0.1, 0.2)));
}

TEST(RowSplitTest, TheOrderWithinAPartIsByIdentityThenContents) {
  ASSERT_OK_AND_ASSIGN(const RowSplit split, RowSplit::Create(SplitSpec(1, 0, 0)));
  std::vector<RowDigests> digests;
  for (int i = 0; i < 100; ++i) {
    digests.push_back(DigestsOf(true, "p" + std::to_string(i / 4), "row" + std::to_string(i)));
  }
  const auto parts = SplitRows(split, digests);
  ASSERT_EQ(parts[0].size(), 100u);
  for (std::size_t i = 1; i < 100; ++i) {
    EXPECT_LT(digests[parts[0][i - 1]], digests[parts[0][i]]);
  }
}

}  // namespace
}  // namespace skerry::client
