#include "cli/output.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "base/time.h"
#include "cli/render/curve_svg.h"
#include "cli/render/table.h"

namespace skerry::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string TimeText(int64_t unix_ms) { return unix_ms == 0 ? "-" : FormatWallTime({unix_ms}); }

Json TimeJson(int64_t unix_ms) {
  return unix_ms == 0 ? Json(nullptr) : Json(FormatWallTime({unix_ms}));
}

// Whatever bytes are in it, the text is JSON.
std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json ToJson(const v1::RunSummary& run) {
  return {{"run", run.run_id()},
          {"name", run.name()},
          {"state", run.state()},
          {"reason", run.reason()},
          {"hint", run.hint()},
          {"round", run.round()},
          {"num_rounds", run.num_rounds()},
          {"current_round", run.current_round()},
          {"attempt", run.attempt()},
          {"phase", run.phase()},
          {"model_version", run.model_version()},
          {"model_hash", HexEncode(run.model_hash())},
          {"created", TimeJson(run.created_unix_ms())},
          {"ended", TimeJson(run.ended_unix_ms())}};
}

Json ToJson(const v1::SiteInRound& site) {
  Json json = {{"site", site.site()}, {"state", site.state()}, {"reason", site.reason()}};
  if (site.total() > 0) {
    json["done"] = site.done();
    json["total"] = site.total();
  }
  if (site.task_id() > 0) json["task"] = site.task_id();
  if (site.num_examples() > 0) json["num_examples"] = site.num_examples();
  if (site.bytes_up() > 0) json["bytes_up"] = site.bytes_up();
  json["counted"] = site.counted();
  return json;
}

Json ToJson(const v1::Metric& metric) {
  Json json = {{"name", metric.name()},
               {"value", metric.value()},
               {"num_examples", metric.num_examples()},
               {"num_positive", metric.num_positive()}};
  if (!metric.site().empty()) json["site"] = metric.site();
  return json;
}

Json ToJson(const v1::RoundSummary& round) {
  Json json = {{"round", round.round()},
               {"attempt", round.attempt()},
               {"kind", round.kind()},
               {"phase", round.phase()},
               {"reason", round.reason()},
               {"base_version", round.base_version()},
               {"model_version", round.model_version()},
               {"model_hash", HexEncode(round.model_hash())},
               {"started", TimeJson(round.started_unix_ms())},
               {"ended", TimeJson(round.ended_unix_ms())},
               {"seconds", round.seconds()},
               {"sites", Json::array()},
               {"metrics", Json::array()}};
  for (const v1::SiteInRound& site : round.sites()) json["sites"].push_back(ToJson(site));
  for (const v1::Metric& metric : round.metrics()) json["metrics"].push_back(ToJson(metric));
  return json;
}

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
  if (!run.reason().empty()) text += " (" + Printable(run.reason()) + ")";
  return text;
}

// "north late: not finished in time; south lost: ...": who was invited and not counted.
std::string Absences(const v1::RoundSummary& round) {
  std::vector<std::string> parts;
  for (const v1::SiteInRound& site : round.sites()) {
    if (site.counted() || round.phase() == "training") continue;
    parts.push_back(site.site() + " " + site.state() +
                    (site.reason().empty() ? "" : ": " + site.reason()));
  }
  return Join(parts, "; ");
}

std::vector<const v1::Metric*> FederationMetrics(const v1::RoundSummary& round) {
  std::vector<const v1::Metric*> metrics;
  for (const v1::Metric& metric : round.metrics()) {
    if (metric.site().empty()) metrics.push_back(&metric);
  }
  return metrics;
}

std::string RoundsTable(const v1::ShowRunReply& run) {
  Table table({"round", "kind", "phase", "counted", "seconds", "metrics of the model it began with",
               "not counted"});
  for (const v1::RoundSummary& round : run.rounds()) {
    const auto counted = std::count_if(round.sites().begin(), round.sites().end(),
                                       [](const v1::SiteInRound& site) { return site.counted(); });
    std::string label = std::to_string(round.round());
    if (round.attempt() > 1) label += "." + std::to_string(round.attempt());
    std::string note = Absences(round);
    if (!round.reason().empty()) note = round.reason() + (note.empty() ? "" : "; " + note);
    table.Add({label, round.kind(), round.phase(),
               std::to_string(counted) + "/" + std::to_string(round.sites_size()),
               FormatFixed(round.seconds(), 2), MetricsLine(round), note});
  }
  return table.empty() ? "" : "\n" + table.ToString();
}

}  // namespace

