#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skerry {
namespace {

// RFC 3720, B.4, and the check value of every list of CRCs.
TEST(Crc32cTest, GivesThePublishedValues) {
  EXPECT_EQ(Crc32c(""), 0U);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  std::string rising;
  for (char c = 0; c < 32; ++c) rising += c;
  EXPECT_EQ(Crc32c(rising), 0x46dd794eU);
}

TEST(Crc32cTest, NoticesEveryFlippedBitAtEveryLength) {
  std::string bytes;
  for (int length = 1; length < 40; ++length) {
    bytes += static_cast<char>(length * 37);
    const uint32_t whole = Crc32c(bytes);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      std::string flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      EXPECT_NE(Crc32c(flipped), whole) << length << ", bit " << bit;
    }
  }
}

// By the polynomial alone, bit after bit.
uint32_t Reference(const std::string& bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * 0x82f63b78);
  }
  return ~crc;
}

// Processors fold 256 bytes at a time, or have three lanes of 8 KiB.
TEST(Crc32cTest, TextsOfAnyLengthHaveTheSameValueInAnyWay) {
  std::string bytes;
  constexpr std::size_t kStripe = 8192;
  for (std::size_t i = 0; i < 9 * kStripe + 14; ++i) bytes += static_cast<char>(i * i / 7 + i);
  std::vector<std::size_t> lengths = {3 * kStripe - 1, 3 * kStripe, 3 * kStripe + 1, 6 * kStripe,
                                      9 * kStripe + 13};
  for (std::size_t length = 0; length < 1100; ++length) lengths.push_back(length);
  for (const std::size_t length : lengths) {
    const std::string_view text = std::string_view(bytes).substr(1, length);  // at an odd address
    const uint32_t expected = Reference(std::string(text));
    ASSERT_EQ(Crc32c(text), expected) << length;
    ASSERT_EQ(Crc32cAnywhere(text), expected) << length;
  }
}

TEST(Crc32cTest, PiecesInAnyOrderAddUpToTheWhole) {
  std::string bytes;
  for (std::size_t i = 0; i < 100'003; ++i) bytes += static_cast<char>(i * i / 11 + i);
  const std::string_view text = bytes;
  uint32_t sum = Crc32cOfZeros(text.size());
  const std::vector<std::pair<std::size_t, std::size_t>> pieces = {
      {70'000, 99'999}, {0, 30'001}, {99'999, 100'003}, {30'001, 70'000}};
  for (const auto& [begin, end] : pieces) {
    sum ^= Crc32cPart(text.substr(begin, end - begin), text.size() - end);
  }
  EXPECT_EQ(sum, Crc32c(text));
  EXPECT_EQ(Crc32cOfZeros(0), Crc32c(""));
  EXPECT_EQ(Crc32cOfZeros(1234), Crc32c(std::string(1234, '\0')));
  EXPECT_EQ(Crc32cOfZeros(3) ^ Crc32cPart("abc", 0), Crc32c("abc"));
}

}  // namespace
}  // namespace skerry
