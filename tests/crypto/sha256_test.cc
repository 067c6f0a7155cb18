#include "crypto/sha256.h"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/sha256_lanes.h"
#include "crypto/sha256_wide.h"
#include "testing/status_matchers.h"

namespace skerry::crypto {
namespace {

using ::skerry::testing::Fails;
using ::testing::HasSubstr;

struct Vector {
  std::string message;
  const char* digest_hex;
};

// The examples that NIST publishes with FIPS 180-4.
std::vector<Vector> PublishedVectors() {
  return {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
       "lmnopqrsmnopqrstnopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
}

TEST(Sha256Test, PublishedMessagesHaveTheirPublishedDigests) {
  for (const Vector& vector : PublishedVectors()) {
    EXPECT_EQ(Sha256(vector.message).Hex(), vector.digest_hex) << vector.message.size() << " bytes";
  }
}

TEST(Sha256Test, PiecesOfAnyLengthHashLikeTheWhole) {
  std::string message;
  for (int i = 0; i < 300; ++i) message += static_cast<char>(i * 7);
  const Digest whole = Sha256(message);
  for (std::size_t piece = 1; piece <= message.size(); ++piece) {
    Sha256Stream stream;
    for (std::size_t at = 0; at < message.size(); at += piece) {
      stream.Update(std::string_view(message).substr(at, piece));
    }
    EXPECT_EQ(std::move(stream).Finish(), whole) << "pieces of " << piece;
  }
}

Digest OfStream(std::string_view message) {
  Sha256Stream stream;
  stream.Update(message);
  return std::move(stream).Finish();
}

// Streams are always OpenSSL's.
TEST(Sha256Test, AMessageOfAnyLengthHashesLikeAStreamOfIt) {
  std::string message;
  for (std::size_t i = 0; i < kMostShortBytes + 200; ++i) {
    const std::string_view all = message;
    ASSERT_EQ(Sha256(all), OfStream(all)) << i << " bytes";
    ASSERT_EQ(Sha256(all.substr(i / 2)), OfStream(all.substr(i / 2))) << i << " bytes, unaligned";
    message += static_cast<char>(i * 7 + i / 256);
  }
}

TEST(Sha256Test, AStreamThatWasMovedGoesOnWhereItWas) {
  Sha256Stream first;
  first.Update("a");
  Sha256Stream second = std::move(first);
  second.Update("bc");
  EXPECT_EQ(std::move(second).Finish(), Sha256("abc"));
}

// Lengths around the ends of blocks, where a message's last bits and its length go.
TEST(Sha256EachTest, AnyNumberOfAnyOneLengthHashLikeEachByItself) {
  for (const std::size_t count : {std::size_t{2}, std::size_t{16}, std::size_t{35}}) {
    std::vector<std::string> texts(count);
    for (std::size_t size = 0; size < 300; ++size) {
      const std::vector<std::string_view> messages(texts.begin(), texts.end());
      std::vector<Digest> digests(count);
      Sha256Each(messages, digests);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(digests[i], OfStream(texts[i])) << i << " of " << count << ", " << size;
        texts[i] += static_cast<char>(size * (7 + 4 * i) + i);
      }
    }
  }
}

TEST(Sha256EachTest, PublishedMessagesHaveTheirPublishedDigestsInEitherPlace) {
  for (const Vector& vector : PublishedVectors()) {
    const std::string other(vector.message.size(), 'x');
    const std::array<std::string_view, 3> messages = {vector.message, other, vector.message};
    std::array<Digest, 3> digests;
    Sha256Each(std::span(messages).first(2), std::span(digests).first(2));
    EXPECT_EQ(digests[0].Hex(), vector.digest_hex);
    Sha256Each(std::span(messages).last(2), std::span(digests).last(2));
    EXPECT_EQ(digests[1], Sha256(other));
    EXPECT_EQ(digests[2].Hex(), vector.digest_hex);
  }
}

TEST(Sha256EachTest, PublishedMessagesHaveTheirPublishedDigestsInAnyOfSixteenPlaces) {
  for (const Vector& vector : PublishedVectors()) {
    const std::string other(vector.message.size(), 'x');
    for (std::size_t place = 0; place < 16; ++place) {
      std::vector<std::string_view> messages(16, other);
      messages[place] = vector.message;
      std::vector<Digest> digests(16);
      Sha256Each(messages, digests);
      ASSERT_EQ(digests[place].Hex(), vector.digest_hex) << place;
      ASSERT_EQ(digests[(place + 1) % 16], OfStream(other)) << place;
    }
  }
}

TEST(Sha256EachTest, MessagesThatAreNowhereAreEmptyOnes) {
  for (const std::size_t count : {std::size_t{2}, std::size_t{16}}) {
    const std::vector<std::string_view> messages(count);
    std::vector<Digest> digests(count);
    Sha256Each(messages, digests);
    for (const Digest& digest : digests) EXPECT_EQ(digest, OfStream(""));
  }
}

TEST(Sha256LanesTest, ThisProcessorHasThem) {
  if (!HasSha256Lanes()) GTEST_SKIP() << "all digests here are OpenSSL's";
  EXPECT_EQ(Sha256Lane("abc"), OfStream("abc"));
  EXPECT_EQ(Sha256Lane(""), OfStream(""));
  const auto [first, second] = Sha256Lanes("abc", "xyz");
  EXPECT_EQ(first, OfStream("abc"));
  EXPECT_EQ(second, OfStream("xyz"));
}

TEST(Sha256WideTest, ThisProcessorHashesSixteen) {
  if (!HasSha256Wide()) GTEST_SKIP() << "two or one at a time";
  const std::vector<std::string> texts = {"a", "b", "c", "d", "e", "f", "g", "h",
                                          "i", "j", "k", "l", "m", "n", "o", "p"};
  const std::vector<std::string_view> messages(texts.begin(), texts.end());
  std::array<Digest, kWideMessages> digests;
  Sha256Wide(std::span(messages).first<kWideMessages>(), digests);
  for (std::size_t i = 0; i < digests.size(); ++i) EXPECT_EQ(digests[i], OfStream(texts[i])) << i;
}

TEST(Sha256WideDeathTest, AnotherLengthEndsTheProcessInsteadOfHashingWrongly) {
  if (!HasSha256Wide()) GTEST_SKIP() << "two or one at a time";
  std::vector<std::string_view> messages(kWideMessages, "abc");
  messages.back() = "abcd";
  std::array<Digest, kWideMessages> digests;
  EXPECT_DEATH(Sha256Wide(std::span(messages).first<kWideMessages>(), digests), "broken invariant");
}

TEST(Sha256EachTest, MessagesOfDifferentLengthsEachGoToTheirPlace) {
  const std::vector<std::string> texts = {"a", "bcd", "efg", "hij", "", "klmnop", "qrstuv"};
  const std::vector<std::string_view> messages(texts.begin(), texts.end());
  std::vector<Digest> digests(messages.size());
  Sha256Each(messages, digests);
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(digests[i], Sha256(texts[i])) << i;
}

TEST(Sha256DeathTest, ASpentStreamEndsTheProcessInsteadOfHashingWrongly) {
  Sha256Stream stream;
  (void)std::move(stream).Finish();
  // NOLINTNEXTLINE(bugprone-use-after-move): that is what must not go unseen
  EXPECT_DEATH(stream.Update("a"), "broken invariant");
}

TEST(DigestTest, BytesComeBackAsTheyWere) {
  const Digest digest = Sha256("abc");
  ASSERT_OK_AND_ASSIGN(const Digest again, Digest::FromBytes(digest.view()));
  EXPECT_EQ(again, digest);
}

TEST(DigestTest, AnotherNumberOfBytesIsRefused) {
  EXPECT_THAT(Digest::FromBytes(std::string(31, 'x')),
              Fails(Code::kInvalidArgument, HasSubstr("this one has 31")));
  EXPECT_THAT(Digest::FromBytes(std::string(33, 'x')),
              Fails(Code::kInvalidArgument, HasSubstr("this one has 33")));
}

TEST(DigestTest, OneBitMakesAnotherDigest) {
  Digest digest = Sha256("abc");
  const Digest original = digest;
  digest.bytes[31] ^= 1;
  EXPECT_NE(digest, original);
  EXPECT_NE(digest.Hex(), original.Hex());
}

}  // namespace
}  // namespace skerry::crypto
