#include "client/site_state_file.h"

#include <string_view>
#include <utility>

#include "crypto/sha256.h"
#include "storage/safetensors.h"

namespace skerry::client {
namespace {

constexpr const char* kHash = "sha256";

std::string_view BytesOf(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

Result<learning::Layout> LayoutOf(const std::string& name, std::size_t size) {
  return learning::Layout::Create({{name, learning::DType::kF32, {static_cast<int64_t>(size)}}});
}

}  // namespace

Result<std::vector<float>> ReadSiteState(const File& file, const std::string& name,
                                         std::size_t size) {
  SKERRY_ASSIGN_OR_RETURN(const storage::SafetensorsInfo info, storage::ReadSafetensors(file));
  SKERRY_ASSIGN_OR_RETURN(const learning::Layout expected, LayoutOf(name, size));
  const auto hash = info.metadata.find(kHash);
  if (!(info.layout == expected) || hash == info.metadata.end()) {
    return DataLoss("what this site kept of the run is not of this run's model");
  }
  std::vector<float> values(size);
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n,
                          file.ReadAt(info.data_begin, {reinterpret_cast<char*>(values.data()),
                                                        values.size() * sizeof(float)}));
  if (n != size * sizeof(float) || crypto::Sha256(BytesOf(values)).Hex() != hash->second) {
    return DataLoss("what this site kept of the run is damaged");
  }
  return values;
}

Status WriteSiteState(File& file, const std::string& name, std::span<const float> values) {
  SKERRY_ASSIGN_OR_RETURN(const learning::Layout layout, LayoutOf(name, values.size()));
  const std::string header =
      storage::SafetensorsHeader(layout, {{kHash, crypto::Sha256(BytesOf(values)).Hex()}});
  SKERRY_RETURN_IF_ERROR(file.WriteAt(0, header));
  return file.WriteAt(header.size(), BytesOf(values));
}

}  // namespace skerry::client
