#include "crypto/sha256_wide.h"

#include "base/check.h"
#include "crypto/sha256_blocks.h"

#ifdef __x86_64__
#include <immintrin.h>

// GCC 12's header has vectors that nothing reads, and warns of them.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#define SKERRY_AVX512 __attribute__((target("avx512f,avx512bw")))
#endif

namespace skerry::crypto {

#ifdef __x86_64__

namespace {

constexpr std::size_t kWordsOfABlock = 16;
static_assert(kWordsOfABlock == kWideMessages, "a block of each message makes a square of words");

// One word of each message.
struct Word {
  __m512i v;
};
using Words = std::array<Word, kWordsOfABlock>;
using State = std::array<Word, 8>;
using Places = std::array<const char*, kWideMessages>;

// a, b and c bit by bit, by a table with 8 entries.
constexpr int kXor = 0x96;
constexpr int kChoose = 0xca;    // section 4.1.2, Ch
constexpr int kMajority = 0xe8;  // Maj

SKERRY_AVX512 inline __m512i Sum(__m512i a, __m512i b) { return _mm512_add_epi32(a, b); }

// Section 4.1.2: the sums of a round.
template <int kFirst, int kSecond, int kThird>
SKERRY_AVX512 inline __m512i Rotated(__m512i x) {
  return _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, kFirst), _mm512_ror_epi32(x, kSecond),
                                   _mm512_ror_epi32(x, kThird), kXor);
}
// And those of the schedule.
template <int kFirst, int kSecond, int kShift>
SKERRY_AVX512 inline __m512i Mixed(__m512i x) {
  return _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, kFirst), _mm512_ror_epi32(x, kSecond),
                                   _mm512_srli_epi32(x, kShift), kXor);
}

// Rows become columns: of sixteen messages' words, message by message, each message's first,
// second, ... word. Pairs of 4, then of 8 bytes change places, then quarters, then halves.
SKERRY_AVX512 inline void Transpose(Words& rows) {
  Words other;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 16; i += 2) {
    other[i].v = _mm512_unpacklo_epi32(rows[i].v, rows[i + 1].v);
    other[i + 1].v = _mm512_unpackhi_epi32(rows[i].v, rows[i + 1].v);
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 16; i += 4) {
    rows[i].v = _mm512_unpacklo_epi64(other[i].v, other[i + 2].v);
    rows[i + 1].v = _mm512_unpackhi_epi64(other[i].v, other[i + 2].v);
    rows[i + 2].v = _mm512_unpacklo_epi64(other[i + 1].v, other[i + 3].v);
    rows[i + 3].v = _mm512_unpackhi_epi64(other[i + 1].v, other[i + 3].v);
  }
  constexpr int kEven = 0x88;  // quarters 0 and 2 of either
  constexpr int kOdd = 0xdd;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    other[i].v = _mm512_shuffle_i32x4(rows[i].v, rows[i + 4].v, kEven);
    other[i + 4].v = _mm512_shuffle_i32x4(rows[i].v, rows[i + 4].v, kOdd);
    other[i + 8].v = _mm512_shuffle_i32x4(rows[i + 8].v, rows[i + 12].v, kEven);
    other[i + 12].v = _mm512_shuffle_i32x4(rows[i + 8].v, rows[i + 12].v, kOdd);
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    rows[i].v = _mm512_shuffle_i32x4(other[i].v, other[i + 8].v, kEven);
    rows[i + 4].v = _mm512_shuffle_i32x4(other[i + 4].v, other[i + 12].v, kEven);
    rows[i + 8].v = _mm512_shuffle_i32x4(other[i].v, other[i + 8].v, kOdd);
    rows[i + 12].v = _mm512_shuffle_i32x4(other[i + 4].v, other[i + 12].v, kOdd);
  }
}

SKERRY_AVX512 inline void Load(const Places& blocks, Words& words) {
  const __m512i big_endian =
      _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
#pragma GCC unroll 16
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i].v = _mm512_shuffle_epi8(_mm512_loadu_si512(blocks[i]), big_endian);
  }
  Transpose(words);
}

// Section 6.2.2, step 3. The state's words do not change places: the next round names them anew.
SKERRY_AVX512 inline void Round(Word a, Word b, Word c, Word& d, Word e, Word f, Word g, Word& h,
                                Word input, uint32_t constant) {
  const __m512i known = Sum(h.v, Sum(input.v, _mm512_set1_epi32(static_cast<int>(constant))));
  const __m512i first =
      Sum(known, Sum(Rotated<6, 11, 25>(e.v), _mm512_ternarylogic_epi32(e.v, f.v, g.v, kChoose)));
  const __m512i second =
      Sum(Rotated<2, 13, 22>(a.v), _mm512_ternarylogic_epi32(a.v, b.v, c.v, kMajority));
  d.v = Sum(d.v, first);
  h.v = Sum(first, second);
}

