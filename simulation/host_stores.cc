#include "simulation/host_stores.h"

namespace skerry::simulation {
namespace {

// A write-ahead log is written back, and synced, once it has grown to so many commits.
constexpr std::size_t kLogCommits = 16;

}  // namespace

Status HostJournal::Commit(const storage::WriteBatch& batch) {
  SKERRY_RETURN_IF_ERROR(BeginStep(troubles_, *life_));
  if (troubles_.full) return NoRoom("writing the journal");
  SKERRY_RETURN_IF_ERROR(journal_.Commit(batch));
  for (const storage::Record& record : batch) {
    if (const auto* event = std::get_if<storage::EventRecord>(&record)) heard_(*event);
  }
  return BeginStep(troubles_, *life_);  // between the commit and what follows it
}

void DurableClientStore::Commit(const std::vector<storage::ClientRecord>& records) {
  static_cast<void>(all_.Commit(records).ok());
  if (!may_lose_power_) return;
  unsynced_.push_back(records);
  if (unsynced_.size() < kLogCommits && !storage::HasSiteState(records)) return;
  synced_ = all_;
  unsynced_.clear();
}

void DurableClientStore::LosePower(RandomStream& chance) {
  unsynced_.resize(chance.Below(unsynced_.size() + 1));
  for (const Batch& batch : unsynced_) static_cast<void>(synced_.Commit(batch).ok());
  unsynced_.clear();
  all_ = synced_;
}

Status HostClientStore::Commit(const std::vector<storage::ClientRecord>& records) {
  SKERRY_RETURN_IF_ERROR(BeginStep(troubles_, *life_));
  if (troubles_.full) return NoRoom("writing the client's store");
  store_.Commit(records);
  return BeginStep(troubles_, *life_);
}

}  // namespace skerry::simulation
