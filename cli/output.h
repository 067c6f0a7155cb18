#pragma once

#include <string>
#include <vector>

#include "skerry/v1/admin.pb.h"

// What the commands print: text for people, JSON for programs (docs/cli.md lists the fields).
namespace skerry::cli {

enum class Format { kText, kJson };

std::string RunsText(const std::vector<v1::RunSummary>& runs);
std::string RunsJson(const std::vector<v1::RunSummary>& runs);
std::string RunText(const v1::ShowRunReply& run);
std::string RunJson(const v1::ShowRunReply& run);
std::string RunSummaryJson(const v1::RunSummary& run);
std::string SitesText(const std::vector<v1::SiteSummary>& sites, int64_t now_unix_ms);
std::string SitesJson(const std::vector<v1::SiteSummary>& sites);

// "round 12 of 50".
std::string RoundLabel(const v1::RunSummary& run);
// The federation's metrics of a round on one line: "test.auc 0.7712  test.log_loss 0.4321".
std::string MetricsLine(const v1::RoundSummary& round);

// One row a round: round, model version, seconds, sites counted, and a column for each metric of
// the federation. RFC 4180, numbers so that they read back exactly.
std::string RoundsCsv(const std::vector<v1::RoundSummary>& rounds);
// The learning curves of a run as an SVG picture: one panel for each metric, over model versions.
std::string RoundsSvg(const std::string& title, const std::vector<v1::RoundSummary>& rounds);

}  // namespace skerry::cli
