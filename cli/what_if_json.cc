#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/what_if.h"
#include "cli/what_if_numbers.h"
#include "crypto/sha256.h"

namespace skerry::cli {
namespace {

using simulation::RoundMark;
using simulation::SimulationResult;
using simulation::SiteLane;
using simulation::Timeline;
using Json = nlohmann::ordered_json;

template <class What>
Json SpansToJson(const std::vector<simulation::Span<What>>& spans) {
  Json list = Json::array();
  for (const auto& span : spans) {
    Json json = {{"from", ToSeconds(span.from)}, {"to", ToSeconds(span.to)}};
    if constexpr (!std::is_same_v<What, bool>) json["what"] = std::string(Name(span.what));
    list.push_back(std::move(json));
  }
  return list;
}

Json ToJson(const SiteLane& lane) {
  Json seconds;
  for (std::size_t i = 0; i < simulation::kNumActivities; ++i) {
    seconds[std::string(Name(static_cast<simulation::Activity>(i)))] = ToSeconds(lane.total[i]);
  }
  return {{"site", lane.site},
          {"rounds_counted", lane.counted},
          {"seconds", std::move(seconds)},
          {"seconds_link_down", ToSeconds(lane.cut_off)},
          {"seconds_lost", ToSeconds(lane.lost_for)},
          {"seconds_awaited_alone", ToSeconds(lane.Awaited())},
          {"awaited_while", MostlyWhile(lane)},
          {"did", SpansToJson(lane.did)},
          {"link_down", SpansToJson(lane.link_down)},
          {"lost", SpansToJson(lane.lost)}};
}

Json ToJson(const RoundMark& mark) {
  return {
      {"round", mark.round},          {"attempt", mark.attempt},  {"kind", mark.kind},
      {"from", ToSeconds(mark.from)}, {"to", ToSeconds(mark.to)}, {"committed", mark.committed},
      {"reason", mark.reason},        {"counted", mark.counted},  {"last_result_from", mark.last}};
}

Json EndToJson(const SimulationResult& result) {
  Json metrics = Json::object();
  for (const std::string& name : HeldOutMetrics(result)) {
    Json points = Json::array();
    for (const Measured& m : MetricOverTime(result, name)) {
      points.push_back({{"seconds", ToSeconds(m.at)}, {"version", m.version}, {"value", m.value}});
    }
    metrics[name] = std::move(points);
  }
  return {{"state", result.run.state()},
          {"reason", result.run.reason()},
          {"gave_up", result.gave_up},
          {"seconds", ToSeconds(result.virtual_time)},
          {"round", result.run.round()},
          {"num_rounds", result.run.num_rounds()},
          {"model_sha256", result.model.empty() ? "" : crypto::Sha256(result.model).Hex()},
          {"metrics", std::move(metrics)}};
}

}  // namespace

std::string WhatIfJson(const WhatIf& what_if) {
  const Timeline& timeline = what_if.result.timeline;
  Json json = {{"run", what_if.result.run.name()},
               {"plan", what_if.plan},
               {"seed", what_if.seed},
               {"with_faults", EndToJson(what_if.result)},
               {"without_faults", EndToJson(what_if.calm)},
               {"same_model", what_if.result.model == what_if.calm.model}};
  Json seconds;
  for (std::size_t i = 0; i < simulation::kNumRunActivities; ++i) {
    seconds[std::string(Name(static_cast<simulation::RunActivity>(i)))] =
        ToSeconds(timeline.run_total[i]);
  }
  json["seconds"] = std::move(seconds);
  json["seconds_paused"] = Json::object();
  for (const auto& [reason, time] : timeline.pauses)
    json["seconds_paused"][reason] = ToSeconds(time);
  json["coordinator"] = SpansToJson(timeline.run);
  json["sites"] = Json::array();
  for (const SiteLane& lane : timeline.sites) json["sites"].push_back(ToJson(lane));
  json["rounds"] = Json::array();
  for (const RoundMark& mark : timeline.rounds) json["rounds"].push_back(ToJson(mark));
  return json.dump(1) + "\n";
}

}  // namespace skerry::cli
