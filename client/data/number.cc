#include "client/data/number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

namespace skerry::client {

std::optional<double> ParseNumber(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  if (!std::isfinite(value) || std::fabs(value) > kLargestNumber) return std::nullopt;
  return value == 0 ? 0.0 : value;
}

std::string_view NumberRemark(std::string_view text) {
  std::string pointed(text);
  std::replace(pointed.begin(), pointed.end(), ',', '.');
  if (pointed != text && ParseNumber(pointed)) return "write decimals with a point";
  double value = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = !text.empty() && stopped == text.data() + text.size();
  if (whole && (error == std::errc::result_out_of_range || std::fabs(value) > kLargestNumber)) {
    return "numbers lie between -1e30 and 1e30";
  }
  return "";
}

}  // namespace skerry::client
