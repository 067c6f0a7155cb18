#include "coordinator/model_metadata.h"

#include <google/protobuf/util/json_util.h>

#include <string>
#include <utility>

#include "base/check.h"

namespace skerry::coordinator {

storage::Metadata ModelMetadata(const v1::RunSpec& spec, int64_t round) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  SKERRY_CHECK(google::protobuf::util::MessageToJsonString(spec, &json, options).ok());
  return {{"format", "skerry model 1"},
          {"run", spec.name()},
          {"round", std::to_string(round)},
          {"run_spec", std::move(json)}};
}

}  // namespace skerry::coordinator
