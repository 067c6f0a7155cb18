#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace skerry {

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011): a block of four words as a pure function of a key and a counter, so that any draw of any
// site and round can be made anew without the draws before it.
std::array<uint32_t, 4> Philox(std::array<uint32_t, 2> key, std::array<uint32_t, 4> counter);

// What a stream of numbers is drawn for. Two purposes never share a number.
enum class Purpose : uint32_t {
  kInitialParameters = 1,
  kShuffle = 2,
  kSelection = 3,
  kSplit = 4,
  kDropout = 5,
  kSimulation = 6,
  kFault = 7,
  kJitter = 8,
  kStochasticRounding = 9,
};

// The numbers of one (seed, purpose, round, site, step). Equal arguments, equal numbers, on every
// machine. Not for keys or noise that must be secret: those come from the operating system.
class RandomStream {
 public:
  RandomStream(uint64_t seed, Purpose purpose, uint64_t round, std::string_view site,
               uint64_t step);

  uint32_t NextWord();
  uint64_t Next64();
  // Uniform over [0, bound), without bias. `bound` > 0.
  uint64_t Below(uint64_t bound);
  // Uniform over [0, 1), a multiple of 2^-53.
  double Uniform();
  // Standard normal by Box and Muller over exact_math, so the bits are the same everywhere.
  double Normal();

 private:
  void Refill();

  static constexpr std::size_t kWords = 16;  // of four blocks, which are made side by side

  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;  // of the next block
  std::array<uint32_t, kWords> words_;
  std::size_t used_ = kWords;
};

// Fisher and Yates. The order depends on the stream alone.
void Shuffle(RandomStream& stream, std::span<uint32_t> values);

// FNV-1a, 64 bits: names a site or a purpose inside a counter. Not for anything hostile.
uint64_t StableHash(std::string_view text);

}  // namespace skerry
