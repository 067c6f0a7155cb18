#include "client/personal_model_file.h"

#include <google/protobuf/util/json_util.h>

#include <string_view>
#include <utility>
#include <vector>

#include "learning/features.h"
#include "learning/strategy.h"
#include "storage/safetensors.h"

namespace skerry::client {
namespace {

Result<std::string> Json(const v1::RunSpec& spec) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto printed = google::protobuf::util::MessageToJsonString(spec, &json, options);
  if (!printed.ok()) return Internal("the description of the run cannot be written");
  return json;
}

Result<storage::Metadata> MetadataOf(const WorkOrder& order, const std::string& site,
                                     storage::Metadata metadata) {
  v1::RunSpec whole = *order.spec;
  whole.mutable_model()->clear_local_tensors();
  SKERRY_ASSIGN_OR_RETURN(metadata["run_spec"], Json(whole));
  metadata["site"] = site;
  return metadata;
}

}  // namespace

bool HasPersonalModel(const v1::RunSpec& spec) {
  return !spec.training().personal().kind().empty() || spec.model().local_tensors_size() > 0;
}

template <class T>
Status WritePersonalModel(const WorkOrder& order, const std::string& site,
                          const learning::Layout& parameters, std::size_t num_inputs,
                          std::span<const T> values) {
  SKERRY_ASSIGN_OR_RETURN(storage::SafetensorsInfo base, storage::ReadSafetensors(*order.model));
  std::vector<learning::TensorSpec> tensors = learning::TransformTensors(num_inputs);
  std::string transform(3 * num_inputs * sizeof(double), '\0');
  tensors.insert(tensors.end(), parameters.tensors().begin(), parameters.tensors().end());
  SKERRY_ASSIGN_OR_RETURN(const learning::Layout layout,
                          learning::Layout::Create(std::move(tensors)));
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, order.model->ReadAt(base.data_begin, transform));
  if (n != transform.size()) return DataLoss("the model file is cut short");
  SKERRY_ASSIGN_OR_RETURN(const storage::Metadata metadata,
                          MetadataOf(order, site, std::move(base.metadata)));
  const std::string beginning = storage::SafetensorsHeader(layout, metadata) + transform;
  SKERRY_RETURN_IF_ERROR(order.personal_model->WriteAt(0, beginning));
  return order.personal_model->WriteAt(
      beginning.size(), {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

template Status WritePersonalModel(const WorkOrder&, const std::string&, const learning::Layout&,
                                   std::size_t, std::span<const float>);
template Status WritePersonalModel(const WorkOrder&, const std::string&, const learning::Layout&,
                                   std::size_t, std::span<const double>);

}  // namespace skerry::client
