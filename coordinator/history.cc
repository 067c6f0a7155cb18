#include "coordinator/history.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "crypto/sha256.h"

namespace skerry::coordinator {
namespace {

using Json = nlohmann::ordered_json;

Json ParticipantToJson(const storage::TaskRecord& task) {
  return {{"site", task.site},
          {"num_examples", task.num_examples},
          {"content_hash", task.content_hash.Hex()}};
}

Status NotAHistory(const std::string& name, const std::string& what) {
  return InvalidArgument(name + ": " + what)
      .WithHint("a history comes from: skerry run export-history RUN > history.json");
}

}  // namespace

std::string HistoryToJson(const storage::RunRecord& run,
                          const std::vector<storage::RoundRecord>& rounds,
                          const std::vector<storage::TaskRecord>& tasks) {
  std::map<int64_t, Json> counted;
  for (const storage::TaskRecord& task : tasks) {
    if (task.outcome != storage::Outcome::kCounted) continue;
    counted.try_emplace(task.round, Json::array()).first->second.push_back(ParticipantToJson(task));
  }
  Json list = Json::array();
  for (const storage::RoundRecord& round : rounds) {
    if (round.phase != "committed" || round.kind == "initialize") continue;
    Json entry = {{"round", round.round}, {"attempt", round.attempt}, {"kind", round.kind}};
    entry["counted"] = counted.contains(round.round) ? counted[round.round] : Json::array();
    if (round.model_version >= 0) entry["model_hash"] = round.model_hash.Hex();
    list.push_back(std::move(entry));
  }
  Json history = {{"format", "skerry history 1"},
                  {"run", run.run_id},
                  {"run_file_sha256", crypto::Sha256(run.run_file).Hex()},
                  {"state", std::string(Name(run.state))},
                  {"sites", run.sites},
                  {"rounds", std::move(list)}};
  return history.dump(1) + "\n";
}

Result<Participants> ParseHistory(std::string_view json, const std::string& name) {
  const Json history = Json::parse(json, nullptr, false);
  if (history.is_discarded()) return NotAHistory(name, "this is no JSON");
  if (!history.is_object() || history.value("format", "") != "skerry history 1") {
    return NotAHistory(name, "\"format\" is not \"skerry history 1\"");
  }
  Participants participants;
  const auto rounds = history.find("rounds");
  if (rounds == history.end() || !rounds->is_array()) return NotAHistory(name, "it has no rounds");
  for (const Json& round : *rounds) {
    const bool whole = round.is_object() && round.contains("round") &&
                       round["round"].is_number_integer() && round.contains("counted") &&
                       round["counted"].is_array();
    if (!whole) return NotAHistory(name, "a round lacks its number or its participants");
    std::vector<std::string>& sites = participants[round["round"].get<int64_t>()];
    for (const Json& participant : round["counted"]) {
      const bool named = participant.is_object() && participant.contains("site") &&
                         participant["site"].is_string();
      if (!named) return NotAHistory(name, "a participant has no site");
      sites.push_back(participant["site"].get<std::string>());
    }
  }
  return participants;
}

}  // namespace skerry::coordinator
