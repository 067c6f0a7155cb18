#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"

namespace skerry::coordinator {

// Who may have a chunk on its way, and who waits: chunks, and what gRPC holds of them, are all the
// memory that a transfer takes. First come, first served, chunk by chunk, so that a thousand
// transfers advance side by side with a few places. Of one site only some have a place at the same
// time, and one that stands still does not hold up the others: after a while somebody else is let
// in beside it. What a site has standing still and waiting is bounded too. Thread-safe; outlives
// its places.
class TransferGate {
  struct Holder {
    std::string site;
    Timestamp since;
    bool counts = true;  // it has not stood still for long
  };
  using Holders = std::list<Holder>;

 public:
  // Held while a chunk is on its way, and given back by the destructor or by Reset. Whoever is next
  // is started by the thread that gives a place back, before it goes on.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) noexcept;
    ~Place() { Reset(); }
    void Reset();

   private:
    friend class TransferGate;
    Place(TransferGate& gate, Holders::iterator holder) : gate_(&gate), holder_(holder) {}

    TransferGate* gate_ = nullptr;
    Holders::iterator holder_{};
  };
  // Must be quick, or hand over: others wait for the thread that calls it.
  using Start = std::function<void(Place)>;

  // A chunk that takes longer than `patience` counts as standing still.
  TransferGate(std::size_t places, std::size_t places_of_a_site, Duration patience,
               const Clock& clock)
      : places_(places), places_of_a_site_(places_of_a_site), patience_(patience), clock_(clock) {}

  // Calls `start` once: before it returns, or when it is the turn of this caller.
  // RESOURCE_EXHAUSTED: `site` has many waiting, and `start` will not be called.
  Status Enter(const std::string& site, Start start);
  // Lets others in beside those that stand still. To be called at NextDue(), or before.
  void PassTheStalled();
  // When a chunk that is on its way now would stand still; nothing while there is none.
  std::optional<Timestamp> NextDue() const;

  std::size_t num_held() const;
  std::size_t num_waiting() const;

 private:
  struct Waiting {
    std::string site;
    Start start;
  };
  struct OfSite {
    std::size_t counted = 0;  // of its holders
    std::size_t held = 0;     // with those that have stood still for long
    std::size_t waiting = 0;
  };

  void Leave(Holders::iterator holder);
  bool MayHold(const std::string& site) const SKERRY_REQUIRES(mutex_);
  Holders::iterator Hold(const std::string& site) SKERRY_REQUIRES(mutex_);
  void StopCounting(Holder& holder) SKERRY_REQUIRES(mutex_);
  // Starts the first that may have a place, if there is any.
  bool StartNext();

  const std::size_t places_;
  const std::size_t places_of_a_site_;
  const Duration patience_;
  const Clock& clock_;
  mutable Mutex mutex_;
  Holders holders_ SKERRY_GUARDED_BY(mutex_);  // the oldest first
  std::size_t num_counted_ SKERRY_GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::string, OfSite> of_site_ SKERRY_GUARDED_BY(mutex_);
  std::list<Waiting> waiting_ SKERRY_GUARDED_BY(mutex_);
};

}  // namespace skerry::coordinator
