#include "simulation/world.h"

#include <algorithm>

#include "base/exact_math.h"
#include "base/text.h"

namespace skerry::simulation {

void World::Trace(std::string_view who, std::string_view what) {
  if (trace_ == nullptr) return;
  std::string line = FormatFixed(ToSeconds(Now().since_origin), 6);
  line.insert(0, line.size() < 14 ? 14 - line.size() : 0, ' ');
  line += ' ';
  line += who;
  line += ": ";
  line += what;
  trace_->push_back(std::move(line));
}

void World::Complain(std::string_view who, std::string_view what) {
  Trace(who, what);
  complaints_.push_back(std::string(who) + ": " + std::string(what));
}

Duration UntilNext(RandomStream& random, Duration every) {
  const double wait = -exact::Log(1 - random.Uniform()) * static_cast<double>(every.count());
  return Duration(1) + Duration(static_cast<int64_t>(wait));
}

}  // namespace skerry::simulation
