#include "coordinator/fixed_values.h"

#include <cstring>
#include <span>

#include "coordinator/file_values.h"

namespace skerry::coordinator {
namespace {

using learning::DType;

template <class T>
void Append(std::span<const double> values, std::string& bytes) {
  for (const double value : values) {
    const T stored = static_cast<T>(value);
    bytes.append(reinterpret_cast<const char*>(&stored), sizeof(T));
  }
}

template <class T>
void Take(const char* bytes, std::span<double> values) {
  for (double& value : values) {
    T stored;
    std::memcpy(&stored, bytes, sizeof(T));
    bytes += sizeof(T);
    value = static_cast<double>(stored);
  }
}

// Calls f(tensor's dtype, its values, its offset in bytes) for each tensor.
template <class Fixed, class F>
void ForEach(Fixed& fixed, const F& f) {
  std::size_t first = 0;
  for (std::size_t i = 0; i < fixed.layout.tensors().size(); ++i) {
    const learning::TensorSpec& tensor = fixed.layout.tensors()[i];
    const auto size = static_cast<std::size_t>(tensor.NumElements());
    f(tensor.dtype, std::span(fixed.values).subspan(first, size), fixed.layout.offset_bytes(i));
    first += size;
  }
}

}  // namespace

std::string FixedBytes(const learning::FixedTensors& fixed) {
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(fixed.layout.size_bytes()));
  ForEach(fixed, [&](DType dtype, std::span<const double> values, int64_t /*offset*/) {
    if (dtype == DType::kF32) return Append<float>(values, bytes);
    if (dtype == DType::kI64) return Append<int64_t>(values, bytes);
    Append<double>(values, bytes);
  });
  return bytes;
}

Status ReadFixed(const File& file, uint64_t offset, learning::FixedTensors& fixed) {
  std::string bytes(static_cast<std::size_t>(fixed.layout.size_bytes()), '\0');
  SKERRY_RETURN_IF_ERROR(ReadValues(file, offset, std::span(bytes)));
  ForEach(fixed, [&](DType dtype, std::span<double> values, int64_t at) {
    if (dtype == DType::kF32) return Take<float>(bytes.data() + at, values);
    if (dtype == DType::kI64) return Take<int64_t>(bytes.data() + at, values);
    Take<double>(bytes.data() + at, values);
  });
  return OkStatus();
}

}  // namespace skerry::coordinator
