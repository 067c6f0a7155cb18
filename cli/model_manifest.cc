#include "cli/model_manifest.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "cli/render/table.h"
#include "client/described_model.h"
#include "crypto/content_hash.h"
#include "crypto/sha256.h"
#include "learning/features.h"
#include "learning/layout.h"

namespace skerry::cli {
namespace {

using Json = nlohmann::ordered_json;
using learning::FeatureColumn;

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

std::string Dump(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace);
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::vector<std::string> parts;
  for (const int64_t size : shape) parts.push_back(std::to_string(size));
  return Join(parts, " x ");
}

// Names come with their lengths, so that no name can pass for another layout.
std::string LayoutHash(const client::ModelDescription& description) {
  std::string text = "skerry model layout 1\n";
  const auto add = [&text](const std::string& kind, const std::string& name) {
    text += kind + " " + std::to_string(name.size()) + ":" + name + "\n";
  };
  for (const learning::TensorSpec& tensor : description.info.layout.tensors()) {
    add("tensor " + std::string(learning::DTypeName(tensor.dtype)) + " " + ShapeText(tensor.shape),
        tensor.name);
  }
  const v1::DataSpec& data = description.spec.data();
  for (const FeatureColumn& column : learning::FeatureColumns(data)) add("input", column.name);
  for (const std::string& name : data.label_classes()) add("class", name);
  return crypto::Sha256(text).Hex();
}

// The numbers of a small F64 tensor; nothing where there is none of this name.
Result<std::vector<double>> ReadDoubles(const File& file, const storage::SafetensorsInfo& info,
                                        const std::string& name) {
  std::vector<double> values;
  const auto at = info.layout.Find(name);
  if (!at || info.layout.tensors()[*at].dtype != learning::DType::kF64) return values;
  values.resize(static_cast<std::size_t>(info.layout.tensors()[*at].NumElements()));
  const std::span<char> bytes(reinterpret_cast<char*>(values.data()),
                              values.size() * sizeof(double));
  SKERRY_ASSIGN_OR_RETURN(
      const std::size_t n,
      file.ReadAt(info.data_begin + static_cast<uint64_t>(info.layout.offset_bytes(*at)), bytes));
  if (n != bytes.size()) return DataLoss("the model file is cut short");
  return values;
}

const char* MissingName(v1::MissingRule rule) {
  if (rule == v1::MEAN) return "mean";
  if (rule == v1::KEEP) return "keep";
  return rule == v1::INDICATOR ? "indicator" : "drop";
}

// What a raw row goes through before the model sees it.
Result<Json> Preprocessing(const File& file, const client::ModelDescription& description) {
  const v1::DataSpec& data = description.spec.data();
  Json json = {
      {"missing", MissingName(data.missing())},
      {"standardize", data.standardize()},
      {"numeric", std::vector<std::string>(data.features().begin(), data.features().end())},
      {"categories", Json::object()},
      {"inputs", Json::array()}};
  for (const v1::Category& category : data.categories()) {
    json["categories"][category.column()] =
        std::vector<std::string>(category.levels().begin(), category.levels().end());
  }
  for (const FeatureColumn& column : learning::FeatureColumns(data)) {
    json["inputs"].push_back(column.name);
  }
  for (const char* name : {"fill", "mean", "scale"}) {
    SKERRY_ASSIGN_OR_RETURN(json[name],
                            ReadDoubles(file, description.info, std::string("input.") + name));
  }
  return json;
}

// How many rounds each site has had a part in that led to the model.
Json Participants(const std::vector<v1::RoundSummary>& rounds, int64_t version) {
  std::map<std::string, int64_t> counted;
  for (const v1::RoundSummary& round : rounds) {
    const bool part = round.phase() == "committed" && round.model_version() >= 0 &&
                      round.model_version() <= version;
    if (!part) continue;
    for (const v1::SiteInRound& site : round.sites()) counted[site.site()] += site.counted();
  }
  Json json = Json::array();
  for (const auto& [site, number] : counted) {
    if (number > 0) json.push_back({{"site", site}, {"rounds", number}});
  }
  return json;
}

Result<std::string> ManifestFor(const File& file, const client::ModelDescription& description,
                                const std::vector<v1::RoundSummary>& rounds) {
  const v1::RunSpec& spec = description.spec;
  SKERRY_ASSIGN_OR_RETURN(const crypto::Digest hash,
                          crypto::ContentHashOf(crypto::kFileHeader, file));
  SKERRY_ASSIGN_OR_RETURN(Json preprocessing, Preprocessing(file, description));
  Json manifest = {{"format", "skerry manifest 1"},
                   {"run", spec.name()},
                   {"round", description.version},
                   {"num_rounds", spec.training().num_rounds()},
                   {"model_hash", hash.Hex()},
                   {"layout_sha256", LayoutHash(description)},
                   {"model", spec.model().kind()},
                   {"label", spec.data().label()},
                   {"classes", std::vector<std::string>(spec.data().label_classes().begin(),
                                                        spec.data().label_classes().end())},
                   {"preprocessing", std::move(preprocessing)},
                   {"participants", Participants(rounds, description.version)}};
  if (!IsWholeHistory(rounds, description.version)) manifest["participants_complete"] = false;
  return Dump(manifest);
}

Status CopyBytes(const File& from, uint64_t offset, File& to, uint64_t to_offset) {
  std::vector<char> piece(kPieceBytes);
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, from.ReadAt(offset, piece));
    SKERRY_RETURN_IF_ERROR(to.WriteAt(to_offset, {piece.data(), n}));
    if (n < piece.size()) return OkStatus();
    offset += n;
    to_offset += n;
  }
}

