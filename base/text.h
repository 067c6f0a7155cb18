#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace skerry {

std::string Join(std::span<const std::string> parts, std::string_view separator);
std::vector<std::string> Split(std::string_view text, char separator);
std::string_view Trim(std::string_view text);  // without white space at both ends

std::string HexEncode(std::string_view bytes);

// The bytes of the UTF-8 sequence at the beginning of a text that is not empty (RFC 3629, no
// overlong forms, no surrogates), or 0 when there is none.
std::size_t Utf8Length(std::string_view text);
// The number of characters, one for each byte that is not UTF-8.
std::size_t CountCharacters(std::string_view text);
// No more than the first `count` of them.
std::string_view FirstCharacters(std::string_view text, std::size_t count);
// What a stranger wrote, fit for a terminal: letters of all scripts stay; control characters, those
// that turn the direction of writing, and bytes that are not UTF-8 become \xNN.
std::string Printable(std::string_view text);

// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`.
int EditDistance(std::string_view a, std::string_view b);
// The candidate nearest to `name` when it is near enough to be a slip of the fingers, else "".
std::string NearestName(std::string_view name, std::span<const std::string> candidates);

std::string FormatBytes(uint64_t bytes);  // "1.5 MB": powers of 1000
std::string FormatCount(int64_t count);   // "12 345"
std::string FormatFixed(double value, int decimals);
// The shortest text that reads back to the same double; "nan", "inf".
std::string FormatExact(double value);

// Lower-case letters, digits and '-', 1 to 63 of them, no '-' at either end: what site, run and
// federation names are made of, so that they are safe in file names, URIs and certificates.
bool IsName(std::string_view text);

}  // namespace skerry
