#include "learning/compression/dense.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "base/random.h"
#include "base/text.h"
#include "learning/compression/half.h"

namespace skerry::learning {
namespace {

using Kind = Encoding::Kind;

constexpr std::size_t kScaleBytes = sizeof(float);
constexpr int64_t kBFloat16Run = 4096;  // elements that are worked on at a time

// What the records of an encoding are made of.
struct Record {
  int64_t block = 1;
  int64_t scale_bytes = 0;
  int64_t element_bytes = 2;
  int64_t bytes() const { return scale_bytes + block * element_bytes; }
};

Record RecordOf(const Encoding& encoding) {
  switch (encoding.kind) {
    case Kind::kF16:
      return {encoding.block, kScaleBytes, 2};
    case Kind::kInt8:
      return {encoding.block, kScaleBytes, 1};
    default:
      return {};
  }
}

template <class T>
T Load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <class T>
void Store(char* to, T value) {
  std::memcpy(to, &value, sizeof(value));
}

uint32_t LargestMagnitude(std::span<const float> values) {
  uint32_t largest = 0;  // as bits, which are ordered as the numbers are
  for (const float value : values) {
    largest = std::max(largest, std::bit_cast<uint32_t>(value) & 0x7fffffff);
  }
  return largest;
}

Status NotFinite(int64_t first, std::span<const float> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    return InvalidArgument("element " + std::to_string(first + static_cast<int64_t>(i)) +
                           " of the update is " + FormatExact(static_cast<double>(values[i])))
        .WithHint("training has probably diverged: try a smaller learning_rate");
  }
  return OkStatus();
}

constexpr uint32_t kInfinityBits = 0x7f800000;
constexpr uint32_t kExponentOne = 0x00800000;

// 2^(e - 15) for a magnitude of which 2^e is the next larger power of two.
float HalfScale(uint32_t largest) {
  constexpr uint32_t kDown = 14;
  const uint32_t exponent = largest >> 23;
  return std::bit_cast<float>((std::max(exponent, kDown + 1) - kDown) << 23);
}

void EncodeHalves(std::span<const float> values, uint32_t largest, char* out) {
  const float scale = largest == 0 ? 0.0F : HalfScale(largest);
  Store(out, scale);
  const float inverse = largest == 0 ? 0.0F : 1.0F / scale;  // a power of two: exact
  for (std::size_t i = 0; i < values.size(); ++i) {
    Store(out + kScaleBytes + 2 * i, ToHalf(values[i] * inverse));
  }
}

// The smallest float that is at least max / 127; 0 when it is not normal.
float ByteScale(uint32_t largest) {
  const auto max = static_cast<double>(std::bit_cast<float>(largest));
  auto scale = static_cast<float>(max / 127.0);
  if (static_cast<double>(scale) * 127.0 < max) {
    scale = std::bit_cast<float>(std::bit_cast<uint32_t>(scale) + 1);
  }
  return std::bit_cast<uint32_t>(scale) < kExponentOne ? 0.0F : scale;
}

void EncodeBytes(std::span<const float> values, uint32_t largest, RandomStream random, char* out) {
  const float scale = ByteScale(largest);
  Store(out, scale);
  char* const bytes = out + kScaleBytes;
  if (scale == 0.0F) {
    std::memset(bytes, 0, values.size());
    return;
  }
  const auto divisor = static_cast<double>(scale);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double u = static_cast<double>(random.NextWord()) * 0x1p-32;
    const double q = std::floor(static_cast<double>(values[i]) / divisor + u);
    bytes[i] = static_cast<char>(static_cast<int8_t>(q));
  }
}

void EncodeBFloats(std::span<const float> values, char* out) {
  for (std::size_t i = 0; i < values.size(); ++i) Store(out + 2 * i, ToBFloat16(values[i]));
}

Status BadBlock(int64_t first, const std::string& what) {
  return InvalidArgument("the block of element " + std::to_string(first) + " " + what);
}

