#pragma once

#include <fstream>
#include <string>

namespace skerry::bench {

// The largest resident set that this program has had. Not getrusage's: that one begins with the set
// of the process that started this one. 0: the system does not say.
inline double PeakMebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes / 1024;
  }
  return 0;
}

}  // namespace skerry::bench
