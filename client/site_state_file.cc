#include "client/site_state_file.h"

#include <string_view>
#include <type_traits>
#include <utility>

#include "crypto/sha256.h"
#include "storage/safetensors.h"

namespace skerry::client {
namespace {

template <class T>
constexpr learning::DType kDType =
    std::is_same_v<T, double> ? learning::DType::kF64 : learning::DType::kF32;

template <class T>
std::string_view BytesOf(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

std::string HashKey(const std::string& name) { return "sha256." + name; }

}  // namespace

template <class T>
Result<std::vector<T>> ReadSiteVector(const File& file, const std::string& name, std::size_t size) {
  SKERRY_ASSIGN_OR_RETURN(const storage::SafetensorsInfo info, storage::ReadSafetensors(file));
  const auto at = info.layout.Find(name);
  const learning::TensorSpec expected = {name, kDType<T>, {static_cast<int64_t>(size)}};
  const auto hash = info.metadata.find(HashKey(name));
  if (!at || !(info.layout.tensors()[*at] == expected) || hash == info.metadata.end()) {
    return DataLoss("what this site kept of the run is not of this run's model");
  }
  std::vector<T> values(size);
  const std::span<char> bytes(reinterpret_cast<char*>(values.data()), size * sizeof(T));
  SKERRY_ASSIGN_OR_RETURN(
      const std::size_t n,
      file.ReadAt(info.data_begin + static_cast<uint64_t>(info.layout.offset_bytes(*at)), bytes));
  if (n != bytes.size() || crypto::Sha256({bytes.data(), n}).Hex() != hash->second) {
    return DataLoss("what this site kept of the run is damaged");
  }
  return values;
}

template <class T>
Status WriteSiteVectors(File& file, const std::map<std::string, std::span<const T>>& vectors) {
  std::vector<learning::TensorSpec> tensors;
  storage::Metadata metadata;
  for (const auto& [name, values] : vectors) {
    tensors.push_back({name, kDType<T>, {static_cast<int64_t>(values.size())}});
    metadata[HashKey(name)] = crypto::Sha256(BytesOf(values)).Hex();
  }
  SKERRY_ASSIGN_OR_RETURN(const learning::Layout layout,
                          learning::Layout::Create(std::move(tensors)));
  const std::string header = storage::SafetensorsHeader(layout, metadata);
  SKERRY_RETURN_IF_ERROR(file.WriteAt(0, header));
  uint64_t offset = header.size();
  for (const auto& [name, values] : vectors) {
    SKERRY_RETURN_IF_ERROR(file.WriteAt(offset, BytesOf(values)));
    offset += values.size_bytes();
  }
  return OkStatus();
}

template Result<std::vector<float>> ReadSiteVector(const File&, const std::string&, std::size_t);
template Result<std::vector<double>> ReadSiteVector(const File&, const std::string&, std::size_t);
template Status WriteSiteVectors(File&, const std::map<std::string, std::span<const float>>&);
template Status WriteSiteVectors(File&, const std::map<std::string, std::span<const double>>&);

}  // namespace skerry::client
