#include "base/crc32c.h"

#include <array>
#include <cstddef>
#ifdef __SSE4_2__
#include <immintrin.h>

#include <cstring>

// GCC 12's header has vectors that nothing reads, and warns of them.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#define SKERRY_FOLD __attribute__((target("avx512f,vpclmulqdq,pclmul")))
#endif

namespace skerry {
namespace {

constexpr uint32_t kReversedPolynomial = 0x82f63b78;

// The product of two polynomials modulo the CRC's, the coefficient of x^0 in the highest bit.
constexpr uint32_t Multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = uint32_t{1} << 31; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) * kReversedPolynomial);
  }
  return product;
}

// x^(8 * 2^i) for each i.
constexpr std::array<uint32_t, 61> kPowers = [] {
  std::array<uint32_t, 61> powers{};
  uint32_t power = uint32_t{1} << 23;  // x^8
  for (uint32_t& entry : powers) {
    entry = power;
    power = Multiply(power, power);
  }
  return powers;
}();

// x^(8 n): what n zero bytes, fewer than 2^61, behind a message make of its remainder.
constexpr uint32_t Shift(uint64_t n) {
  uint32_t result = uint32_t{1} << 31;
  for (std::size_t i = 0; n != 0; ++i, n >>= 1) {
    if ((n & 1) != 0) result = Multiply(result, kPowers[i]);
  }
  return result;
}

#ifdef __SSE4_2__

constexpr std::size_t kLane = 8192;  // bytes: a thousand words hide what joining costs

uint64_t LoadWord(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

// The instruction takes three cycles and a new one can start in each: three lanes at once.
uint32_t ThreeLanes(uint32_t crc, const char* p) {
  constexpr uint32_t kOneLane = Shift(kLane);
  uint64_t a = crc;
  uint64_t b = 0;
  uint64_t c = 0;
  for (std::size_t i = 0; i < kLane; i += sizeof(uint64_t)) {
    a = _mm_crc32_u64(a, LoadWord(p + i));
    b = _mm_crc32_u64(b, LoadWord(p + kLane + i));
    c = _mm_crc32_u64(c, LoadWord(p + 2 * kLane + i));
  }
  const uint32_t ab = Multiply(kOneLane, static_cast<uint32_t>(a)) ^ static_cast<uint32_t>(b);
  return Multiply(kOneLane, ab) ^ static_cast<uint32_t>(c);
}

// x^n, as Multiply() takes it.
constexpr uint32_t PowerOfX(uint64_t n) {
  return Multiply(Shift(n / 8), uint32_t{1} << (31 - n % 8));
}

// What carries a polynomial of 128 bits, the coefficient of its highest power in the lowest bit,
// over `bits` further ones: its halves times the remainders of the powers of x that they then
// stand for. The product of two such words stands for x times itself, hence the one less; and
// remainders are words whose upper half is theirs.
struct Fold {
  constexpr explicit Fold(uint64_t bits)
      : first(uint64_t{PowerOfX(bits + 63)} << 32), second(uint64_t{PowerOfX(bits - 1)} << 32) {}

  uint64_t first;
  uint64_t second;
};

struct Wide {
  __m512i v;
};

SKERRY_FOLD inline Wide LoadWide(const char* p) { return {_mm512_loadu_si512(p)}; }

SKERRY_FOLD inline Wide FoldOnto(Wide before, Wide factors, Wide next) {
  const __m512i first = _mm512_clmulepi64_epi128(before.v, factors.v, 0x00);
  const __m512i second = _mm512_clmulepi64_epi128(before.v, factors.v, 0x11);
  return {_mm512_xor_si512(_mm512_xor_si512(first, second), next.v)};
}

SKERRY_FOLD inline Wide Factors(const Fold& fold) {
  return {_mm512_broadcast_i32x4(
      _mm_set_epi64x(static_cast<int64_t>(fold.second), static_cast<int64_t>(fold.first)))};
}

constexpr std::size_t kWides = 4;
constexpr std::size_t kWideBytes = sizeof(Wide);

// The remainder of `count` times 256 bytes, at least one. Gopal et al., "Fast CRC Computation for
// Generic Polynomials Using PCLMULQDQ Instruction", Intel, 2009: what is in hand is folded onto
// what comes four registers later, and at the end onto itself.
SKERRY_FOLD uint32_t FoldedRemainder(uint32_t start, const char* p, std::size_t count) {
  constexpr Fold kFour(8 * kWides * kWideBytes);
  constexpr Fold kOne(8 * kWideBytes);
  std::array<Wide, kWides> sums;
  for (std::size_t i = 0; i < kWides; ++i) sums[i] = LoadWide(p + i * kWideBytes);
  const __m128i begin = _mm_cvtsi32_si128(static_cast<int>(start));
  sums[0].v = _mm512_xor_si512(sums[0].v, _mm512_zextsi128_si512(begin));
  const Wide four = Factors(kFour);
  while (--count > 0) {
    p += kWides * kWideBytes;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kWides; ++i) {
      sums[i] = FoldOnto(sums[i], four, LoadWide(p + i * kWideBytes));
    }
  }
  const Wide one = Factors(kOne);
  for (std::size_t i = 1; i < kWides; ++i) sums[i] = FoldOnto(sums[i - 1], one, sums[i]);
  std::array<uint64_t, kWideBytes / sizeof(uint64_t)> last;
  _mm512_storeu_si512(last.data(), sums[kWides - 1].v);
  uint64_t crc = 0;
  for (const uint64_t word : last) crc = _mm_crc32_u64(crc, word);
  return static_cast<uint32_t>(crc);
}

