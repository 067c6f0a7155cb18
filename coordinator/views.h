#pragma once

#include <span>
#include <string>
#include <vector>

#include "learning/aggregator.h"
#include "learning/metrics.h"
#include "skerry/v1/admin.pb.h"
#include "storage/records.h"

// Journal records and live state as the messages that operators see.
namespace skerry::coordinator {

class Run;

// A round's metrics, and what the rule did to the counted sites (if it is to be told).
std::string SerializeRound(const std::vector<learning::Metric>& metrics,
                           const std::vector<std::string>& sites,
                           const std::vector<learning::Treatment>& treatments);
std::string SerializeMetrics(const std::vector<learning::Metric>& metrics);
std::vector<learning::Metric> ParseMetrics(const std::string& serialized);

v1::RunSummary Summarize(const Run& run);
// kBroken: it has no connection, and is not lost before its grace has passed.
enum class SitePresence { kNeverSeen, kAway, kBroken, kConnected };
inline constexpr std::string_view kBrokenReason = "no connection; waiting for it to come back";
// The sites of a run in the round under way, every one of the roster.
std::vector<v1::SiteInRound> SitesOf(const Run& run, const std::vector<SitePresence>& presence);
// A round as the journal has it, with its tasks (of that round and attempt or before).
v1::RoundSummary Summarize(const storage::RoundRecord& round,
                           std::span<const storage::TaskRecord> tasks);

}  // namespace skerry::coordinator
