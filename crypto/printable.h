#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace skerry::crypto {

// What a stranger sent, fit for a message: printable ASCII stays, every other byte becomes \xNN,
// and what is longer than `limit` bytes is cut and ends in "...".
std::string Printable(std::string_view text, std::size_t limit = 200);

}  // namespace skerry::crypto
