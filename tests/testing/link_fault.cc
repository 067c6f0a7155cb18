#include "testing/link_fault.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <utility>

namespace skerry::testing {
namespace {

using Kind = LinkFault::Kind;

enum class Needs { kNothing, kTime, kAmount };
struct Word {
  std::string_view text;
  Kind kind;
  Needs needs;
};
constexpr std::array<Word, 13> kWords = {{
    {"delay", Kind::kDelay, Needs::kTime},
    {"throttle", Kind::kThrottle, Needs::kAmount},
    {"throttle-each", Kind::kThrottleEach, Needs::kAmount},
    {"reset", Kind::kReset, Needs::kNothing},
    {"half-open", Kind::kHalfOpen, Needs::kNothing},
    {"partition", Kind::kPartition, Needs::kNothing},
    {"lose-up", Kind::kLoseUp, Needs::kNothing},
    {"lose-down", Kind::kLoseDown, Needs::kNothing},
    {"heal", Kind::kHeal, Needs::kNothing},
    {"truncate", Kind::kTruncate, Needs::kAmount},
    {"duplicate", Kind::kDuplicate, Needs::kAmount},
    {"chaos", Kind::kChaos, Needs::kTime},
    {"calm", Kind::kCalm, Needs::kNothing},
}};

Result<int64_t> ParseAmount(std::string_view text) {
  int64_t amount = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc() || rest != text.data() + text.size() || amount < 0) {
    return InvalidArgument("\"" + std::string(text) + "\" is no number of bytes");
  }
  return amount;
}

Duration Between(RandomStream& random, Duration least, Duration most) {
  return least + FromSeconds(ToSeconds(most - least) * random.Uniform());
}

}  // namespace

Result<LinkFault> ParseLinkFault(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::string name;
  std::string argument;
  std::string rest;
  words >> name >> argument >> rest;
  const auto* const word = std::find_if(kWords.begin(), kWords.end(),
                                        [&](const Word& known) { return known.text == name; });
  if (word == kWords.end()) return InvalidArgument("\"" + name + "\" is no fault of a link");
  if ((word->needs == Needs::kNothing) != argument.empty() || !rest.empty()) {
    return InvalidArgument("\"" + std::string(text) + "\" has too few words, or too many");
  }
  LinkFault fault{word->kind};
  if (word->needs == Needs::kTime) {
    SKERRY_ASSIGN_OR_RETURN(fault.time, ParseDuration(argument));
  }
  if (word->needs == Needs::kAmount) {
    SKERRY_ASSIGN_OR_RETURN(fault.amount, ParseAmount(argument));
  }
  return fault;
}

std::string ToString(const LinkFault& fault) {
  const auto* const word = std::find_if(kWords.begin(), kWords.end(),
                                        [&](const Word& w) { return w.kind == fault.kind; });
  std::string text(word->text);
  if (word->needs == Needs::kTime) text += " " + FormatDuration(fault.time);
  if (word->needs == Needs::kAmount) text += " " + std::to_string(fault.amount);
  return text;
}

Result<std::vector<PlannedFault>> ParseLinkPlan(std::string_view text) {
  std::vector<PlannedFault> plan;
  std::istringstream steps{std::string(text)};
  std::string step;
  while (std::getline(steps, step, ';')) {
    std::istringstream words(step);
    std::string at;
    std::string fault;
    words >> at >> std::ws;
    if (at.empty()) continue;
    std::getline(words, fault);
    PlannedFault planned;
    SKERRY_ASSIGN_OR_RETURN(planned.at, ParseDuration(at));
    SKERRY_ASSIGN_OR_RETURN(planned.fault, ParseLinkFault(fault));
    plan.push_back(planned);
  }
  std::stable_sort(plan.begin(), plan.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  return plan;
}

RandomFault DrawLinkFault(RandomStream& random) {
  const uint64_t choice = random.Below(100);
  const auto bytes = [&](uint64_t most) { return static_cast<int64_t>(1 + random.Below(most)); };
  if (choice < 40) return {{Kind::kReset}};
  if (choice < 60) return {{Kind::kTruncate, bytes(20'000)}};  // in a handshake, or soon after
  if (choice < 75) return {{Kind::kDuplicate, bytes(2'000)}};
  if (choice < 85) return {{Kind::kDelay, 0, Between(random, 0s, 60ms)}};
  if (choice < 92) return {{Kind::kThrottle, 200'000 + bytes(2'000'000)}};
  if (choice < 95) return {{Kind::kThrottle, 0}};
  return {{Kind::kPartition}, Between(random, 100ms, 1500ms)};
}

}  // namespace skerry::testing
