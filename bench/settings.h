#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

namespace skerry::bench {

using Settings = std::map<std::string, int64_t, std::less<>>;

// Takes "name=number" arguments into `settings`, which has all names. False: one is wrong, and
// standard error says which names there are.
inline bool ParseSettings(int argc, char** argv, Settings& settings) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = argument.find('=');
    const auto found = settings.find(argument.substr(0, equals));
    if (equals != std::string_view::npos && found != settings.end()) {
      const char* const end = argument.data() + argument.size();
      const auto parsed = std::from_chars(argument.data() + equals + 1, end, found->second);
      if (parsed.ec == std::errc() && parsed.ptr == end) continue;
    }
    std::fprintf(stderr, "usage: %s", argv[0]);
    for (const auto& [name, value] : settings) {
      std::fprintf(stderr, " [%s=%lld]", name.c_str(), static_cast<long long>(value));
    }
    std::fprintf(stderr, "\n");
    return false;
  }
  return true;
}

}  // namespace skerry::bench
