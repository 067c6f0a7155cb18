#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "storage/client_store.h"

namespace skerry::storage {

// A client's memory in a simulation or a test. Its commits never fail.
class MemoryClientStore final : public ClientStore {
 public:
  Result<ClientSnapshot> Load() override;
  Status Commit(const std::vector<ClientRecord>& records) override;

 private:
  std::string coordinator_id_;
  std::map<int64_t, ClientTask> tasks_;
  std::map<std::string, SiteState> states_;
};

}  // namespace skerry::storage
