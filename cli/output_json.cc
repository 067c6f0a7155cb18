#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/time.h"
#include "cli/output.h"

// The JSON of cli/output.h.
namespace skerry::cli {
namespace {

using Json = nlohmann::ordered_json;

Json TimeJson(int64_t unix_ms) {
  return unix_ms == 0 ? Json(nullptr) : Json(FormatWallTime({unix_ms}));
}

// Whatever bytes are in it, the text is JSON.
std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json ToJson(const v1::RunSummary& run) {
  Json json = {{"run", run.run_id()},
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
  if (run.buffer() > 0) {
    json["buffer"] = run.buffer();
    json["buffered"] = run.buffered();
  }
  return json;
}

Json ToJson(const v1::Treatment& treatment) {
  Json json = Json::object();
  if (treatment.has_norm()) json["norm"] = treatment.norm();
  if (treatment.has_factor()) json["factor"] = treatment.factor();
  if (treatment.has_selected()) json["selected"] = treatment.selected();
  if (treatment.has_score()) json["score"] = treatment.score();
  if (treatment.has_trimmed()) json["trimmed"] = treatment.trimmed();
  if (treatment.has_share()) json["share"] = treatment.share();
  return json;
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
  if (site.has_treatment()) json["treatment"] = ToJson(site.treatment());
  if (site.staleness() > 0) json["staleness"] = site.staleness();
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

}  // namespace

std::string RunsJson(const std::vector<v1::RunSummary>& runs) {
  Json list = Json::array();
  for (const v1::RunSummary& run : runs) list.push_back(ToJson(run));
  return Dump({{"runs", std::move(list)}});
}

std::string RunSummaryJson(const v1::RunSummary& run) { return Dump(ToJson(run)); }

std::string SubmittedJson(const v1::SubmitRunReply& reply) {
  Json json = ToJson(reply.run());
  json["roster"] = std::vector<std::string>(reply.sites().begin(), reply.sites().end());
  json["not_connected"] = Json::array();
  for (const v1::SiteSummary& site : reply.not_connected()) {
    json["not_connected"].push_back(
        {{"site", site.site()}, {"last_seen", TimeJson(site.last_seen_unix_ms())}});
  }
  json["disk_bytes"] = reply.disk_bytes();
  json["warnings"] = std::vector<std::string>(reply.warnings().begin(), reply.warnings().end());
  return Dump(json);
}

std::string WatchJson(const v1::WatchRunReply& reply) {
  Json json = ToJson(reply.run());
  json["metrics"] = Json::array();
  for (const v1::Metric& metric : reply.last_round().metrics()) {
    if (metric.site().empty()) json["metrics"].push_back(ToJson(metric));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
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

std::string FilesJson(const std::string& run_id, const std::vector<std::string>& files) {
  return Dump({{"run", run_id}, {"files", files}});
}

std::string ModelJson(const std::string& file, const v1::ModelRef& model,
                      const std::string& sha256) {
  return Dump({{"file", file},
               {"run", model.run_id()},
               {"version", model.version()},
               {"size_bytes", model.size_bytes()},
               {"sha256", sha256}});
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

}  // namespace skerry::cli
