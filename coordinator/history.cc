#include "coordinator/history.h"

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "crypto/sha256.h"

namespace skerry::coordinator {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "skerry history 1";

// What the history says of one participant, as Json::dump(1) would write it so deep inside: a long
// run has millions of them.
void AppendParticipant(const storage::TaskRecord& task, std::string& text) {
  text += text.ends_with('[') ? "\n    {\n     \"site\": " : ",\n    {\n     \"site\": ";
  if (IsName(task.site)) {
    text.append("\"").append(task.site).append("\"");
  } else {
    text += Json(task.site).dump();
  }
  text.append(",\n     \"num_examples\": ").append(std::to_string(task.num_examples));
  text.append(",\n     \"content_hash\": \"").append(task.content_hash.Hex()).append("\"");
  if (task.base_version >= 0) {
    text += ",\n     \"base_version\": " + std::to_string(task.base_version);
  }
  text += "\n    }";
}

Status NotAHistory(const std::string& name, const std::string& what) {
  return InvalidArgument(name + ": " + what)
      .WithHint("a history comes from: skerry run export-history RUN > history.json");
}

// A number from 0 on.
std::optional<int64_t> ReadNumber(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) return std::nullopt;
  const Json& number = object[key];
  constexpr uint64_t kLargest = std::numeric_limits<int64_t>::max();
  if (!number.is_number_unsigned() || number.get<uint64_t>() > kLargest) return std::nullopt;
  return number.get<int64_t>();
}

Result<Participant> ParseParticipant(const Json& json, const std::string& name) {
  if (!json.is_object() || !json.contains("site") || !json["site"].is_string()) {
    return NotAHistory(name, "a participant has no site");
  }
  Participant participant{json["site"].get<std::string>()};
  if (!json.contains("base_version")) return participant;
  const std::optional<int64_t> version = ReadNumber(json, "base_version");
  if (!version) {
    return NotAHistory(name, "the \"base_version\" of " + participant.site + " is no version");
  }
  participant.base_version = *version;
  return participant;
}

// In the order in which their results came, where that is known.
std::vector<const storage::TaskRecord*> CountedInOrder(
    const std::vector<storage::TaskRecord>& tasks) {
  std::vector<const storage::TaskRecord*> counted;
  for (const storage::TaskRecord& task : tasks) {
    if (task.outcome == storage::Outcome::kCounted) counted.push_back(&task);
  }
  std::stable_sort(counted.begin(), counted.end(),
                   [](const auto* a, const auto* b) { return a->arrival < b->arrival; });
  return counted;
}

// Puts them where the rounds' empty lists are.
std::string WithParticipants(const std::string& history,
                             const std::vector<const std::string*>& participants) {
  constexpr std::string_view kEmpty = "   \"counted\": []";
  std::string text;
  std::size_t begin = 0;
  for (const std::string* round : participants) {
    const std::size_t list = history.find(kEmpty, begin) + kEmpty.size() - 2;
    text.append(history, begin, list - begin);
    text += round->empty() ? "[]" : *round + "\n   ]";
    begin = list + 2;
  }
  return text.append(history, begin);
}

}  // namespace

std::string HistoryToJson(const storage::RunRecord& run,
                          const std::vector<storage::RoundRecord>& rounds,
                          const std::vector<storage::TaskRecord>& tasks) {
  std::map<int64_t, std::string> counted;
  for (const storage::TaskRecord* task : CountedInOrder(tasks)) {
    AppendParticipant(*task, counted.try_emplace(task->round, "[").first->second);
  }
  std::vector<const std::string*> participants;  // of the rounds in `list`
  const std::string nobody;
  Json list = Json::array();
  for (const storage::RoundRecord& round : rounds) {
    if (round.phase != "committed" || round.kind == "initialize") continue;
    Json entry = {{"round", round.round}, {"attempt", round.attempt}, {"kind", round.kind}};
    entry["counted"] = Json::array();
    if (round.model_version >= 0) entry["model_hash"] = round.model_hash.Hex();
    list.push_back(std::move(entry));
    const auto found = counted.find(round.round);
    participants.push_back(found == counted.end() ? &nobody : &found->second);
  }
  Json history = {{"format", kFormat},
                  {"run", run.run_id},
                  {"run_file_sha256", crypto::Sha256(run.run_file).Hex()},
                  {"state", std::string(Name(run.state))},
                  {"sites", run.sites.get()},
                  {"rounds", std::move(list)}};
  return WithParticipants(history.dump(1), participants) + "\n";
}

Result<Participants> ParseHistory(std::string_view json, const std::string& name) {
  const Json history = Json::parse(json, nullptr, false);
  if (history.is_discarded()) return NotAHistory(name, "this is no JSON");
  if (!history.is_object() || !history.contains("format") || history["format"] != kFormat) {
    return NotAHistory(name, "\"format\" is not \"" + std::string(kFormat) + "\"");
  }
  const auto rounds = history.find("rounds");
  if (rounds == history.end() || !rounds->is_array()) return NotAHistory(name, "it has no rounds");
  Participants participants;
  for (const Json& round : *rounds) {
    const std::optional<int64_t> number = ReadNumber(round, "round");
    if (!number || !round.contains("counted") || !round["counted"].is_array()) {
      return NotAHistory(name, "a round lacks its number or its participants");
    }
    const std::string label = "round " + std::to_string(*number);
    const auto [entry, is_new] = participants.try_emplace(*number);
    if (!is_new) return NotAHistory(name, label + " is there twice");
    std::vector<Participant>& sites = entry->second;
    for (const Json& json_participant : round["counted"]) {
      SKERRY_ASSIGN_OR_RETURN(Participant participant, ParseParticipant(json_participant, name));
      sites.push_back(std::move(participant));
    }
    if (sites.empty()) return NotAHistory(name, label + " counts nobody");
    std::sort(sites.begin(), sites.end());
    const auto twice = std::adjacent_find(
        sites.begin(), sites.end(),
        [](const Participant& a, const Participant& b) { return a.site == b.site; });
    if (twice != sites.end()) {
      return NotAHistory(name, label + " counts site \"" + twice->site + "\" twice");
    }
  }
  return participants;
}

std::string OtherRunFile(std::string_view history_json, std::string_view run_file) {
  const Json history = Json::parse(history_json, nullptr, false);
  const std::string here = crypto::Sha256(run_file).Hex();
  const auto text_of = [&](const char* key) {
    const bool there = history.is_object() && history.contains(key) && history[key].is_string();
    return there ? history[key].get<std::string>() : "";
  };
  const std::string there = text_of("run_file_sha256");
  if (there == here) return "";
  if (there.empty()) return "the history does not say which run file it came from";
  constexpr std::size_t kEnough = 12;
  return "the history is that of run " + text_of("run") + ", which had another run file (sha256 " +
         there.substr(0, kEnough) + ", here " + here.substr(0, kEnough) + ")";
}

}  // namespace skerry::coordinator
