#include "crypto/digest.h"

#include <algorithm>

#include "base/text.h"

namespace skerry::crypto {

std::string Digest::Hex() const { return HexEncode(view()); }

Result<Digest> Digest::FromBytes(std::string_view bytes) {
  Digest digest;
  if (bytes.size() != digest.bytes.size()) {
    return InvalidArgument("a SHA-256 value has " + std::to_string(digest.bytes.size()) +
                           " bytes, this one has " + std::to_string(bytes.size()));
  }
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  return digest;
}

}  // namespace skerry::crypto
