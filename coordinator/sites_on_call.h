#pragma once

#include <string>

namespace skerry::coordinator {

// Sites that hold no call and yet are within reach: they count as connected, and are called when
// there is a task for them. A simulation has a million; a network has none.
class SitesOnCall {
 public:
  virtual ~SitesOnCall() = default;
  virtual bool Contains(const std::string& site) const = 0;
  // It shall join. On the coordinator's thread, after the commit of what it is called for; again,
  // for each further task, as long as it has not joined.
  virtual void Call(const std::string& site) = 0;
};

}  // namespace skerry::coordinator
