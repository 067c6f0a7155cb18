#include "client/external/rows_file.h"

#include <unistd.h>

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "learning/dataset.h"
#include "storage/safetensors.h"

namespace skerry::client {
namespace {

struct NamedPart {
  const char* name;
  SplitPart part;
};

std::vector<NamedPart> PartsOf(const v1::Split& split) {
  std::vector<NamedPart> parts = {{"train", SplitPart::kTrain}};
  if (split.validation() > 0) parts.push_back({"validation", SplitPart::kValidation});
  if (split.test() > 0) parts.push_back({"test", SplitPart::kTest});
  return parts;
}

learning::Layout LayoutOf(const std::vector<NamedPart>& parts, const SiteData& data) {
  std::vector<learning::TensorSpec> tensors;
  const auto inputs = static_cast<int64_t>(data.num_inputs());
  for (const NamedPart& part : parts) {
    const auto rows = static_cast<int64_t>(data.num_rows(part.part));
    const std::string name = part.name;
    tensors.push_back({name + ".features", learning::DType::kF32, {rows, inputs}});
    tensors.push_back({name + ".labels", learning::DType::kF32, {rows}});
  }
  Result<learning::Layout> layout = learning::Layout::Create(std::move(tensors));
  SKERRY_CHECK(layout.ok());
  return *std::move(layout);
}

std::string_view BytesOf(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

}  // namespace

Result<std::unique_ptr<RowsFile>> RowsFile::Write(Files& files, const std::string& path,
                                                  const SiteData& data, const v1::DataSpec& spec,
                                                  const learning::InputTransform& transform) {
  SKERRY_ASSIGN_OR_RETURN(const auto file, files.Open(path, OpenMode::kCreate));
  auto rows = std::unique_ptr<RowsFile>(new RowsFile(path, transform));
  const std::vector<NamedPart> parts = PartsOf(spec.split());
  const std::string header = storage::SafetensorsHeader(LayoutOf(parts, data), {});
  SKERRY_RETURN_IF_ERROR(file->WriteAt(0, header));
  uint64_t offset = header.size();
  for (const NamedPart& part : parts) {
    const learning::Dataset dataset = data.Prepare(part.part, transform);
    for (const std::vector<float>* values : {&dataset.features, &dataset.labels}) {
      SKERRY_RETURN_IF_ERROR(file->WriteAt(offset, BytesOf(*values)));
      offset += values->size() * sizeof(float);
    }
  }
  return rows;
}

RowsFile::~RowsFile() { ::unlink(path_.c_str()); }

}  // namespace skerry::client
