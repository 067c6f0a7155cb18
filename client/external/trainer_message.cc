#include "client/external/trainer_message.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "learning/features.h"

namespace skerry::client {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMostExamples = int64_t{1} << 50;

Json TensorsOf(const learning::Layout& layout) {
  Json tensors = Json::array();
  for (const learning::TensorSpec& tensor : layout.tensors()) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", learning::DTypeName(tensor.dtype)},
                       {"shape", tensor.shape}});
  }
  return tensors;
}

// Trainers have another working directory.
std::string Absolute(const std::string& path) { return std::filesystem::absolute(path).string(); }

Json SourceOf(const DataSource& source) {
  Json json = {{"name", source.name}};
  if (!source.csv.empty()) json["csv"] = Absolute(source.csv);
  if (!source.idx.images.empty()) {
    json["idx_images"] = Absolute(source.idx.images);
    json["idx_labels"] = Absolute(source.idx.labels);
    json["divisor"] = source.idx.divisor;
  }
  if (!source.idx.parts.empty()) {
    json["parts"] = Absolute(source.idx.parts);
    json["part"] = source.idx.part;
  }
  if (!source.sqlite.empty()) {
    json["sqlite"] = Absolute(source.sqlite);
    json["table"] = source.table;
  }
  json["rename"] = source.rename;
  json["missing_values"] = source.missing_values;
  return json;
}

Json DataOf(const v1::DataSpec& data) {
  Json inputs = Json::array();
  for (const learning::FeatureColumn& column : learning::FeatureColumns(data)) {
    inputs.push_back(column.name);
  }
  return {{"inputs", std::move(inputs)},
          {"label", data.label()},
          {"label_classes", Json(std::vector<std::string>(data.label_classes().begin(),
                                                          data.label_classes().end()))},
          {"split",
           {{"train", data.split().train()},
            {"validation", data.split().validation()},
            {"test", data.split().test()},
            {"seed", data.split().seed()},
            {"key", data.split().key()}}}};
}

Json TrainingOf(const v1::RunSpec& spec, const v1::Task& task) {
  const v1::TrainingSpec& training = spec.training();
  return {{"num_rounds", training.num_rounds()},     {"learning_rate", task.learning_rate()},
          {"local_epochs", training.local_epochs()}, {"batch_size", training.batch_size()},
          {"momentum", training.momentum()},         {"weight_decay", training.weight_decay()},
          {"proximal_mu", training.proximal_mu()},   {"optimizer", training.optimizer()},
          {"local_steps", training.local_steps()},   {"clipping_norm", training.clipping_norm()}};
}

// The values of an object whose keys are all known; each is taken once.
class Fields {
 public:
  Fields(const Json& json, const char* what) : json_(json), what_(what) {}

  template <class Convert>
  void Take(const char* key, bool required, const Convert& convert) {
    known_.insert(key);
    const auto found = json_.find(key);
    if (found == json_.end()) {
      if (required) Fail(std::string("has no \"") + key + "\"");
    } else if (!convert(*found)) {
      Fail(std::string("has a \"") + key + "\" that is not what it must be");
    }
  }
  void Fail(const std::string& what) {
    if (status_.ok()) status_ = InvalidArgument(std::string(what_) + " " + what);
  }
  Status Finish() {
    for (const auto& [key, value] : json_.items()) {
      if (!known_.contains(key)) Fail("has a key that the protocol does not know");
    }
    return status_;
  }

 private:
  const Json& json_;
  const char* what_;
  std::set<std::string> known_;
  Status status_;
};

bool ToCount(const Json& json, int64_t& out) {
  if (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t{kMostExamples}) return false;
  if (!json.is_number_integer()) return false;
  out = json.get<int64_t>();
  return out >= 0 && out <= kMostExamples;
}

bool ToNumber(const Json& json, double& out) {
  if (!json.is_number()) return false;
  out = json.get<double>();
  return std::isfinite(out);
}