SKERRY_AVX512 inline void EightRounds(State& s, const Word* words, const uint32_t* constants) {
  Round(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], words[0], constants[0]);
  Round(s[7], s[0], s[1], s[2], s[3], s[4], s[5], s[6], words[1], constants[1]);
  Round(s[6], s[7], s[0], s[1], s[2], s[3], s[4], s[5], words[2], constants[2]);
  Round(s[5], s[6], s[7], s[0], s[1], s[2], s[3], s[4], words[3], constants[3]);
  Round(s[4], s[5], s[6], s[7], s[0], s[1], s[2], s[3], words[4], constants[4]);
  Round(s[3], s[4], s[5], s[6], s[7], s[0], s[1], s[2], words[5], constants[5]);
  Round(s[2], s[3], s[4], s[5], s[6], s[7], s[0], s[1], words[6], constants[6]);
  Round(s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[0], words[7], constants[7]);
}

// Step 1: the words of the next sixteen rounds, over those of the last.
SKERRY_AVX512 inline void NextWords(Words& w) {
#pragma GCC unroll 16
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i].v = Sum(Sum(w[i].v, w[(i + 9) % 16].v),
                 Sum(Mixed<7, 18, 3>(w[(i + 1) % 16].v), Mixed<17, 19, 10>(w[(i + 14) % 16].v)));
  }
}

SKERRY_AVX512 void HashBlocks(State& state, Places blocks, std::size_t count) {
  for (; count > 0; --count) {
    const State before = state;
    State now = state;
    Words words;
    Load(blocks, words);
#pragma GCC unroll 4
    for (std::size_t round = 0; round < kRoundConstants.size(); round += kWordsOfABlock) {
      if (round > 0) NextWords(words);
      EightRounds(now, words.data(), &kRoundConstants[round]);
      EightRounds(now, &words[8], &kRoundConstants[round + 8]);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < state.size(); ++i) state[i].v = Sum(before[i].v, now[i].v);
    for (const char*& block : blocks) block += kBlockBytes;
  }
}

SKERRY_AVX512 void Hash(std::span<const std::string_view, kWideMessages> messages,
                        std::array<std::array<uint32_t, kWideMessages>, 8>& words) {
  const std::size_t blocks = messages[0].size() / kBlockBytes;
  State state;
  for (std::size_t i = 0; i < state.size(); ++i) {
    state[i].v = _mm512_set1_epi32(static_cast<int>(kInitialState[i]));
  }
  Places places;
  std::array<Ending, kWideMessages> ends;
  for (std::size_t i = 0; i < kWideMessages; ++i) {
    places[i] = messages[i].data();
    ends[i] = Ending(messages[i], blocks * kBlockBytes);
  }
  HashBlocks(state, places, blocks);
  for (std::size_t i = 0; i < kWideMessages; ++i) places[i] = ends[i].bytes.data();
  HashBlocks(state, places, ends[0].blocks);
  for (std::size_t i = 0; i < words.size(); ++i) {
    _mm512_storeu_si512(words[i].data(), state[i].v);
  }
}

}  // namespace

bool HasSha256Wide() {
  static const bool there =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0;
  return there;
}

void Sha256Wide(std::span<const std::string_view, kWideMessages> messages,
                std::span<Digest, kWideMessages> digests) {
  for (const std::string_view message : messages) {
    SKERRY_CHECK(message.size() == messages[0].size());
  }
  std::array<std::array<uint32_t, kWideMessages>, 8> words;
  Hash(messages, words);
  for (std::size_t i = 0; i < digests.size(); ++i) {
    for (std::size_t word = 0; word < words.size(); ++word) {
      const uint32_t big_endian = __builtin_bswap32(words[word][i]);
      std::memcpy(&digests[i].bytes[word * sizeof(big_endian)], &big_endian, sizeof(big_endian));
    }
  }
}

#else

bool HasSha256Wide() { return false; }

void Sha256Wide(std::span<const std::string_view, kWideMessages>,
                std::span<Digest, kWideMessages>) {
  SKERRY_CHECK(false);
}

#endif

}  // namespace skerry::crypto
