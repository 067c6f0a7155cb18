#include "base/random.h"

#include <utility>

#include "base/check.h"
#include "base/exact_math.h"

namespace skerry {

std::array<uint32_t, 4> Philox(std::array<uint32_t, 2> key, std::array<uint32_t, 4> counter) {
  constexpr uint64_t kMultiplier0 = 0xD2511F53;
  constexpr uint64_t kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9;
  constexpr uint32_t kWeyl1 = 0xBB67AE85;
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
  block_ = Philox(key_, counter_);
  if (++counter_[0] == 0) ++counter_[1];
  used_ = 0;
}

uint32_t RandomStream::NextWord() {
  if (used_ == 4) Refill();
  return block_[static_cast<std::size_t>(used_++)];
}

uint64_t RandomStream::Next64() {
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
