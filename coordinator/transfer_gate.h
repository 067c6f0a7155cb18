#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"

namespace skerry::coordinator {

// Who may have a chunk on its way, and who waits: chunks, and what gRPC holds of them, are all the
// memory that a transfer takes. First come, first served, chunk by chunk, so that a thousand
// transfers advance side by side with a few places. Of one site only some have a place at the same
// time: a few that stand still do not hold up the others. Thread-safe; outlives its places.
class TransferGate {
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
    Place(TransferGate& gate, std::string site) : gate_(&gate), site_(std::move(site)) {}

    TransferGate* gate_ = nullptr;
    std::string site_;
  };
  // Must be quick, or hand over: others wait for the thread that calls it.
  using Start = std::function<void(Place)>;

  TransferGate(std::size_t places, std::size_t places_of_a_site)
      : places_(places), places_of_a_site_(places_of_a_site) {}

  // Calls `start` once: before it returns, or when it is the turn of this caller.
  void Enter(const std::string& site, Start start);

  std::size_t num_held() const;
  std::size_t num_waiting() const;

 private:
  struct Waiting {
    std::string site;
    Start start;
  };

  void Leave(const std::string& site);
  bool MayHold(const std::string& site) const SKERRY_REQUIRES(mutex_);
  void Hold(const std::string& site) SKERRY_REQUIRES(mutex_);
  // Gives a place to the first that may have one, if there is any.
  std::optional<Waiting> TakeNext() SKERRY_REQUIRES(mutex_);

  const std::size_t places_;
  const std::size_t places_of_a_site_;
  mutable Mutex mutex_;
  std::size_t held_ SKERRY_GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::string, std::size_t> held_by_site_ SKERRY_GUARDED_BY(mutex_);
  std::list<Waiting> waiting_ SKERRY_GUARDED_BY(mutex_);
};

}  // namespace skerry::coordinator
