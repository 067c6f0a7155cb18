#include "crypto/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <set>
#include <type_traits>
#include <utility>

namespace skerry::crypto {
namespace {

template <class T>
concept Printed = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);
static_assert(!Printed<SecretBytes>, "a secret must not reach a log");

TEST(SecretBytesTest, RevealGivesWhatWasPutIn) {
  const SecretBytes secret(std::string_view("a\0b", 3));
  EXPECT_EQ(secret.Reveal(), std::string_view("a\0b", 3));
  EXPECT_FALSE(secret.empty());
}

TEST(SecretBytesTest, ANewOneOfGivenSizeIsZeroAndCanBeFilled) {
  SecretBytes secret(std::size_t{4});
  EXPECT_EQ(secret.Reveal(), std::string_view("\0\0\0\0", 4));
  std::copy_n("key!", 4, secret.RevealForWriting().begin());
  EXPECT_EQ(secret.Reveal(), "key!");
}

TEST(SecretBytesTest, MovingLeavesNothingBehind) {
  SecretBytes first(std::string_view("first"));
  SecretBytes second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): this is the promise
  EXPECT_EQ(second.Reveal(), "first");
  SecretBytes third(std::string_view("third"));
  third = std::move(second);
  EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(third.Reveal(), "first");
}

TEST(SecretBytesTest, AssigningASecretToItselfKeepsIt) {
  SecretBytes secret(std::string_view("kept"));
  SecretBytes& same = secret;
  secret = std::move(same);
  EXPECT_EQ(secret.Reveal(), "kept");
}

TEST(FillRandomTest, NoTwoDrawsAreEqual) {
  std::set<std::array<char, 16>> draws;
  for (int i = 0; i < 1000; ++i) {
    std::array<char, 16> draw{};
    FillRandom(draw);
    draws.insert(draw);
  }
  EXPECT_EQ(draws.size(), 1000U);
}

TEST(FillRandomTest, EveryByteOfALongRequestIsFilled) {
  // More than the 256 bytes that getrandom() gives at once. A byte that is skipped would stay zero
  // in all eight draws, which chance does for one byte in 2^64.
  std::array<char, 4096> seen{};
  for (int i = 0; i < 8; ++i) {
    std::array<char, 4096> draw{};
    FillRandom(draw);
    for (std::size_t k = 0; k < draw.size(); ++k) seen[k] = static_cast<char>(seen[k] | draw[k]);
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), '\0'), 0);
}

}  // namespace
}  // namespace skerry::crypto
