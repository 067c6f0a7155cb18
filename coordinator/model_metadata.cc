#include "coordinator/model_metadata.h"

#include <google/protobuf/util/json_util.h>

#include <string>
#include <utility>

#include "base/check.h"

namespace skerry::coordinator {

ModelMetadata::ModelMetadata(const v1::RunSpec& spec) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  SKERRY_CHECK(google::protobuf::util::MessageToJsonString(spec, &json, options).ok());
  of_run_ = {{"format", "skerry model 1"}, {"run", spec.name()}, {"run_spec", std::move(json)}};
}

storage::Metadata ModelMetadata::Of(int64_t round) const {
  storage::Metadata metadata = of_run_;
  metadata["round"] = std::to_string(round);
  return metadata;
}

}  // namespace skerry::coordinator
