#include "cli/output.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"
#include "base/time.h"
#include "cli/render/curve_svg.h"
#include "cli/render/table.h"
#include "cli/treatments.h"

namespace skerry::cli {
namespace {

std::string TimeText(int64_t unix_ms) { return unix_ms == 0 ? "-" : FormatWallTime({unix_ms}); }

std::string SiteState(const v1::SiteInRound& site) {
  if (site.total() <= 0) return site.state();
  if (site.state() == "submitting") {
    return "submitting(" + std::to_string(site.done() * 100 / site.total()) + "%)";
  }
  return site.state() + "(" + std::to_string(site.done()) + "/" + std::to_string(site.total()) +
         ")";
}

std::string StateLine(const v1::RunSummary& run) {
  std::string text = run.state();
  if (!run.reason().empty()) text += " (" + run.reason() + ")";
  return text;
}

bool IsOver(const v1::RoundSummary& round) {
  return round.phase() == "committed" || round.phase() == "abandoned";
}

// "a, b, c and 5 more".
std::string NamesOf(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 6;
  const std::size_t shown = std::min(kMost, names.size());
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(shown);
  std::string text = Join(std::vector<std::string>(names.begin(), end), ", ");
  if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

// "north late: not finished in time; south, west lost: ...": who was invited and not counted.
std::string Absences(const v1::RoundSummary& round) {
  std::vector<std::string> kinds;
  std::map<std::string, std::vector<std::string>> by_kind;
  for (const v1::SiteInRound& site : round.sites()) {
    // While the round is under way, whoever is at work may still be counted.
    const bool missed = IsOver(round) || site.state() == "lost" || site.state() == "failed";
    if (site.counted() || !missed) continue;
    const std::string kind = site.state() + (site.reason().empty() ? "" : ": " + site.reason());
    if (!by_kind.contains(kind)) kinds.push_back(kind);
    by_kind[kind].push_back(site.site());
  }
  std::vector<std::string> parts;
  parts.reserve(kinds.size());
  for (const std::string& kind : kinds) parts.push_back(NamesOf(by_kind[kind]) + " " + kind);
  return Join(parts, "; ");
}

// How many results count, or have come so far.
std::string Results(const v1::RoundSummary& round) {
  const bool committed = round.phase() == "committed";
  const auto count =
      std::count_if(round.sites().begin(), round.sites().end(), [&](const v1::SiteInRound& site) {
        return committed ? site.counted() : site.state() == "reported";
      });
  return std::to_string(count) + "/" + std::to_string(round.sites_size());
}

std::vector<const v1::Metric*> FederationMetrics(const v1::RoundSummary& round) {
  std::vector<const v1::Metric*> metrics;
  for (const v1::Metric& metric : round.metrics()) {
    if (metric.site().empty()) metrics.push_back(&metric);
  }
  return metrics;
}

std::string VersionsAgo(int64_t staleness) {
  if (staleness == 0) return "-";
  return std::to_string(staleness) + (staleness == 1 ? " version" : " versions");
}

// Of an asynchronous round: how old the version is that the oldest counted update began with.
std::string OldestCounted(const v1::RoundSummary& round) {
  int64_t oldest = 0;
  for (const v1::SiteInRound& site : round.sites()) {
    if (site.counted()) oldest = std::max(oldest, site.staleness());
  }
  return VersionsAgo(oldest);
}

std::string RoundsTable(const v1::ShowRunReply& run, int width) {
  const bool asynchronous = run.run().buffer() > 0;
  std::vector<std::string> columns = {"round", "kind", "phase", "results", "seconds"};
  if (asynchronous) columns.emplace_back("oldest");
  columns.emplace_back("metrics of the model it began with");
  columns.emplace_back("not counted");
  Table table(columns);
  for (const v1::RoundSummary& round : run.rounds()) {
    std::string label = std::to_string(round.round());
    if (round.attempt() > 1) label += "." + std::to_string(round.attempt());
    // Why it was abandoned says who was missing, too; and often stands in the first lines.
    std::string note = round.reason().empty() ? Absences(round) : round.reason();
    if (!round.reason().empty() && run.run().reason().ends_with(round.reason())) {
      note = "the reason above";
    }
    std::vector<std::string> row = {label, round.kind(), round.phase(), Results(round),
                                    FormatFixed(round.seconds(), 2)};
    if (asynchronous) row.push_back(OldestCounted(round));
    row.push_back(MetricsLine(round));
    row.push_back(note);
    table.Add(row);
  }
  return table.empty() ? "" : "\n" + table.ToString(width, Overflow::kElide);
}

// A line with its name, wrapped below itself.
std::string Field(const std::string& name, const std::string& value, int width) {
  constexpr std::size_t kIndent = 9;
  std::string text = name + std::string(kIndent - name.size(), ' ');
  bool first = true;
  const int room = width > 0 ? std::max(width, 40) - static_cast<int>(kIndent) : 0;
  for (const std::string& line : Wrap(Printable(value), room)) {
    text += (std::exchange(first, false) ? "" : std::string(kIndent, ' ')) + line + "\n";
  }
  return text;
}

// "round 12 of 50, now in round 13 (training, attempt 2)".
std::string WhereItIs(const v1::RunSummary& run) {
  std::string text = RoundLabel(run);
  if (run.phase().empty()) return text;
  text += run.current_round() > run.num_rounds()
              ? ", now in the evaluation at its end"
              : ", now in round " + std::to_string(run.current_round());
  text += " (" + run.phase();
  if (run.attempt() > 1) text += ", attempt " + std::to_string(run.attempt());
  return text + ")";
}

}  // namespace

std::string RunsText(const std::vector<v1::RunSummary>& runs, int width) {
  if (runs.empty()) return "no runs yet; begin one with: skerry run submit run.toml\n";
  Table table({"run", "state", "round", "created", "ended", "reason"});
  for (const v1::RunSummary& run : runs) {
    table.Add({run.run_id(), run.state(),
               std::to_string(std::min(run.round(), run.num_rounds())) + "/" +
                   std::to_string(run.num_rounds()),
               TimeText(run.created_unix_ms()), TimeText(run.ended_unix_ms()), run.reason()});
  }
  return table.ToString(width, Overflow::kElide);
}

std::string SubmittedText(const v1::SubmitRunReply& reply) {
  constexpr int kFew = 12;
  const std::vector<std::string> names(reply.sites().begin(), reply.sites().end());
  std::string text = "submitted; sites: ";
  text += reply.sites_size() <= kFew ? Join(names, ", ") : NamesOf(names);
  text += "\n";
  for (const std::string& warning : reply.warnings()) text += "warning: " + warning + "\n";
  constexpr uint64_t kWorthMentioning = 1'000'000'000;
  if (reply.disk_bytes() >= kWorthMentioning) {
    text += "needs up to " + FormatBytes(reply.disk_bytes()) + " on the coordinator's disk\n";
  }
  if (reply.not_connected().empty()) return text;
  std::vector<std::string> away;
  for (const v1::SiteSummary& site : reply.not_connected()) {
    away.push_back(site.site() + (site.last_seen_unix_ms() == 0
                                      ? " (has never connected)"
                                      : " (last seen " + TimeText(site.last_seen_unix_ms()) + ")"));
  }
  text += "warning: not connected now: " + NamesOf(away) + "; ";
  text += reply.waits_for_them()
              ? "the run waits for them\n"
              : "each round waits for them, at most " +
                    FormatDuration(std::chrono::milliseconds(reply.join_wait_ms())) + "\n";
  return text +
         "hint: to leave sites out, stop the run and list the others in its file: "
         "[participation] sites = [...]\n";
}

std::string RunText(const v1::ShowRunReply& run, int width) {
  const v1::RunSummary& summary = run.run();
  std::string text =
      Field("run", summary.run_id(), width) + Field("state", StateLine(summary), width);
  if (!summary.hint().empty()) text += Field("next", summary.hint(), width);
  text += Field("round", WhereItIs(summary), width);
  text +=
      Field("model",
            summary.model_version() < 0 ? "none yet"
                                        : "version " + std::to_string(summary.model_version()) +
                                              ", " + HexEncode(summary.model_hash()).substr(0, 16),
            width);
  const bool asynchronous = summary.buffer() > 0;
  if (asynchronous && !summary.phase().empty()) {
    text += Field("buffer",
                  std::to_string(summary.buffered()) + " of " + std::to_string(summary.buffer()) +
                      " updates are here for the next version",
                  width);
  }
  text += Field("created", TimeText(summary.created_unix_ms()), width);
  text += Field("ended", TimeText(summary.ended_unix_ms()), width) + "\n";
  std::vector<std::string> columns = {"site", "state", "examples", "sent"};
  if (asynchronous) columns.emplace_back("behind");
  columns.emplace_back("reason");
  Table sites(columns);
  for (const v1::SiteInRound& site : run.sites()) {
    std::vector<std::string> row = {
        site.site(), SiteState(site),
        site.num_examples() > 0 ? FormatCount(site.num_examples()) : "-",
        site.bytes_up() > 0 ? FormatBytes(site.bytes_up()) : "-"};
    if (asynchronous) row.push_back(VersionsAgo(site.staleness()));
    row.push_back(site.reason());
    sites.Add(row);
  }
  return text + sites.ToString(width) + RoundsTable(run, width) + TreatmentTable(run, width);
}

std::string SitesText(const std::vector<v1::SiteSummary>& sites, int64_t now_unix_ms, int width) {
  if (sites.empty())
    return "no site has connected yet; start one with: skerry-client --config agent.toml\n";
  Table table({"site", "state", "last seen", "version", "certificate", "data sources", "reason"});
  for (const v1::SiteSummary& site : sites) {
    std::string expiry = "-";
    if (site.certificate_expires_unix() > 0) {
      const int64_t seconds = site.certificate_expires_unix() - now_unix_ms / 1000;
      expiry = seconds < 0 ? "expired" : std::to_string(seconds / 86400) + " days left";
    }
    table.Add(
        {site.site(), site.state(), TimeText(site.last_seen_unix_ms()), site.version(), expiry,
         Join(std::vector<std::string>(site.data_sources().begin(), site.data_sources().end()),
              ", "),
         site.reason()});
  }
  return table.ToString(width);
}

std::string RoundLabel(const v1::RunSummary& run) {
  return "round " + std::to_string(std::min(run.round(), run.num_rounds())) + " of " +
         std::to_string(run.num_rounds());
}

std::string ProgressLine(const v1::RoundSummary& round) {
  std::string metrics = MetricsLine(round);
  // The kinds of rounds are single words.
  if (round.kind().find(' ') == std::string::npos) return metrics;
  return round.kind() + (metrics.empty() ? "" : "  " + metrics);
}

std::string MetricsLine(const v1::RoundSummary& round) {
  std::vector<std::string> parts;
  for (const v1::Metric* metric : FederationMetrics(round)) {
    parts.push_back(metric->name() + " " + FormatFixed(metric->value(), 4));
  }
  return Join(parts, "  ");
}

std::string RoundsCsv(const std::vector<v1::RoundSummary>& rounds) {
  std::set<std::string> names;
  for (const v1::RoundSummary& round : rounds) {
    for (const v1::Metric* metric : FederationMetrics(round)) names.insert(metric->name());
  }
  std::string csv = "round,kind,base_version,model_version,sites_counted,seconds";
  for (const std::string& name : names) csv += "," + name;
  csv += "\n";
  for (const v1::RoundSummary& round : rounds) {
    if (round.phase() != "committed") continue;
    const auto counted = std::count_if(round.sites().begin(), round.sites().end(),
                                       [](const v1::SiteInRound& site) { return site.counted(); });
    csv += std::to_string(round.round()) + "," + round.kind() + "," +
           std::to_string(round.base_version()) + "," + std::to_string(round.model_version()) +
           "," + std::to_string(counted) + "," + FormatExact(round.seconds());
    std::map<std::string, double> values;
    for (const v1::Metric* metric : FederationMetrics(round))
      values[metric->name()] = metric->value();
    for (const std::string& name : names) {
      csv += ",";
      if (values.contains(name)) csv += FormatExact(values[name]);
    }
    csv += "\n";
  }
  return csv;
}

std::string RoundsSvg(const std::string& title, const std::vector<v1::RoundSummary>& rounds) {
  // "test.auc" and "validation.auc" share the panel "auc".
  std::map<std::string, std::map<std::string, Series>> panels;
  for (const v1::RoundSummary& round : rounds) {
    if (round.phase() != "committed") continue;
    for (const v1::Metric* metric : FederationMetrics(round)) {
      const std::size_t dot = metric->name().find('.');
      const std::string split = metric->name().substr(0, dot);
      std::string what = metric->name().substr(dot + 1);
      // The loss that training reports belongs beside the loss on held-out rows.
      if (metric->name() == "train.loss") what = "log_loss";
      Series& series = panels[what][split];
      series.name = split;
      // Training's own loss describes the round; held-out metrics the model it began with.
      const int64_t x = split == "train" ? round.round() : round.base_version();
      series.points.emplace_back(static_cast<double>(x), metric->value());
    }
  }
  std::vector<Panel> drawn;
  for (auto& [what, by_split] : panels) {
    Panel panel;
    panel.title = what;
    panel.x_label = "model version (round)";
    for (auto& [split, series] : by_split) panel.series.push_back(std::move(series));
    drawn.push_back(std::move(panel));
  }
  return RenderCurves(title, drawn);
}

}  // namespace skerry::cli