Status CheckBlock(const Encoding& encoding, int64_t first, const char* record, int64_t count) {
  const auto scale = Load<uint32_t>(record);
  if (scale >= kInfinityBits) {
    return BadBlock(first, "has a scale that is no finite number of at least 0");
  }
  const char* const elements = record + kScaleBytes;
  bool good = true;
  if (encoding.kind == Kind::kInt8) {
    for (int64_t i = 0; i < count; ++i) good &= elements[i] != static_cast<char>(-128);
    return good ? OkStatus() : BadBlock(first, "has the byte -128");
  }
  if ((scale & (kExponentOne - 1)) != 0)
    return BadBlock(first, "has a scale that is no power of 2");
  for (int64_t i = 0; i < count; ++i) good &= IsFiniteHalf(Load<uint16_t>(elements + 2 * i));
  return good ? OkStatus() : BadBlock(first, "has a half that is not finite");
}

void DecodeBlock(const Encoding& encoding, const char* record, int64_t skip, std::span<float> out) {
  const auto scale = Load<float>(record);
  const char* const elements = record + kScaleBytes;
  if (encoding.kind == Kind::kInt8) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] =
          static_cast<float>(static_cast<int8_t>(elements[skip + static_cast<int64_t>(i)])) * scale;
    }
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = FromHalf(Load<uint16_t>(elements + 2 * (skip + static_cast<int64_t>(i)))) * scale;
  }
}

}  // namespace

DenseRange BlocksAround(const Encoding& encoding, int64_t num_elements, int64_t first,
                        int64_t count) {
  const Record record = RecordOf(encoding);
  const int64_t begin = first - first % record.block;
  const int64_t over = (first + count) % record.block;
  const int64_t end = std::min(num_elements, first + count + (over == 0 ? 0 : record.block - over));
  const int64_t num_blocks = (end - begin + record.block - 1) / record.block;
  return {begin, begin / record.block * record.bytes(),
          num_blocks * record.scale_bytes + (end - begin) * record.element_bytes};
}

Status EncodeDense(const Encoding& encoding, const RoundingKey& key, int64_t first,
                   std::span<const float> values, std::span<char> out) {
  const Record record = RecordOf(encoding);
  const int64_t step = encoding.kind == Kind::kBF16 ? kBFloat16Run : record.block;
  char* to = out.data();
  for (std::size_t at = 0; at < values.size(); at += static_cast<std::size_t>(step)) {
    const auto block =
        values.subspan(at, std::min(values.size() - at, static_cast<std::size_t>(step)));
    const int64_t element = first + static_cast<int64_t>(at);
    const uint32_t largest = LargestMagnitude(block);
    if (largest >= kInfinityBits) return NotFinite(element, block);
    if (encoding.kind == Kind::kBF16) {
      EncodeBFloats(block, to);
    } else if (encoding.kind == Kind::kF16) {
      EncodeHalves(block, largest, to);
    } else {
      EncodeBytes(block, largest,
                  RandomStream(key.seed, Purpose::kStochasticRounding, key.round, key.site,
                               static_cast<uint64_t>(element / record.block)),
                  to);
    }
    to += record.scale_bytes + static_cast<int64_t>(block.size()) * record.element_bytes;
  }
  return OkStatus();
}

Status CheckDense(const Encoding& encoding, int64_t first, std::span<const char> blocks) {
  if (encoding.kind == Kind::kBF16) return OkStatus();  // every value of it is a float's
  const Record record = RecordOf(encoding);
  const auto size = static_cast<int64_t>(blocks.size());
  for (int64_t at = 0; at < size; at += record.bytes()) {
    const int64_t bytes = std::min(record.bytes(), size - at) - record.scale_bytes;
    SKERRY_RETURN_IF_ERROR(CheckBlock(encoding, first + at / record.bytes() * record.block,
                                      blocks.data() + at, bytes / record.element_bytes));
  }
  return OkStatus();
}

void DecodeDense(const Encoding& encoding, std::span<const char> blocks, int64_t skip,
                 std::span<float> out) {
  if (encoding.kind == Kind::kBF16) {
    const char* const from = blocks.data() + 2 * skip;
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = FromBFloat16(Load<uint16_t>(from + 2 * i));
    }
    return;
  }
  const Record record = RecordOf(encoding);
  const char* from = blocks.data() + skip / record.block * record.bytes();
  int64_t in_block = skip % record.block;
  for (std::size_t done = 0; done < out.size();) {
    const std::size_t count =
        std::min(out.size() - done, static_cast<std::size_t>(record.block - in_block));
    DecodeBlock(encoding, from, in_block, out.subspan(done, count));
    done += count;
    in_block = 0;
    from += record.bytes();
  }
}

}  // namespace skerry::learning
