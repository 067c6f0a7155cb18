#include "coordinator/transfer_gate.h"

#include <algorithm>
#include <utility>

namespace skerry::coordinator {

TransferGate::Place::Place(Place&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)), holder_(other.holder_) {}

TransferGate::Place& TransferGate::Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  Reset();
  gate_ = std::exchange(other.gate_, nullptr);
  holder_ = other.holder_;
  return *this;
}

void TransferGate::Place::Reset() {
  if (TransferGate* const gate = std::exchange(gate_, nullptr)) gate->Leave(holder_);
}

void TransferGate::Enter(const std::string& site, Start start) {
  Holders::iterator holder;
  {
    MutexLock lock(mutex_);
    if (!MayHold(site)) {
      waiting_.push_back({site, std::move(start)});
      return;
    }
    holder = Hold(site);
  }
  start(Place(*this, holder));
}

// One place has become free: for one of those that wait, or for nobody.
void TransferGate::Leave(Holders::iterator holder) {
  {
    MutexLock lock(mutex_);
    StopCounting(*holder);
    holders_.erase(holder);
  }
  StartNext();
}

void TransferGate::PassTheStalled() {
  {
    MutexLock lock(mutex_);
    const Timestamp now = clock_.Now();
    for (Holder& holder : holders_) {
      if (now < holder.since + patience_) break;
      StopCounting(holder);
    }
  }
  while (StartNext()) continue;
}

std::optional<Timestamp> TransferGate::NextDue() const {
  MutexLock lock(mutex_);
  const auto oldest = std::find_if(holders_.begin(), holders_.end(),
                                   [](const Holder& holder) { return holder.counts; });
  if (oldest == holders_.end()) return std::nullopt;
  return oldest->since + patience_;
}

bool TransferGate::StartNext() {
  Waiting taken;
  Holders::iterator holder;
  {
    MutexLock lock(mutex_);
    auto next = waiting_.begin();
    while (next != waiting_.end() && !MayHold(next->site)) ++next;
    if (next == waiting_.end()) return false;
    taken = std::move(*next);
    waiting_.erase(next);
    holder = Hold(taken.site);
  }
  taken.start(Place(*this, holder));
  return true;
}

bool TransferGate::MayHold(const std::string& site) const {
  if (num_counted_ >= places_) return false;
  const auto found = counted_of_site_.find(site);
  return found == counted_of_site_.end() || found->second < places_of_a_site_;
}

TransferGate::Holders::iterator TransferGate::Hold(const std::string& site) {
  ++num_counted_;
  ++counted_of_site_[site];
  return holders_.insert(holders_.end(), {site, clock_.Now()});
}

void TransferGate::StopCounting(Holder& holder) {
  if (!std::exchange(holder.counts, false)) return;
  --num_counted_;
  const auto found = counted_of_site_.find(holder.site);
  if (--found->second == 0) counted_of_site_.erase(found);
}

std::size_t TransferGate::num_held() const {
  MutexLock lock(mutex_);
  return holders_.size();
}

std::size_t TransferGate::num_waiting() const {
  MutexLock lock(mutex_);
  return waiting_.size();
}

}  // namespace skerry::coordinator
