#include "coordinator/transfer_gate.h"

#include <utility>

namespace skerry::coordinator {

TransferGate::Place::Place(Place&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)), site_(std::move(other.site_)) {}

TransferGate::Place& TransferGate::Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  Reset();
  gate_ = std::exchange(other.gate_, nullptr);
  site_ = std::move(other.site_);
  return *this;
}

void TransferGate::Place::Reset() {
  if (TransferGate* const gate = std::exchange(gate_, nullptr)) gate->Leave(site_);
}

void TransferGate::Enter(const std::string& site, Start start) {
  {
    MutexLock lock(mutex_);
    if (!MayHold(site)) {
      waiting_.push_back({site, std::move(start)});
      return;
    }
    Hold(site);
  }
  start(Place(*this, site));
}

// One place has become free: for one of those that wait, or for nobody.
void TransferGate::Leave(const std::string& site) {
  std::optional<Waiting> next;
  {
    MutexLock lock(mutex_);
    --held_;
    const auto found = held_by_site_.find(site);
    if (--found->second == 0) held_by_site_.erase(found);
    next = TakeNext();
  }
  if (next) next->start(Place(*this, next->site));
}

std::optional<TransferGate::Waiting> TransferGate::TakeNext() {
  for (auto next = waiting_.begin(); next != waiting_.end(); ++next) {
    if (!MayHold(next->site)) continue;
    Waiting taken = std::move(*next);
    waiting_.erase(next);
    Hold(taken.site);
    return taken;
  }
  return std::nullopt;
}

bool TransferGate::MayHold(const std::string& site) const {
  if (held_ >= places_) return false;
  const auto found = held_by_site_.find(site);
  return found == held_by_site_.end() || found->second < places_of_a_site_;
}

void TransferGate::Hold(const std::string& site) {
  ++held_;
  ++held_by_site_[site];
}

std::size_t TransferGate::num_held() const {
  MutexLock lock(mutex_);
  return held_;
}

std::size_t TransferGate::num_waiting() const {
  MutexLock lock(mutex_);
  return waiting_.size();
}

}  // namespace skerry::coordinator
