#include "learning/models/initial.h"

#include <algorithm>

#include "base/random.h"

namespace skerry::learning {
namespace {

constexpr int64_t kBlock = 4096;  // elements drawn from one stream

}  // namespace

template <class T>
void DrawUniform(const InitialStream& from, double bound, int64_t first, std::span<T> out) {
  auto remaining = static_cast<int64_t>(out.size());
  T* to = out.data();
  while (remaining > 0) {
    const int64_t skip = first % kBlock;
    const int64_t count = std::min(remaining, kBlock - skip);
    RandomStream stream(from.seed, Purpose::kInitialParameters, from.index, from.name,
                        static_cast<uint64_t>(first / kBlock));
    for (int64_t i = 0; i < skip; ++i) stream.Next64();
    for (int64_t i = 0; i < count; ++i) {
      *to++ = static_cast<T>((2.0 * stream.Uniform() - 1.0) * bound);
    }
    first += count;
    remaining -= count;
  }
}
template void DrawUniform(const InitialStream&, double, int64_t, std::span<float>);
template void DrawUniform(const InitialStream&, double, int64_t, std::span<double>);

template <class T>
void DrawInitial(uint64_t seed, std::span<const InitialTensor> tensors, int64_t first,
                 std::span<T> out) {
  const auto size = static_cast<int64_t>(out.size());
  int64_t begin = 0;  // of the tensor
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const int64_t elements = tensors[i].tensor.NumElements();
    const int64_t from = std::max(first, begin);
    const int64_t to = std::min(first + size, begin + elements);
    if (from < to) {
      const auto part =
          out.subspan(static_cast<std::size_t>(from - first), static_cast<std::size_t>(to - from));
      if (tensors[i].bound == 0) {
        std::fill(part.begin(), part.end(), static_cast<T>(tensors[i].value));
      } else {
        DrawUniform({seed, i}, tensors[i].bound, from - begin, part);
      }
    }
    begin += elements;
  }
}

template void DrawInitial(uint64_t, std::span<const InitialTensor>, int64_t, std::span<float>);
template void DrawInitial(uint64_t, std::span<const InitialTensor>, int64_t, std::span<double>);

}  // namespace skerry::learning
