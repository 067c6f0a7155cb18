#include "coordinator/transfer_gate.h"

#include <algorithm>
#include <utility>

namespace skerry::coordinator {
namespace {

// Of a site: so many times the places it may have at work may stand still, each with a chunk.
constexpr std::size_t kStandingStill = 4;
// As many as a client has tasks at work. More come only from one that began anew while its old
// transfers still wait; it tries again.
constexpr std::size_t kMostWaitingOfASite = 64;

}  // namespace

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

Status TransferGate::Enter(const std::string& site, Start start) {
  Holders::iterator holder;
  {
    MutexLock lock(mutex_);
    if (!MayHold(site)) {
      std::size_t& waiting = of_site_[site].waiting;
      if (waiting >= kMostWaitingOfASite) {
        return ResourceExhausted("site \"" + site + "\" has " + std::to_string(waiting) +
                                 " transfers waiting");
      }
      ++waiting;
      waiting_.push_back({site, std::move(start)});
      return OkStatus();
    }
    holder = Hold(site);
  }
  start(Place(*this, holder));
  return OkStatus();
}

// One place has become free: for one of those that wait, or for nobody.
void TransferGate::Leave(Holders::iterator holder) {
  {
    MutexLock lock(mutex_);
    StopCounting(*holder);
    const auto of_site = of_site_.find(holder->site);
    --of_site->second.held;
    if (of_site->second.held + of_site->second.waiting == 0) of_site_.erase(of_site);
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
    --of_site_[taken.site].waiting;
  }
  taken.start(Place(*this, holder));
  return true;
}

bool TransferGate::MayHold(const std::string& site) const {
  if (num_counted_ >= places_) return false;
  const auto found = of_site_.find(site);
  if (found == of_site_.end()) return true;
  return found->second.counted < places_of_a_site_ &&
         found->second.held < kStandingStill * places_of_a_site_;
}

TransferGate::Holders::iterator TransferGate::Hold(const std::string& site) {
  ++num_counted_;
  OfSite& of_site = of_site_[site];
  ++of_site.counted;
  ++of_site.held;
  return holders_.insert(holders_.end(), {site, clock_.Now()});
}

void TransferGate::StopCounting(Holder& holder) {
  if (!std::exchange(holder.counts, false)) return;
  --num_counted_;
  --of_site_.at(holder.site).counted;
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
