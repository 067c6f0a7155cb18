#pragma once

#include <string>
#include <vector>

#include "skerry/v1/admin.pb.h"

// What the commands print: text for people, JSON for programs (docs/cli.md lists the fields).
namespace skerry::cli {

enum class Format { kText, kJson };

// `width`: of a line, in characters; what does not fit is wrapped, or elided where another command
// shows it. 0: no limit.
std::string RunsText(const std::vector<v1::RunSummary>& runs, int width = 0);
std::string RunsJson(const std::vector<v1::RunSummary>& runs);
std::string RunText(const v1::ShowRunReply& run, int width = 0);
std::string RunJson(const v1::ShowRunReply& run);
std::string RunSummaryJson(const v1::RunSummary& run);
// What the submitter should know: who takes part, and who of them is not there.
std::string SubmittedText(const v1::SubmitRunReply& reply);
std::string SubmittedJson(const v1::SubmitRunReply& reply);
// One line, for `run watch` and `run wait`.
std::string WatchJson(const v1::WatchRunReply& reply);
// What a command wrote where.
std::string FilesJson(const std::string& run_id, const std::vector<std::string>& files);
std::string ModelJson(const std::string& file, const v1::ModelRef& model,
                      const std::string& sha256);
std::string SitesText(const std::vector<v1::SiteSummary>& sites, int64_t now_unix_ms,
                      int width = 0);
std::string SitesJson(const std::vector<v1::SiteSummary>& sites);

// "round 12 of 50".
std::string RoundLabel(const v1::RunSummary& run);
// The federation's metrics of a round on one line: "test.auc 0.7712  test.log_loss 0.4321".
std::string MetricsLine(const v1::RoundSummary& round);
// The same behind where the round stands when its number does not say it: "tree 3 of 100".
std::string ProgressLine(const v1::RoundSummary& round);

// One row a round: round, model version, seconds, sites counted, and a column for each metric of
// the federation. RFC 4180, numbers so that they read back exactly.
std::string RoundsCsv(const std::vector<v1::RoundSummary>& rounds);
// The learning curves of a run as an SVG picture: one panel for each metric, over model versions.
std::string RoundsSvg(const std::string& title, const std::vector<v1::RoundSummary>& rounds);

}  // namespace skerry::cli