Result<TrainerScore> ToScore(const Json& json) {
  if (!json.is_object()) return InvalidArgument("a split's evaluation is no object");
  TrainerScore score;
  for (const auto& [key, value] : json.items()) {
    double number = 0;
    const bool good =
        key == "num_examples" ? ToCount(value, score.num_examples) : ToNumber(value, number);
    if (!good) return InvalidArgument("an evaluation has a value that is no finite number");
    if (key != "num_examples") score.sums[key] = number;
  }
  if (!json.contains("num_examples")) return InvalidArgument("an evaluation has no num_examples");
  return score;
}

Status TakeScores(const Json& json, TrainerDone& done) {
  if (!json.is_object()) return InvalidArgument("\"evaluation\" is no object");
  for (const auto& [split, values] : json.items()) {
    SKERRY_ASSIGN_OR_RETURN(done.scores[split], ToScore(values));
  }
  return OkStatus();
}

Result<TrainerMessage> ToDone(const Json& json) {
  TrainerDone done;
  Status scores;
  Fields fields(json, "a message \"done\"");
  fields.Take("type", true, [](const Json&) { return true; });
  fields.Take("num_examples", false,
              [&](const Json& value) { return ToCount(value, done.num_examples.emplace()); });
  fields.Take("train_loss", false,
              [&](const Json& value) { return ToNumber(value, done.train_loss.emplace()); });
  fields.Take("evaluation", false, [&](const Json& value) {
    scores = TakeScores(value, done);
    return true;
  });
  SKERRY_RETURN_IF_ERROR(fields.Finish());
  SKERRY_RETURN_IF_ERROR(scores);
  return TrainerMessage(std::move(done));
}

Result<TrainerMessage> ToProgress(const Json& json) {
  TrainerProgress progress;
  Fields fields(json, "a message \"progress\"");
  fields.Take("type", true, [](const Json&) { return true; });
  fields.Take("done", true, [&](const Json& value) { return ToCount(value, progress.done); });
  fields.Take("total", true, [&](const Json& value) { return ToCount(value, progress.total); });
  SKERRY_RETURN_IF_ERROR(fields.Finish());
  if (progress.done > progress.total) return InvalidArgument("more is done than there is to do");
  return TrainerMessage(progress);
}

Result<TrainerMessage> ToFailure(const Json& json) {
  TrainerFailure failure;
  Fields fields(json, "a message \"error\"");
  fields.Take("type", true, [](const Json&) { return true; });
  fields.Take("message", true, [&](const Json& value) {
    if (value.is_string()) failure.message = value.get<std::string>();
    return value.is_string();
  });
  SKERRY_RETURN_IF_ERROR(fields.Finish());
  return TrainerMessage(std::move(failure));
}

}  // namespace

std::string ToLine(const TrainerTask& task) {
  const v1::RunSpec& spec = *task.spec;
  Json json = {{"type", "task"},     {"protocol", kTrainerProtocol}, {"task", task.what},
               {"run", task.run},    {"round", task.task->round()},  {"site", task.site},
               {"seed", spec.seed()}};
  if (!task.model.empty()) json["model"] = Absolute(task.model);
  if (!task.output.empty()) json["output"] = Absolute(task.output);
  if (!task.rows.empty()) json["rows"] = Absolute(task.rows);
  if (task.source != nullptr) json["source"] = SourceOf(*task.source);
  if (!task.splits.empty()) json["splits"] = task.splits;
  json["metrics"] = std::vector<std::string>(spec.evaluation().metrics().begin(),
                                             spec.evaluation().metrics().end());
  json["tensors"] = TensorsOf(*task.tensors);
  json["data"] = DataOf(spec.data());
  json["training"] = TrainingOf(spec, *task.task);
  const auto& settings = spec.model().external().settings();
  json["settings"] = std::map<std::string, std::string>(settings.begin(), settings.end());
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Result<TrainerMessage> ParseTrainerMessage(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return InvalidArgument("it is no JSON");
  if (!json.is_object()) return InvalidArgument("it is no JSON object");
  const auto type = json.find("type");
  if (type == json.end() || !type->is_string()) return InvalidArgument("it has no \"type\"");
  if (*type == "done") return ToDone(json);
  if (*type == "progress") return ToProgress(json);
  if (*type == "error") return ToFailure(json);
  return InvalidArgument("its \"type\" is none of \"done\", \"progress\" and \"error\"");
}

}  // namespace skerry::client