bool CanFold() {
  static const bool can =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("vpclmulqdq") != 0;
  return can;
}

// Of the bytes behind a text whose remainder is `start`.
uint32_t RemainderAnywhere(uint32_t start, std::string_view bytes) {
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 3 * kLane; left -= 3 * kLane, p += 3 * kLane) start = ThreeLanes(start, p);
  uint64_t crc = start;
  for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), p += sizeof(uint64_t)) {
    crc = _mm_crc32_u64(crc, LoadWord(p));
  }
  for (; left > 0; --left, ++p) {
    crc = _mm_crc32_u8(static_cast<uint32_t>(crc), static_cast<unsigned char>(*p));
  }
  return static_cast<uint32_t>(crc);
}

uint32_t Remainder(uint32_t start, std::string_view bytes) {
  const std::size_t strides = bytes.size() / (kWides * kWideBytes);
  if (strides == 0 || !CanFold()) return RemainderAnywhere(start, bytes);
  start = FoldedRemainder(start, bytes.data(), strides);
  return RemainderAnywhere(start, bytes.substr(strides * kWides * kWideBytes));
}

#else

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * kReversedPolynomial);
    table[i] = crc;
  }
  return table;
}

// Of the bytes behind a text whose remainder is `start`.
uint32_t RemainderAnywhere(uint32_t start, std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = MakeTable();
  for (const char c : bytes) {
    start = (start >> 8) ^ kTable[(start ^ static_cast<unsigned char>(c)) & 0xff];
  }
  return start;
}

uint32_t Remainder(uint32_t start, std::string_view bytes) {
  return RemainderAnywhere(start, bytes);
}

#endif

constexpr uint32_t kAllOnes = 0xffffffff;

}  // namespace

uint32_t Crc32c(std::string_view bytes) { return ~Remainder(kAllOnes, bytes); }
uint32_t Crc32cAnywhere(std::string_view bytes) { return ~RemainderAnywhere(kAllOnes, bytes); }

// The remainder of a sum is the sum of the remainders; only the ones that a CRC begins and ends
// with are there once.
uint32_t Crc32cPart(std::string_view piece, uint64_t bytes_after) {
  return Multiply(Shift(bytes_after), Remainder(0, piece));
}

uint32_t Crc32cOfZeros(uint64_t num_bytes) { return ~Multiply(Shift(num_bytes), kAllOnes); }

}  // namespace skerry
