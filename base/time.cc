#include "base/time.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace skerry {
namespace {

struct Unit {
  std::string_view name;
  Duration length;
};
constexpr std::array<Unit, 7> kUnits = {{{"d", std::chrono::hours(24)},
                                         {"h", std::chrono::hours(1)},
                                         {"m", std::chrono::minutes(1)},
                                         {"s", std::chrono::seconds(1)},
                                         {"ms", std::chrono::milliseconds(1)},
                                         {"us", std::chrono::microseconds(1)},
                                         {"ns", Duration(1)}}};

Status NotADuration(std::string_view text) {
  return InvalidArgument("\"" + std::string(text) + "\" is not a duration")
      .WithHint("write a number and a unit, for instance \"300ms\", \"20s\", \"15m\", \"1h30m\"");
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  std::string_view rest = text;
  Duration total{0};
  if (rest.empty()) return NotADuration(text);
  while (!rest.empty()) {
    double amount = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), amount, std::chars_format::fixed);
    if (error != std::errc() || !(amount >= 0)) return NotADuration(text);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    std::size_t letters = 0;
    while (letters < rest.size() && std::isalpha(static_cast<unsigned char>(rest[letters])) != 0) {
      ++letters;
    }
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits) {
      if (candidate.name == rest.substr(0, letters)) unit = &candidate;
    }
    constexpr double kCenturyNanos = 3.2e18;
    if (unit == nullptr || amount * static_cast<double>(unit->length.count()) > kCenturyNanos ||
        static_cast<double>(total.count()) > kCenturyNanos) {
      return NotADuration(text);
    }
    total += Duration(std::llround(amount * static_cast<double>(unit->length.count())));
    rest.remove_prefix(letters);
  }
  return total;
}

std::string FormatDuration(Duration duration) {
  if (duration == Duration::min()) duration += Duration(1);  // it has no opposite
  if (duration.count() < 0) return "-" + FormatDuration(-duration);
  std::string text;
  int units_written = 0;
  for (const Unit& unit : kUnits) {
    const int64_t count = duration / unit.length;
    if (count == 0) {
      if (units_written > 0) break;
      continue;
    }
    text += std::to_string(count) + std::string(unit.name);
    duration -= count * unit.length;
    if (++units_written == 2 || unit.length <= std::chrono::milliseconds(1)) break;
  }
  return text.empty() ? "0s" : text;
}

std::string FormatWallTime(WallTime time) {
  const auto seconds = static_cast<std::time_t>(
      std::chrono::floor<std::chrono::seconds>(std::chrono::milliseconds(time.unix_millis))
          .count());
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace skerry
