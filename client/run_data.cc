#include "client/run_data.h"

#include <utility>

namespace skerry::client {

RunDataCache::Lease::Lease(RunDataCache& cache, std::string run, std::unique_ptr<RunData> data)
    : cache_(&cache), run_(std::move(run)), data_(std::move(data)) {}

RunDataCache::Lease::~Lease() {
  if (data_ != nullptr) cache_->GiveBack(run_, std::move(data_));
}

Result<RunDataCache::Lease> RunDataCache::Take(const std::string& run, std::stop_token stop) {
  const std::stop_callback wake(stop, [this] {
    MutexLock lock(mutex_);
    given_back_.NotifyAll();
  });
  MutexLock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto found = entries_.find(run);
    if (found == entries_.end()) {
      MakeRoom();  // before the rows are read: memory holds no more than it must
      entries_[run].last_use = ++uses_;
      return Lease(*this, run, std::make_unique<RunData>());
    }
    Entry& entry = found->second;
    if (entry.data != nullptr) {
      entry.last_use = ++uses_;
      return Lease(*this, run, std::move(entry.data));
    }
    given_back_.Wait(mutex_);
  }
  return Cancelled("it was stopped before it began");
}

template <class T>
std::size_t RunModel<T>::num_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [part, dataset] : datasets) {
    bytes += (dataset.features.capacity() + dataset.labels.capacity()) * sizeof(T);
  }
  return bytes;
}

std::size_t RunData::num_bytes() const {
  const std::size_t raw = data == nullptr ? 0 : data->num_bytes();
  return raw + f32.num_bytes() + f64.num_bytes();
}

std::size_t RunDataCache::IdleBytes() const {
  std::size_t bytes = 0;
  for (const auto& [run, entry] : entries_) {
    if (entry.data != nullptr) bytes += entry.data->num_bytes();
  }
  return bytes;
}

// The run whose last task began the longest ago goes.
void RunDataCache::MakeRoom() {
  while (entries_.size() >= max_runs_ && IdleBytes() > kept_bytes_) {
    auto oldest = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      const bool idle = entry->second.data != nullptr;
      if (!idle) continue;
      if (oldest == entries_.end() || entry->second.last_use < oldest->second.last_use) {
        oldest = entry;
      }
    }
    if (oldest == entries_.end()) return;  // all are in use
    entries_.erase(oldest);
  }
}

void RunDataCache::GiveBack(const std::string& run, std::unique_ptr<RunData> data) {
  MutexLock lock(mutex_);
  if (data->data == nullptr) {
    entries_.erase(run);
  } else {
    entries_[run].data = std::move(data);
  }
  given_back_.NotifyAll();
}

}  // namespace skerry::client
