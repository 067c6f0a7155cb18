#include "client/described_model.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/text.h"
#include "learning/features.h"

namespace skerry::client {
namespace {

constexpr const char* kFormat = "skerry model 1";
constexpr std::size_t kMostNamed = 5;

Status NotDescribed(const std::string& what) {
  return FailedPrecondition("the file does not say which model it holds: " + what)
      .WithHint("use a file that skerry model export or skerry simulate has written");
}

// In quotes, no more than some of them, and the number of the others.
std::string Named(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) {
    quoted.push_back("\"" + names[i] + "\"");
  }
  const std::size_t more = names.size() - quoted.size();
  return Join(quoted, ", ") + (more == 0 ? "" : " and " + std::to_string(more) + " more");
}

std::vector<std::string> Without(const std::vector<std::string>& names,
                                 const std::vector<std::string>& others) {
  std::vector<std::string> sorted = others;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::string> left;
  for (const std::string& name : names) {
    if (!std::binary_search(sorted.begin(), sorted.end(), name)) left.push_back(name);
  }
  return left;
}

Status CheckSameNames(const char* what, const std::vector<std::string>& model,
                      const std::vector<std::string>& other, const std::string& whose) {
  if (model == other) return OkStatus();
  const std::vector<std::string> extra = Without(model, other);
  const std::vector<std::string> lacking = Without(other, model);
  std::vector<std::string> parts;
  if (!extra.empty()) parts.push_back("it has " + Named(extra) + ", " + whose + " has not");
  if (!lacking.empty()) parts.push_back(whose + " has " + Named(lacking) + ", it has not");
  if (parts.empty()) {
    const auto [at, there] = std::mismatch(model.begin(), model.end(), other.begin(), other.end());
    parts.push_back("in the place of " + Named({*there}) + " it has " + Named({*at}));
  }
  return FailedPrecondition(std::string("the model has another layout: other ") + what + ": " +
                            Join(parts, "; "))
      .WithHint("use the run file that the model was made with");
}

std::vector<std::string> InputNames(const v1::DataSpec& spec) {
  std::vector<std::string> names;
  for (const learning::FeatureColumn& column : learning::FeatureColumns(spec)) {
    names.push_back(column.name);
  }
  return names;
}

Result<LoadedModel> LoadInFloats(const File& file, const DescribedModel& described,
                                 std::size_t num_inputs) {
  SKERRY_ASSIGN_OR_RETURN(const learning::DType dtype, learning::DTypeOf(described.spec.model()));
  if (dtype == learning::DType::kF32) {
    return LoadModel(file, described.model->parameters(), num_inputs);
  }
  SKERRY_ASSIGN_OR_RETURN(
      const auto exact,
      learning::MakeModelF64(described.spec.model(), static_cast<int64_t>(num_inputs),
                             described.spec.data().label_classes_size()));
  SKERRY_ASSIGN_OR_RETURN(const BasicLoadedModel<double> loaded,
                          LoadModelOf<double>(file, exact->parameters(), num_inputs));
  LoadedModel rounded = {loaded.transform, {}};
  for (const double value : loaded.parameters) {
    rounded.parameters.push_back(static_cast<float>(value));
  }
  return rounded;
}

}  // namespace

Result<ModelDescription> DescribeModel(const File& file) {
  ModelDescription description;
  SKERRY_ASSIGN_OR_RETURN(description.info, storage::ReadSafetensors(file));
  const storage::Metadata& metadata = description.info.metadata;
  const auto format = metadata.find("format");
  const auto spec = metadata.find("run_spec");
  const auto round = metadata.find("round");
  if (format == metadata.end() || spec == metadata.end() || round == metadata.end()) {
    return NotDescribed("its metadata lack \"format\", \"run_spec\" or \"round\"");
  }
  if (format->second != kFormat) return NotDescribed("its format is not \"skerry model 1\"");
  const char* const end = round->second.data() + round->second.size();
  const auto [rest, error] = std::from_chars(round->second.data(), end, description.version);
  if (error != std::errc() || rest != end || description.version < 0) {
    return NotDescribed("\"round\" is not a number");
  }
  const auto parsed = google::protobuf::util::JsonStringToMessage(spec->second, &description.spec);
  if (!parsed.ok()) return NotDescribed("\"run_spec\" cannot be read by this version of Skerry");
  return description;
}

Result<DescribedModel> ReadDescribedModel(const File& file) {
  SKERRY_ASSIGN_OR_RETURN(ModelDescription description, DescribeModel(file));
  DescribedModel described;
  described.version = description.version;
  described.spec = std::move(description.spec);
  if (described.spec.model().kind() == "external") {
    return FailedPrecondition(
               "the model is of kind \"external\": what is computed with its tensors, its trainer "
               "knows and Skerry does not")
        .WithHint("read the safetensors file with the program that trained it");
  }
  if (described.spec.model().local_tensors_size() > 0) {
    return FailedPrecondition("the model is not whole: its model.local_tensors stay at the sites");
  }
  const auto num_inputs = learning::FeatureColumns(described.spec.data()).size();
  v1::ModelSpec in_floats = described.spec.model();
  in_floats.clear_dtype();
  SKERRY_ASSIGN_OR_RETURN(described.model,
                          learning::MakeModel(in_floats, static_cast<int64_t>(num_inputs),
                                              described.spec.data().label_classes_size()));
  SKERRY_ASSIGN_OR_RETURN(described.loaded, LoadInFloats(file, described, num_inputs));
  return described;
}

Status CheckSameInputs(const v1::DataSpec& model, const v1::DataSpec& other,
                       const std::string& whose) {
  SKERRY_RETURN_IF_ERROR(CheckSameNames("inputs", InputNames(model), InputNames(other), whose));
  return CheckSameNames("classes", {model.label_classes().begin(), model.label_classes().end()},
                        {other.label_classes().begin(), other.label_classes().end()}, whose);
}

}  // namespace skerry::client
