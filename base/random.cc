#include "base/random.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/exact_math.h"

namespace skerry {

namespace {

constexpr uint64_t kMultiplier0 = 0xD2511F53;
constexpr uint64_t kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9;
constexpr uint32_t kWeyl1 = 0xBB67AE85;

#ifdef __AVX2__

// The blocks of `counter` and of the three after it, whose first word does not overflow. A word is
// the lower half of a 64-bit lane; what is in the upper half does not matter, since products take
// the lower ones.
void FourBlocks(std::array<uint32_t, 2> key, const std::array<uint32_t, 4>& counter,
                uint32_t* words) {
  const auto fill = [](uint64_t value) { return _mm256_set1_epi64x(static_cast<int64_t>(value)); };
  __m256i c0 = _mm256_add_epi64(fill(counter[0]), _mm256_set_epi64x(3, 2, 1, 0));
  __m256i c1 = fill(counter[1]);
  __m256i c2 = fill(counter[2]);
  __m256i c3 = fill(counter[3]);
  for (int round = 0; round < 10; ++round) {
    const __m256i product0 = _mm256_mul_epu32(fill(kMultiplier0), c0);
    const __m256i product1 = _mm256_mul_epu32(fill(kMultiplier1), c2);
    c0 = _mm256_xor_si256(_mm256_srli_epi64(product1, 32), _mm256_xor_si256(c1, fill(key[0])));
    c1 = product1;
    c2 = _mm256_xor_si256(_mm256_srli_epi64(product0, 32), _mm256_xor_si256(c3, fill(key[1])));
    c3 = product0;
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  // Pairs of words, then whole blocks: 0 and 2, 1 and 3.
  const __m256i lower = fill(0xffffffff);
  const __m256i first = _mm256_or_si256(_mm256_and_si256(c0, lower), _mm256_slli_epi64(c1, 32));
  const __m256i second = _mm256_or_si256(_mm256_and_si256(c2, lower), _mm256_slli_epi64(c3, 32));
  const __m256i even = _mm256_unpacklo_epi64(first, second);
  const __m256i odd = _mm256_unpackhi_epi64(first, second);
  auto* out = reinterpret_cast<__m256i*>(words);
  _mm256_storeu_si256(out, _mm256_permute2x128_si256(even, odd, 0x20));
  _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(even, odd, 0x31));
}

constexpr bool kHasFourBlocks = true;

#else

void FourBlocks(std::array<uint32_t, 2> /*key*/, const std::array<uint32_t, 4>& /*counter*/,
                uint32_t* /*words*/) {}
constexpr bool kHasFourBlocks = false;

#endif

}  // namespace

std::array<uint32_t, 4> Philox(std::array<uint32_t, 2> key, std::array<uint32_t, 4> counter) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = kMultiplier0 * counter[0];
    const uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

uint64_t StableHash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

// The key is the seed and the purpose, stirred by Philox itself; the counter's upper half names the
// round, site and step, its lower half counts blocks.
RandomStream::RandomStream(uint64_t seed, Purpose purpose, uint64_t round, std::string_view site,
                           uint64_t step) {
  const std::array<uint32_t, 2> seed_words = {static_cast<uint32_t>(seed),
                                              static_cast<uint32_t>(seed >> 32)};
  const uint64_t site_hash = StableHash(site);
  const auto first =
      Philox(seed_words, {static_cast<uint32_t>(purpose), static_cast<uint32_t>(round),
                          static_cast<uint32_t>(round >> 32), 0x736b6572});
  const auto second =
      Philox({first[0], first[1]},
             {static_cast<uint32_t>(site_hash), static_cast<uint32_t>(site_hash >> 32),
              static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32)});
  key_ = {second[0], second[1]};
  counter_ = {0, 0, second[2] ^ first[2], second[3] ^ first[3]};
}

void RandomStream::Refill() {
  used_ = 0;
  if (kHasFourBlocks && counter_[0] <= 0xffffffff - 4) {
    FourBlocks(key_, counter_, words_.data());
    counter_[0] += 4;
    return;
  }
  for (std::size_t i = 0; i < kWords; i += 4) {
    const std::array<uint32_t, 4> block = Philox(key_, counter_);
    std::copy(block.begin(), block.end(), words_.begin() + i);
    if (++counter_[0] == 0) ++counter_[1];
  }
}

uint32_t RandomStream::NextWord() {
  if (used_ == kWords) Refill();
  return words_[used_++];
}

uint64_t RandomStream::Next64() {
  if (used_ + 2 <= kWords) {  // the same words, in one piece
    const uint64_t low = words_[used_];
    const uint64_t high = words_[used_ + 1];
    used_ += 2;
    return low | (high << 32);
  }
  const uint64_t low = NextWord();
  return low | (static_cast<uint64_t>(NextWord()) << 32);
}

// Lemire, "Fast random integer generation in an interval" (2019): multiply, and reject the few
// draws that would favour the small numbers.
uint64_t RandomStream::Below(uint64_t bound) {
  SKERRY_CHECK(bound > 0);
  __extension__ using Wide = unsigned __int128;
  for (;;) {
    const Wide product = static_cast<Wide>(Next64()) * bound;
    const auto low = static_cast<uint64_t>(product);
    // The division that finds the exact limit, below `bound`, is hardly ever needed.
    if (low >= bound || low >= (0 - bound) % bound) return static_cast<uint64_t>(product >> 64);
  }
}

double RandomStream::Uniform() { return static_cast<double>(Next64() >> 11) * 0x1.0p-53; }

double RandomStream::Normal() {
  const double u = 1.0 - Uniform();  // (0, 1]
  const double v = Uniform();
  return exact::Sqrt(-2.0 * exact::Log(u)) * exact::CosTurn(v);
}

void Shuffle(RandomStream& stream, std::span<uint32_t> values) {
  for (std::size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[stream.Below(i)]);
  }
}

}  // namespace skerry
