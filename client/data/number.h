#pragma once

#include <optional>
#include <string_view>

namespace skerry::client {

// Cells of greater magnitude are refused: no measurement is so large, and squares of what is
// allowed, summed over any number of rows, stay finite.
constexpr double kLargestNumber = 1e30;

// A cell as a number: all of `text` must be one in decimal notation ("68", "-0.5", "+1e3"); nothing
// depends on the locale. nullopt otherwise, also for "inf", "nan", hexadecimal digits, what a
// double cannot hold and what exceeds kLargestNumber. Minus zero is read as zero.
std::optional<double> ParseNumber(std::string_view text);

// What may be behind a text that is not a number: "", or a remark for the hint of an error.
std::string_view NumberRemark(std::string_view text);

}  // namespace skerry::client
