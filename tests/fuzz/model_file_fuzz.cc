#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes_file.h"
#include "base/check.h"
#include "client/described_model.h"
#include "learning/onnx/export.h"

// Any file may be given to `skerry model predict` and `skerry model export`. What is taken for a
// model is whole, and if it can be written as ONNX it is.
namespace skerry::client {
namespace {

void Try(const std::string& bytes) {
  const BytesFile file(bytes);
  const Result<DescribedModel> read = ReadDescribedModel(file);
  if (!read.ok()) {
    SKERRY_CHECK(!read.status().message().empty());
    return;
  }
  const DescribedModel& described = *read;
  const auto num_inputs = static_cast<std::size_t>(described.model->num_features());
  SKERRY_CHECK(described.loaded.transform.scale.size() == num_inputs);
  SKERRY_CHECK(static_cast<int64_t>(described.loaded.parameters.size()) ==
               described.model->parameters().num_elements());
  const Result<std::string> onnx = learning::ToOnnx(
      {described.spec, *described.model, described.loaded.transform, described.loaded.parameters},
      {});
  SKERRY_CHECK(onnx.ok() || onnx.status().code() == Code::kFailedPrecondition);
}

}  // namespace
}  // namespace skerry::client

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size) {
  skerry::client::Try({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
