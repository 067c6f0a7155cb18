#include "storage/client_store.h"

#include <algorithm>

namespace skerry::storage {

bool HasSiteState(const std::vector<ClientRecord>& records) {
  return std::any_of(records.begin(), records.end(), [](const ClientRecord& record) {
    const auto* task = std::get_if<ClientTask>(&record);
    return std::holds_alternative<SiteState>(record) ||
           (task != nullptr && task->next_state && task->state == ClientTask::State::kFinished);
  });
}

}  // namespace skerry::storage
