#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "base/status.h"

namespace skerry::crypto {

// A SHA-256 value.
struct Digest {
  std::array<char, 32> bytes{};

  std::string_view view() const { return {bytes.data(), bytes.size()}; }
  std::string Hex() const;
  // INVALID_ARGUMENT unless there are 32 bytes.
  static Result<Digest> FromBytes(std::string_view bytes);

  friend auto operator<=>(const Digest&, const Digest&) = default;
};

}  // namespace skerry::crypto
