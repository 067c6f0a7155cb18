#include "crypto/printable.h"

#include "base/text.h"

namespace skerry::crypto {

std::string Printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text.substr(0, limit)) {
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += "\\x" + HexEncode({&c, 1});
    }
  }
  return text.size() > limit ? out + "..." : out;
}

}  // namespace skerry::crypto
