#include "learning/compression/top_k.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

namespace skerry::learning {
namespace {

uint32_t Magnitude(float value) { return std::bit_cast<uint32_t>(value) & 0x7fffffff; }

// Which values belong to the largest: those above the threshold, and the first `ties` of those
// equal to it.
struct Choice {
  uint32_t threshold = 0;  // the bits of a magnitude, which are ordered as the numbers are
  int64_t ties = 0;
};

// The digit of `places` counts with the k-th largest, counted from the top; `k` becomes its place
// among those of that digit.
uint32_t DigitOf(const std::vector<int64_t>& counts, int64_t& k) {
  std::size_t digit = counts.size() - 1;
  while (counts[digit] < k) k -= counts[digit--];
  return static_cast<uint32_t>(digit);
}

// By two passes of counting, the upper bits first.
Choice Choose(std::span<const float> values, int64_t k) {
  constexpr uint32_t kLowBits = 16;
  constexpr uint32_t kLowMask = (1U << kLowBits) - 1;
  std::vector<int64_t> counts(1U << (31 - kLowBits));
  for (const float value : values) ++counts[Magnitude(value) >> kLowBits];
  const uint32_t high = DigitOf(counts, k);
  counts.assign(1U << kLowBits, 0);
  for (const float value : values) {
    const uint32_t magnitude = Magnitude(value);
    if (magnitude >> kLowBits == high) ++counts[magnitude & kLowMask];
  }
  const uint32_t low = DigitOf(counts, k);
  return {(high << kLowBits) | low, k};
}

}  // namespace

int64_t KeptOf(double ratio, int64_t num_elements) {
  const auto share = static_cast<int64_t>(std::floor(ratio * static_cast<double>(num_elements)));
  return std::min(num_elements, std::max<int64_t>(share, 1));
}

void TakeTopK(std::span<float> values, std::span<uint32_t> indices, std::span<float> kept) {
  if (indices.empty()) return;
  Choice choice = Choose(values, static_cast<int64_t>(indices.size()));
  std::size_t taken = 0;
  for (std::size_t i = 0; i < values.size() && taken < indices.size(); ++i) {
    const uint32_t magnitude = Magnitude(values[i]);
    if (magnitude < choice.threshold) continue;
    if (magnitude == choice.threshold && choice.ties-- <= 0) continue;
    indices[taken] = static_cast<uint32_t>(i);
    kept[taken++] = values[i];
    values[i] = 0;
  }
}

Status CheckIndices(std::span<const uint32_t> indices, int64_t previous, int64_t num_elements) {
  for (const uint32_t index : indices) {
    const auto place = static_cast<int64_t>(index);
    if (place <= previous) {
      return InvalidArgument("index " + std::to_string(place) + " follows index " +
                             std::to_string(previous) + "; they must ascend");
    }
    if (place >= num_elements) {
      return InvalidArgument("index " + std::to_string(place) + " of " +
                             std::to_string(num_elements) + " elements");
    }
    previous = place;
  }
  return OkStatus();
}

void Scatter(std::span<const uint32_t> indices, std::span<const float> values, int64_t first,
             std::span<float> out) {
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const int64_t place = static_cast<int64_t>(indices[i]) - first;
    if (place < 0 || place >= static_cast<int64_t>(out.size())) continue;
    out[static_cast<std::size_t>(place)] = values[i];
  }
}

}  // namespace skerry::learning
