#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace skerry::learning {

// Fields of a protocol buffer message, in its wire format, one after the other: as much of it as
// ONNX files need (https://protobuf.dev/programming-guides/encoding). Field numbers are 1 to 2^28.
class WireMessage {
 public:
  void Varint(uint32_t field, uint64_t value) {
    Tag(field, 0);
    Append(value);
  }
  void Integer(uint32_t field, int64_t value) { Varint(field, static_cast<uint64_t>(value)); }
  void Float(uint32_t field, float value) {
    Tag(field, 5);
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(bits >> shift & 0xff);
  }
  // A string, bytes, or the bytes of a message.
  void Bytes(uint32_t field, std::string_view bytes) {
    Tag(field, 2);
    Append(bytes.size());
    bytes_ += bytes;
  }
  void Message(uint32_t field, const WireMessage& message) { Bytes(field, message.bytes_); }

  const std::string& bytes() const& { return bytes_; }
  std::string bytes() && { return std::move(bytes_); }

 private:
  void Tag(uint32_t field, uint32_t type) { Append(uint64_t{field} << 3 | type); }
  void Append(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7f) | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace skerry::learning