std::string NumberAt(const Json& list, std::size_t i) {
  const bool there = list.is_array() && i < list.size() && list[i].is_number();
  return there ? FormatExact(list[i].get<double>()) : "-";
}

// Of a field that a stranger may have written: text, or what it is as JSON.
std::string TextOf(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return "-";
  return Printable(found->is_string() ? found->get<std::string>() : Dump(*found));
}

std::string ListText(const Json& json) {
  std::vector<std::string> names;
  if (json.is_array()) {
    for (const Json& entry : json) {
      names.push_back(Printable(entry.is_string() ? entry.get<std::string>() : Dump(entry)));
    }
  }
  return names.empty() ? "-" : Join(names, ", ");
}

std::string InputsTable(const Json& preprocessing, int width) {
  Table table({"input", "missing becomes", "minus", "divided by"});
  const Json names = preprocessing.value("inputs", Json::array());
  const std::string rule = TextOf(preprocessing, "missing");
  const bool fills = rule == "mean" || rule == "indicator";
  for (std::size_t i = 0; i < names.size() && names.is_array(); ++i) {
    table.Add({names[i].is_string() ? names[i].get<std::string>() : "-",
               fills ? NumberAt(preprocessing.value("fill", Json()), i) : "-",
               NumberAt(preprocessing.value("mean", Json()), i),
               NumberAt(preprocessing.value("scale", Json()), i)});
  }
  return table.ToString(width);
}

std::string ParticipantsText(const Json& manifest) {
  std::vector<std::string> parts;
  const Json list = manifest.value("participants", Json::array());
  for (const Json& entry : list) {
    if (!entry.is_object()) continue;
    parts.push_back(TextOf(entry, "site") + " (" + TextOf(entry, "rounds") + ")");
  }
  if (parts.empty()) return "-";
  const bool some = manifest.value("participants_complete", Json()) == Json(false);
  return Join(parts, ", ") + "   (site (rounds))" +
         (some ? "\n              of the rounds that were still in the journal: [keep] "
                 "history_rounds has removed others"
               : "");
}

Result<Json> ParseManifest(const storage::Metadata& metadata) {
  const auto found = metadata.find(kManifestKey);
  if (found == metadata.end()) {
    return FailedPrecondition("the file has no manifest")
        .WithHint("skerry model export and skerry simulate write one");
  }
  Json json = Json::parse(found->second, nullptr, false);
  if (!json.is_object()) return FailedPrecondition("the manifest of the file is not JSON");
  return json;
}

}  // namespace

// A round makes the version of its own number, if it makes one.
bool IsWholeHistory(const std::vector<v1::RoundSummary>& rounds, int64_t version) {
  const auto makes_one = [version](const v1::RoundSummary& round) {
    return round.phase() == "committed" && round.model_version() >= 1 &&
           round.model_version() <= version;
  };
  return std::count_if(rounds.begin(), rounds.end(), makes_one) >= version;
}

Result<std::string> MakeManifest(const File& model, const std::vector<v1::RoundSummary>& rounds) {
  SKERRY_ASSIGN_OR_RETURN(const client::ModelDescription description, client::DescribeModel(model));
  return ManifestFor(model, description, rounds);
}

Status CopyWithManifest(const File& from, const std::vector<v1::RoundSummary>& rounds, File& to) {
  SKERRY_ASSIGN_OR_RETURN(client::ModelDescription description, client::DescribeModel(from));
  SKERRY_ASSIGN_OR_RETURN(description.info.metadata[kManifestKey],
                          ManifestFor(from, description, rounds));
  const std::string header =
      storage::SafetensorsHeader(description.info.layout, description.info.metadata);
  SKERRY_RETURN_IF_ERROR(to.WriteAt(0, header));
  return CopyBytes(from, description.info.data_begin, to, header.size());
}

Result<std::string> ManifestOf(const File& file) {
  SKERRY_ASSIGN_OR_RETURN(const storage::SafetensorsInfo info, storage::ReadSafetensors(file));
  SKERRY_ASSIGN_OR_RETURN(const Json manifest, ParseManifest(info.metadata));
  return manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<std::string> DescribeForPeople(const File& file, int width) {
  SKERRY_ASSIGN_OR_RETURN(const storage::SafetensorsInfo info, storage::ReadSafetensors(file));
  SKERRY_ASSIGN_OR_RETURN(const Json manifest, ParseManifest(info.metadata));
  const Json preprocessing = manifest.value("preprocessing", Json::object());
  Table tensors({"tensor", "type", "shape"});
  for (const learning::TensorSpec& tensor : info.layout.tensors()) {
    tensors.Add(
        {tensor.name, std::string(learning::DTypeName(tensor.dtype)), ShapeText(tensor.shape)});
  }
  const std::string label = manifest.contains("label") ? TextOf(manifest, "label") : "";
  std::string text =
      "run           " + TextOf(manifest, "run") + ", round " + TextOf(manifest, "round") + " of " +
      TextOf(manifest, "num_rounds") + "\nmodel         " + TextOf(manifest, "model") +
      (label.empty() ? "" : ", predicts " + label) + "\nclasses       " +
      ListText(manifest.value("classes", Json::array())) + "\nmodel hash    " +
      TextOf(manifest, "model_hash") + "\nlayout        " + TextOf(manifest, "layout_sha256") +
      "\nparticipants  " + ParticipantsText(manifest) + "\n\n";
  if (preprocessing.is_object()) {
    text += "Raw inputs, what a missing cell becomes (rule: " + TextOf(preprocessing, "missing") +
            "), and what is done to every value:\n\n" + InputsTable(preprocessing, width) + "\n";
  }
  return text + tensors.ToString(width);
}

}  // namespace skerry::cli
