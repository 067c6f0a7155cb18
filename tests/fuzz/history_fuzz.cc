#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "coordinator/history.h"

// Any bytes may be given as a history to replay. What is taken for one can be exported and read
// again.
namespace skerry::coordinator {
namespace {

void Try(std::string_view text) {
  const Result<Participants> history = ParseHistory(text, "fuzz.json");
  if (!history.ok()) {
    SKERRY_CHECK(history.status().code() == Code::kInvalidArgument);
    SKERRY_CHECK(history.status().message().starts_with("fuzz.json: "));
    return;
  }
  std::vector<storage::RoundRecord> rounds;
  std::vector<storage::TaskRecord> tasks;
  for (const auto& [number, sites] : *history) {
    SKERRY_CHECK(number >= 0 && !sites.empty());
    SKERRY_CHECK(std::is_sorted(sites.begin(), sites.end()));
    rounds.emplace_back().round = number;
    rounds.back().phase = "committed";
    for (const Participant& participant : sites) {
      tasks.emplace_back().round = number;
      tasks.back().site = participant.site;
      tasks.back().base_version = participant.base_version;
      tasks.back().outcome = storage::Outcome::kCounted;
    }
  }
  const auto again = ParseHistory(HistoryToJson(storage::RunRecord(), rounds, tasks), "again");
  SKERRY_CHECK(again.ok() && *again == *history);
}

}  // namespace
}  // namespace skerry::coordinator

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size) {
  skerry::coordinator::Try({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
