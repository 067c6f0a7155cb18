#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/random.h"
#include "simulation/host_files.h"
#include "storage/client_store.h"
#include "storage/journal.h"
#include "storage/memory_client_store.h"

namespace skerry::simulation {

// The coordinator's journal as one process writes it: a commit that returns is durable, one in
// which the process dies may be there or not, and a full disk takes nothing.
class HostJournal final : public storage::Journal {
 public:
  // `heard` is told each event that was committed.
  HostJournal(storage::Journal& journal, const DiskTroubles& troubles,
              std::shared_ptr<const Life> life,
              std::function<void(const storage::EventRecord&)> heard)
      : journal_(journal), troubles_(troubles), life_(std::move(life)), heard_(std::move(heard)) {}
  Status Commit(const storage::WriteBatch& batch) override;

 private:
  storage::Journal& journal_;
  const DiskTroubles& troubles_;
  const std::shared_ptr<const Life> life_;
  const std::function<void(const storage::EventRecord&)> heard_;
};

// A client's store on a disk: commits survive the process; a power loss, where there may be one,
// may take the newest of them.
class DurableClientStore {
 public:
  explicit DurableClientStore(bool may_lose_power) : may_lose_power_(may_lose_power) {}

  Result<storage::ClientSnapshot> Load() { return all_.Load(); }
  void Commit(const std::vector<storage::ClientRecord>& records);
  void LosePower(RandomStream& chance);

 private:
  using Batch = std::vector<storage::ClientRecord>;
  const bool may_lose_power_;
  storage::MemoryClientStore synced_;
  std::vector<Batch> unsynced_;  // oldest first
  storage::MemoryClientStore all_;
};

// The same as one process uses it.
class HostClientStore final : public storage::ClientStore {
 public:
  HostClientStore(DurableClientStore& store, const DiskTroubles& troubles,
                  std::shared_ptr<const Life> life)
      : store_(store), troubles_(troubles), life_(std::move(life)) {}
  Result<storage::ClientSnapshot> Load() override { return store_.Load(); }
  Status Commit(const std::vector<storage::ClientRecord>& records) override;

 private:
  DurableClientStore& store_;
  const DiskTroubles& troubles_;
  const std::shared_ptr<const Life> life_;
};

}  // namespace skerry::simulation
