#include "simulation/fault_statements.h"

#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"

namespace skerry::simulation {
namespace {

// "at 3h  for 5m" -> {"at", "3h", "for", "5m"}.
std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  for (std::string& word : Split(text, ' ')) {
    if (!word.empty()) words.push_back(std::move(word));
  }
  return words;
}

Status NotA(std::string_view text, const char* form) {
  return InvalidArgument("\"" + std::string(text) + "\" is not of the form \"" + form + "\"")
      .WithHint(
          "times count from the beginning of the simulation: 300ms, 20s, 15m, 2h30m, 2.5h, 3d");
}

// "FIRST duration SECOND duration": the two durations.
Result<std::pair<Duration, Duration>> TwoTimes(std::string_view text,
                                               const std::vector<std::string>& words,
                                               const char* first, const char* second,
                                               const char* form) {
  if (words.size() != 4 || words[0] != first || words[2] != second) return NotA(text, form);
  const Result<Duration> one = ParseDuration(words[1]);
  const Result<Duration> two = ParseDuration(words[3]);
  if (!one.ok() || !two.ok()) return NotA(text, form);
  return std::pair(*one, *two);
}

}  // namespace

Result<Window> ParseWindow(std::string_view text) {
  SKERRY_ASSIGN_OR_RETURN(const auto times,
                          TwoTimes(text, Words(text), "from", "for", "from 1h for 2h30m"));
  return Window{times.first, times.second};
}

Result<Crash> ParseCrash(std::string_view text) {
  std::vector<std::string> words = Words(text);
  const bool power_loss =
      words.size() == 7 && words[4] == "with" && words[5] == "power" && words[6] == "loss";
  if (power_loss) words.resize(4);
  SKERRY_ASSIGN_OR_RETURN(
      const auto times,
      TwoTimes(text, words, "at", "for", "at 3h for 5m\" or \"at 3h for 5m with power loss"));
  return Crash{times.first, times.second, power_loss};
}

Result<ClockJump> ParseClockJump(std::string_view text) {
  constexpr const char* kForm = "at 2h by +1h";
  std::vector<std::string> words = Words(text);
  if (words.size() != 4 || (words[3][0] != '+' && words[3][0] != '-')) return NotA(text, kForm);
  const bool back = words[3][0] == '-';
  words[3].erase(0, 1);
  SKERRY_ASSIGN_OR_RETURN(const auto times, TwoTimes(text, words, "at", "by", kForm));
  return ClockJump{times.first, back ? -times.second : times.second};
}

Result<double> ParseBandwidth(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 7> kUnits = {{{"B/s", 1},
                                                                          {"KB/s", 1e3},
                                                                          {"MB/s", 1e6},
                                                                          {"GB/s", 1e9},
                                                                          {"kbit/s", 125},
                                                                          {"Mbit/s", 125e3},
                                                                          {"Gbit/s", 125e6}}};
  double amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  const std::string_view unit =
      Trim({end, static_cast<std::size_t>(text.data() + text.size() - end)});
  for (const auto& [name, bytes] : kUnits) {
    if (error == std::errc() && amount > 0 && unit == name) return amount * bytes;
  }
  return InvalidArgument("\"" + std::string(text) + "\" is not a bandwidth")
      .WithHint("write a number and a unit, for instance \"100 KB/s\", \"8 Mbit/s\"");
}

}  // namespace skerry::simulation