std::string RunsText(const std::vector<v1::RunSummary>& runs) {
  if (runs.empty()) return "no runs yet; begin one with: skerry run submit run.toml\n";
  Table table({"run", "state", "round", "created", "ended", "reason"});
  for (const v1::RunSummary& run : runs) {
    table.Add({run.run_id(), run.state(),
               std::to_string(std::min(run.round(), run.num_rounds())) + "/" +
                   std::to_string(run.num_rounds()),
               TimeText(run.created_unix_ms()), TimeText(run.ended_unix_ms()), run.reason()});
  }
  return table.ToString();
}

std::string RunsJson(const std::vector<v1::RunSummary>& runs) {
  Json list = Json::array();
  for (const v1::RunSummary& run : runs) list.push_back(ToJson(run));
  return Dump({{"runs", std::move(list)}});
}

std::string RunSummaryJson(const v1::RunSummary& run) { return Dump(ToJson(run)); }

std::string RunText(const v1::ShowRunReply& run) {
  const v1::RunSummary& summary = run.run();
  std::string text =
      "run      " + Printable(summary.run_id()) + "\nstate    " + StateLine(summary) + "\n";
  if (!summary.hint().empty()) text += "next     " + Printable(summary.hint()) + "\n";
  text += "round    " + RoundLabel(summary);
  if (!summary.phase().empty()) {
    text += ", now in round " + std::to_string(summary.current_round()) + " (" + summary.phase();
    if (summary.attempt() > 1) text += ", attempt " + std::to_string(summary.attempt());
    text += ")";
  }
  text += "\nmodel    ";
  text += summary.model_version() < 0 ? "none yet"
                                      : "version " + std::to_string(summary.model_version()) +
                                            ", " + HexEncode(summary.model_hash()).substr(0, 16);
  text += "\ncreated  " + TimeText(summary.created_unix_ms()) + "\nended    " +
          TimeText(summary.ended_unix_ms()) + "\n\n";
  Table sites({"site", "state", "examples", "sent", "reason"});
  for (const v1::SiteInRound& site : run.sites()) {
    sites.Add({site.site(), SiteState(site),
               site.num_examples() > 0 ? FormatCount(site.num_examples()) : "-",
               site.bytes_up() > 0 ? FormatBytes(site.bytes_up()) : "-", site.reason()});
  }
  return text + sites.ToString() + RoundsTable(run);
}

std::string RunJson(const v1::ShowRunReply& run) {
  Json json = ToJson(run.run());
  json["roster"] = std::vector<std::string>(run.roster().begin(), run.roster().end());
  json["sites"] = Json::array();
  for (const v1::SiteInRound& site : run.sites()) json["sites"].push_back(ToJson(site));
  json["rounds"] = Json::array();
  for (const v1::RoundSummary& round : run.rounds()) json["rounds"].push_back(ToJson(round));
  json["run_file"] = run.run_file();
  return Dump(json);
}

std::string SitesText(const std::vector<v1::SiteSummary>& sites, int64_t now_unix_ms) {
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
  return table.ToString();
}

std::string SitesJson(const std::vector<v1::SiteSummary>& sites) {
  Json list = Json::array();
  for (const v1::SiteSummary& site : sites) {
    list.push_back({{"site", site.site()},
                    {"state", site.state()},
                    {"reason", site.reason()},
                    {"version", site.version()},
                    {"first_seen", TimeJson(site.first_seen_unix_ms())},
                    {"last_seen", TimeJson(site.last_seen_unix_ms())},
                    {"certificate_expires", TimeJson(site.certificate_expires_unix() * 1000)},
                    {"data_sources", std::vector<std::string>(site.data_sources().begin(),
                                                              site.data_sources().end())},
                    {"session", site.epoch()}});
  }
  return Dump({{"sites", std::move(list)}});
}

std::string RoundLabel(const v1::RunSummary& run) {
  return "round " + std::to_string(std::min(run.round(), run.num_rounds())) + " of " +
         std::to_string(run.num_rounds());
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
