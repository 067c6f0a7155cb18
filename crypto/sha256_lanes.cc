#include "crypto/sha256_lanes.h"

#include "base/check.h"
#include "crypto/sha256_blocks.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>

#include <bit>
#include <cstdint>
#include <cstring>

#define SKERRY_SHA __attribute__((target("sha,sse4.1")))
#endif

namespace skerry::crypto {

#ifdef __x86_64__

namespace {

constexpr int kWordsAStep = 4;
constexpr int kSteps = 16;  // of four of the 64 rounds

// A message's state as the instructions want it: words A, B, E, F and C, D, G, H, the first on top.
struct Lane {
  static int Initial(std::size_t word) { return static_cast<int>(kInitialState[word]); }

  __m128i abef = _mm_set_epi32(Initial(0), Initial(1), Initial(4), Initial(5));
  __m128i cdgh = _mm_set_epi32(Initial(2), Initial(3), Initial(6), Initial(7));
};
template <std::size_t kLanes>
using Lanes = std::array<Lane, kLanes>;
template <std::size_t kLanes>
using Places = std::array<const char*, kLanes>;

// A lane's next block, four words a piece.
struct FourWords {
  __m128i v;
};
using Schedule = std::array<FourWords, 4>;

SKERRY_SHA inline Schedule Load(const char* block) {
  const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  Schedule words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto* piece = reinterpret_cast<const __m128i*>(block + i * sizeof(__m128i));
    words[i].v = _mm_shuffle_epi8(_mm_loadu_si128(piece), big_endian);
  }
  return words;
}

// Section 6.2.2, step 1: the words of four rounds, after the first sixteen.
SKERRY_SHA inline __m128i NextWords(const Schedule& w, std::size_t step) {
  const __m128i last = w[(step + 3) % 4].v;
  const __m128i seven_back = _mm_alignr_epi8(last, w[(step + 2) % 4].v, sizeof(uint32_t));
  const __m128i mixed = _mm_sha256msg1_epu32(w[step % 4].v, w[(step + 1) % 4].v);
  return _mm_sha256msg2_epu32(_mm_add_epi32(mixed, seven_back), last);
}

// One lane's rounds wait for each other; another's fit in between. Unrolled, so that the state
// stays in registers.
template <std::size_t kLanes>
SKERRY_SHA void HashBlocks(Lanes<kLanes>& lanes, Places<kLanes> blocks, std::size_t count) {
  for (; count > 0; --count) {
    const Lanes<kLanes> before = lanes;
    std::array<Schedule, kLanes> words;
    for (std::size_t i = 0; i < kLanes; ++i) words[i] = Load(blocks[i]);
#pragma GCC unroll 16
    for (std::size_t step = 0; step < kSteps; ++step) {
      const auto* constants =
          reinterpret_cast<const __m128i*>(&kRoundConstants[kWordsAStep * step]);
#pragma GCC unroll 2
      for (std::size_t i = 0; i < kLanes; ++i) {
        __m128i& w = words[i][step % 4].v;
        if (step >= 4) w = NextWords(words[i], step);
        const __m128i sum = _mm_add_epi32(w, _mm_load_si128(constants));
        Lane& lane = lanes[i];
        lane.cdgh = _mm_sha256rnds2_epu32(lane.cdgh, lane.abef, sum);
        lane.abef = _mm_sha256rnds2_epu32(lane.abef, lane.cdgh, _mm_unpackhi_epi64(sum, sum));
      }
    }
    for (std::size_t i = 0; i < kLanes; ++i) {
      lanes[i].abef = _mm_add_epi32(lanes[i].abef, before[i].abef);
      lanes[i].cdgh = _mm_add_epi32(lanes[i].cdgh, before[i].cdgh);
      blocks[i] += kBlockBytes;
    }
  }
}

Digest DigestOf(const Lane& lane) {
  const auto abef = std::bit_cast<std::array<uint32_t, 4>>(lane.abef);
  const auto cdgh = std::bit_cast<std::array<uint32_t, 4>>(lane.cdgh);
  std::array<uint32_t, 8> words = {abef[3], abef[2], cdgh[3], cdgh[2],
                                   abef[1], abef[0], cdgh[1], cdgh[0]};
  for (uint32_t& word : words) word = __builtin_bswap32(word);
  Digest digest;
  static_assert(sizeof(words) == sizeof(digest.bytes));
  std::memcpy(digest.bytes.data(), words.data(), sizeof(words));
  return digest;
}

}  // namespace

bool HasSha256Lanes() {
  static const bool there = [] {
    constexpr unsigned kFeatures = 7;
    constexpr unsigned kSha = 1U << 29;  // of EBX
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid_count(kFeatures, 0, &a, &b, &c, &d) != 0 && (b & kSha) != 0;
  }();
  return there;
}

Digest Sha256Lane(std::string_view message) {
  const std::size_t blocks = message.size() / kBlockBytes;
  Lanes<1> lanes;
  HashBlocks<1>(lanes, {message.data()}, blocks);
  const Ending end(message, blocks * kBlockBytes);
  HashBlocks<1>(lanes, {end.bytes.data()}, end.blocks);
  return DigestOf(lanes[0]);
}

std::array<Digest, 2> Sha256Lanes(std::string_view a, std::string_view b) {
  SKERRY_CHECK(a.size() == b.size());
  const std::size_t blocks = a.size() / kBlockBytes;
  Lanes<2> lanes;
  HashBlocks<2>(lanes, {a.data(), b.data()}, blocks);
  const Ending end_of_a(a, blocks * kBlockBytes);
  const Ending end_of_b(b, blocks * kBlockBytes);
  HashBlocks<2>(lanes, {end_of_a.bytes.data(), end_of_b.bytes.data()}, end_of_a.blocks);
  return {DigestOf(lanes[0]), DigestOf(lanes[1])};
}

#else

bool HasSha256Lanes() { return false; }

Digest Sha256Lane(std::string_view) {
  SKERRY_CHECK(false);
  return {};
}

std::array<Digest, 2> Sha256Lanes(std::string_view, std::string_view) {
  SKERRY_CHECK(false);
  return {};
}

#endif

}  // namespace skerry::crypto
